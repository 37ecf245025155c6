"""What one ticket's page shows, and which of its buttons."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from customers.models import Customer
from fte_project.events import Channel
from tickets.copies import copied_by_customer
from tickets.desk_links import links_context
from tickets.lifecycle import Event, Handler, NotAllowed, Status, outcome
from tickets.models import Escalation, Ticket, Trust
from tickets.panels import doors
from tickets.reasons import Urgency
from tickets.timeline import linked, person, timeline

OTHER_TICKETS = 6
# Unfold's label colours.
STATUS_COLOURS = {
    Status.OPEN: "info",
    Status.PENDING: "warning",
    Status.ESCALATED: "danger",
    Status.RESOLVED: "success",
    Status.CLOSED: "default",
}
URGENCY_COLOURS = {Urgency.LOW: "default", Urgency.NORMAL: "info", Urgency.HIGH: "warning", Urgency.CRITICAL: "danger"}
TRUST_IN_WORDS = {
    Trust.CLAIMED: "Claimed only: nobody has proven that this address is theirs.",
    Trust.CHANNEL_VERIFIED: "The channel vouches for this address.",
    Trust.CODE_VERIFIED: "They entered a code that we sent to this address.",
    Trust.STAFF_VERIFIED: "A colleague confirmed who they are.",
}


@dataclass(frozen=True, kw_only=True)
class Buttons:
    """What the viewer may do with the ticket now: by permission and by the lifecycle table."""

    reply: bool
    note: bool
    claim: bool
    hand_back: bool
    resolve: bool


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What somebody typed that was not stored, and why in words: shown again in its box."""

    box: str  # reply or note
    text: str
    why: str = ""
    cc: list[str] = field(default_factory=list)


def buttons(ticket: Ticket, viewer: User) -> Buttons:
    """Which forms the page shows. The functions behind them check again."""
    may_change = viewer.has_perm("tickets.change_ticket")
    is_assistants = ticket.handler == Handler.ASSISTANT
    is_taken = ticket.handler == Handler.STAFF and ticket.assignee_id is not None
    return Buttons(
        reply=may_change and _allows(ticket, Event.STAFF_REPLY),
        note=viewer.has_perm("tickets.add_note"),
        claim=may_change and not is_taken and _allows(ticket, Event.CLAIM),
        hand_back=may_change and not is_assistants and _allows(ticket, Event.HAND_BACK),
        resolve=may_change and _allows(ticket, Event.RESOLVE),
    )


def _allows(ticket: Ticket, event: Event) -> bool:
    try:
        outcome(Status(ticket.status), Handler(ticket.handler), event)
    except NotAllowed:
        return False
    return True


def page_context(ticket: Ticket, viewer: User, kept: Kept | None = None) -> dict[str, Any]:
    """Everything the template needs about the ticket: header, hand-off card, timeline, customer, forms."""
    escalation = ticket.escalations.still_open().select_related("claimed_by").first()
    customer = ticket.conversation.customer
    return {
        "ticket": ticket,
        "status_colour": STATUS_COLOURS[Status(ticket.status)],
        "assignee": person(ticket.assignee) if ticket.assignee else "",
        "is_mine": ticket.assignee_id == viewer.pk,
        "hand_off": _hand_off(escalation, ticket),
        "timeline": timeline(ticket, viewer),
        "customer": customer,
        "trust": TRUST_IN_WORDS[Trust(ticket.conversation.trust)],
        "is_claimed_only": ticket.conversation.trust == Trust.CLAIMED,
        "links": links_context(customer, viewer),
        "may_verify": viewer.has_perm("tickets.change_ticket") and ticket.conversation.trust == Trust.CLAIMED,
        "other_tickets": _other_tickets(ticket, customer),
        "buttons": buttons(ticket, viewer),
        "doors": doors(viewer),
        "kept": kept,
        "takes_copies": ticket.channel == Channel.EMAIL,
        "copied": copied_by_customer(ticket),
    }


def _hand_off(escalation: Escalation | None, ticket: Ticket) -> dict[str, Any] | None:
    if escalation is None:
        return None
    return {
        "escalation": escalation,
        "urgency_colour": URGENCY_COLOURS[Urgency(escalation.urgency)],
        "claimed_by": person(escalation.claimed_by) if escalation.claimed_at else "",
        "sources": linked(escalation.draft_sources),
        # Once people have answered, it is history: folded.
        "is_pressing": ticket.status == Status.ESCALATED,
    }


def _other_tickets(ticket: Ticket, customer: Customer) -> list[dict[str, Any]]:
    others: QuerySet[Ticket] = Ticket.objects.filter(conversation__customer=customer).exclude(pk=ticket.pk)
    return [
        {"ticket": other, "colour": STATUS_COLOURS[Status(other.status)]}
        for other in others.order_by("-id")[:OTHER_TICKETS]
    ]
