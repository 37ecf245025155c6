"""How a ticket goes to people and back: escalate, claim, hand back, resolve."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now

from fte_project.events import EscalationOpened, MessageReceived, publish
from tickets.intake import ask_assistant
from tickets.lifecycle import Event, Handler, NotAllowed
from tickets.models import Conversation, Escalation, Message, Ticket
from tickets.phrases import hand_over_text
from tickets.reasons import Reason, Urgency
from tickets.record import SYSTEM, record, staff_actor
from tickets.replies import store_reply, take_over

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """Why people are asked, and what is ready for them. `suggestions` go to the customer, `draft` to staff only."""

    reason: Reason
    urgency: Urgency = Urgency.NORMAL
    detail: str = ""
    suggestions: tuple[dict[str, Any], ...] = ()
    draft: str = ""
    draft_sources: tuple[dict[str, Any], ...] = ()


def escalate(
    ticket: Ticket, hand_over: HandOver, *, actor: str = SYSTEM, answers: Iterable[int] | None = None
) -> Escalation:
    """Open an escalation and store, in the same transaction, the one text to the customer.

    A ticket that has an open escalation keeps it and no second text is sent. Raises NotAllowed.
    """
    with transaction.atomic():
        Conversation.objects.lock(ticket.conversation_id)
        ticket.refresh_from_db()
        Conversation.objects.filter(pk=ticket.conversation_id).update(work_due_at=None)
        current = ticket.escalations.still_open().first()
        if current is not None:
            return current
        ticket.apply(Event.ESCALATE)
        _let_go(ticket)
        escalation = Escalation.objects.create(
            ticket=ticket,
            reason=hand_over.reason,
            urgency=hand_over.urgency,
            detail=hand_over.detail,
            draft=hand_over.draft,
            draft_sources=list(hand_over.draft_sources),
        )
        kind = Message.Kind.SUGGESTION if hand_over.suggestions else Message.Kind.HAND_OVER
        store_reply(
            ticket,
            author=Message.Author.ASSISTANT if hand_over.suggestions else Message.Author.SYSTEM,
            body=hand_over_text(ticket.reference, _language(ticket), suggestions=hand_over.suggestions),
            kind=kind,
            sources=hand_over.suggestions,
            answers=answers,
        )
        record(ticket, "escalated", actor, escalation=escalation.pk, reason=hand_over.reason)
        publish(EscalationOpened(conversation_id=ticket.conversation_id, escalation_id=escalation.pk))
    return escalation


def offer_draft(
    ticket: Ticket, hand_over: HandOver, *, actor: str = SYSTEM, answers: Iterable[int] | None = None
) -> Escalation:
    """Put a draft before staff: on the open escalation, in place of the draft it has, or on a new one.

    Raises NotAllowed.
    """
    with transaction.atomic():
        Conversation.objects.lock(ticket.conversation_id)
        ticket.refresh_from_db()
        current = ticket.escalations.still_open().first()
        if current is None:
            return escalate(ticket, hand_over, actor=actor, answers=answers)
        current.detail, current.draft = hand_over.detail, hand_over.draft
        current.draft_sources = list(hand_over.draft_sources)
        current.save(update_fields=["detail", "draft", "draft_sources"])
        record(ticket, "draft_offered", actor, escalation=current.pk)
    return current


def claim(ticket: Ticket, staff: "User") -> None:
    """`staff` takes the ticket; the assistant stops in the same transaction, also while it is thinking.

    Raises NotAllowed when somebody else holds it.
    """
    with transaction.atomic():
        Conversation.objects.lock(ticket.conversation_id)
        ticket.refresh_from_db()
        if ticket.handler == Handler.STAFF and ticket.assignee_id not in {None, staff.pk}:
            raise NotAllowed(f"{ticket.reference} is held by {ticket.assignee}.")
        ticket.apply(Event.CLAIM)
        Conversation.objects.filter(pk=ticket.conversation_id).update(work_due_at=None)
        take_over(ticket, staff)
        record(ticket, "claimed", staff_actor(staff))


def hand_back(ticket: Ticket, staff: "User") -> None:
    """Give the ticket back to the assistant, which answers what is still unanswered. Raises NotAllowed."""
    with transaction.atomic():
        conversation = Conversation.objects.lock(ticket.conversation_id)
        ticket.refresh_from_db()
        give_to_assistant(ticket, conversation)
        record(ticket, "handed_back", staff_actor(staff))


def give_to_assistant(ticket: Ticket, conversation: Conversation) -> None:
    """The assistant holds the ticket and is asked for what is unanswered, in the caller's transaction, which holds
    the conversation. Raises NotAllowed."""
    ticket.apply(Event.HAND_BACK)
    close_escalation(ticket)
    _let_go(ticket)
    newest = ticket.messages.all().unanswered().last()
    if newest is not None:
        ask_assistant(conversation)
        publish(MessageReceived(conversation_id=conversation.pk, channel=newest.channel, message_id=newest.pk))


def resolve(ticket: Ticket, staff: "User", *, notes: str = "") -> None:
    """The matter is settled; the customer may reopen it by writing. Raises NotAllowed."""
    with transaction.atomic():
        Conversation.objects.lock(ticket.conversation_id)
        ticket.refresh_from_db()
        was_nobodys = ticket.handler == Handler.NOBODY
        ticket.apply(Event.RESOLVE)
        Conversation.objects.filter(pk=ticket.conversation_id).update(work_due_at=None)
        if was_nobodys:
            take_over(ticket, staff)
        close_escalation(ticket)
        ticket.resolution_notes = notes
        ticket.save(update_fields=["resolution_notes"])
        record(ticket, "resolved", staff_actor(staff))


def close_escalation(ticket: Ticket) -> None:
    """People have dealt with it (in the caller's transaction, which holds the conversation)."""
    ticket.escalations.still_open().update(closed_at=Now())


def _language(ticket: Ticket) -> str:
    """What the customer wrote in last, as far as it is known; else what is known of them; empty when nothing is."""
    said = ticket.conversation.messages.filter(direction=Message.Direction.INBOUND).exclude(language="")
    newest = said.values_list("language", flat=True).last()
    return newest or ticket.conversation.customer.language


def _let_go(ticket: Ticket) -> None:
    # Whoever claims it next is its assignee.
    ticket.assignee = None
    ticket.save(update_fields=["assignee"])
