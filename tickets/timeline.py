"""A ticket's timeline: all that was said and done in its conversation, in time order, ready for the templates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.utils.safestring import SafeString

from fte_project.events import Channel
from fte_project.markup import to_html
from fte_project.text import plain_error
from tickets.models import Delivery, Message, Note, Ticket, TicketEvent
from tickets.panels import Entry, panel_entries

if TYPE_CHECKING:
    from django.db.models import QuerySet

FOLDER = "admin/tickets/ticket"
MESSAGES_SHOWN = 200
HAPPENINGS = {
    "escalated": "{actor} handed the ticket to people",
    "claimed": "{actor} claimed the ticket",
    "handed_back": "{actor} handed the ticket back to the assistant",
    "resolved": "{actor} resolved the ticket",
    "replayed": "{actor} had the assistant try again",
    "delivery_failed": "A reply could not be delivered",
    "delivery_unknown": "Nobody knows whether a reply arrived: a person must decide",
    "delivery_confirmed": "{actor} confirmed that a reply arrived",
    "sent_again": "{actor} had a reply sent again",
    "replied_elsewhere": "Somebody answered from the mailbox itself and holds the ticket now",
    "held_back": "An answer of the assistant was not sent: a person answered first",
    "address_verified": "The customer has shown that the address is theirs; earlier status links no longer work",
    "attachments_not_kept": "Some attachments were too large or too many: they are in the mailbox only",
    "imported": "Imported from the mailbox: it was said before the desk read it, and the desk answers none of it",
    "code_sent": "{actor} asked for a code to prove an address",
    "code_wrong": "{actor} entered a wrong code",
    "code_used_up": "{actor} entered a wrong code for the third time: it is used up",
    "address_proven": "{actor} proved this address by a code",
    "address_linked": "{actor} proved another address by a code: it is theirs too",
    "customer_merged": "{actor} joined two customers",
    "customer_unmerged": "{actor} took two customers apart again",
    "trust_checked": "{actor} confirmed who writes here",
    "time_passed": "Nobody wrote for some time: the ticket moved on",
}
ACTORS = {"assistant": "The assistant", "customer": "The customer", "system": "A rule"}
# What became of a delivery: the mark, and its words.
MARKS = {
    Delivery.Status.QUEUED: ("…", "queued"),
    Delivery.Status.SENDING: ("…", "sending"),
    Delivery.Status.SENT: ("✓", "sent"),
    Delivery.Status.DELIVERED: ("✓✓", "delivered"),
    Delivery.Status.READ: ("✓✓", "read"),
    Delivery.Status.FAILED: ("✗", "failed"),
    Delivery.Status.UNKNOWN: ("?", "unknown whether it arrived"),
}


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One delivery of a reply in small: mark and words, and the provider's error when there is one."""

    mark: str
    words: str
    status: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message as the timeline shows it. `html` is empty for a customer: their words are shown as plain text."""

    message: Message
    author: str
    tag: str
    html: SafeString | str
    sources: list[dict[str, Any]]
    ticks: list[Tick]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The entries, oldest first. `last_message` is the newest message's id, 0 without any."""

    entries: list[Entry]
    last_message: int
    has_older: bool


def timeline(ticket: Ticket, viewer: User) -> Timeline:
    """Everything in the ticket's conversation that `viewer` may see; of the messages the newest 200."""
    said: QuerySet[Message] = ticket.conversation.messages.select_related("staff")
    messages = list(said.prefetch_related("deliveries", "attachments").order_by("-id")[: MESSAGES_SHOWN + 1])
    has_older = len(messages) > MESSAGES_SHOWN
    last_message = messages[0].pk if messages else 0
    messages = messages[:MESSAGES_SHOWN][::-1]
    tickets = {t.pk: t for t in ticket.conversation.tickets.all()}
    entries = [_said(m, ticket.conversation.customer.name) for m in messages]
    around = [*_notes(ticket), *_happenings(list(tickets)), *panel_entries(ticket, viewer)]
    if has_older:
        since = min(e.at for e in entries)
        around = [e for e in around if e.at >= since]
    entries = sorted([*entries, *around], key=lambda e: e.at)
    if len(tickets) > 1:
        entries = list(_with_headings(entries, tickets, ticket))
    return Timeline(entries=entries, last_message=last_message, has_older=has_older)


def newest_message(ticket: Ticket) -> int:
    """The id of the newest message of the ticket's conversation, 0 without any."""
    newest = ticket.conversation.messages.order_by("-id").values_list("pk", flat=True).first()
    return newest or 0


def person(user: User | None) -> str:
    """How a member of staff is called on the desk."""
    return (user.get_full_name() or user.get_username()) if user else "A former colleague"


def linked(sources: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sources whose `url` is safe to link to; any other address becomes empty."""
    safe = ("https://", "http://", "/")
    return [{**s, "url": s["url"] if str(s.get("url", "")).startswith(safe) else ""} for s in sources]


def _said(message: Message, customer: str) -> Entry:
    is_customers = message.direction == Message.Direction.INBOUND
    author, tag = {
        Message.Author.CUSTOMER: (customer or "Customer", "Customer"),
        Message.Author.ASSISTANT: ("Assistant", "AI"),
        # Without a name it was sent from the mailbox itself.
        Message.Author.STAFF: (message.mailbox if message.mailbox else person(message.staff), "Staff"),
        Message.Author.SYSTEM: ("Support desk", "Automatic"),
    }[Message.Author(message.author)]
    said = Said(
        message=message,
        author=author,
        tag=tag,
        html="" if is_customers else to_html(message.body),
        sources=linked(message.sources),
        ticks=[_tick(d) for d in message.deliveries.all()],
    )
    at: datetime = message.received_at if is_customers else message.created_at
    return Entry(at=at, ticket_id=message.ticket_id, template=f"{FOLDER}/message.html", what=said)


def _tick(delivery: Delivery) -> Tick:
    mark, words = MARKS[Delivery.Status(delivery.status)]
    channel = str(Channel(delivery.channel).label)
    if delivery.channel == Channel.WEB_FORM:
        channel, words = "Status page", "shown" if delivery.status == Delivery.Status.SENT else words
    return Tick(mark=mark, words=f"{channel}: {words}", status=delivery.status, error=plain_error(delivery.error))


def _notes(ticket: Ticket) -> Iterator[Entry]:
    for note in Note.objects.filter(ticket__conversation=ticket.conversation_id).select_related("author"):
        what = {"note": note, "author": person(note.author)}
        template = f"{FOLDER}/note.html"
        yield Entry(at=note.created_at, ticket_id=note.ticket_id, template=template, what=what)


def _happenings(ticket_ids: list[int]) -> Iterator[Entry]:
    events = list(TicketEvent.objects.filter(ticket_id__in=ticket_ids, code__in=HAPPENINGS))
    staff_ids = {int(e.actor.removeprefix("staff:")) for e in events if e.actor.startswith("staff:")}
    staff = {f"staff:{pk}": person(user) for pk, user in User.objects.in_bulk(staff_ids).items()} if staff_ids else {}
    for event in events:
        actor = {**ACTORS, **staff}.get(event.actor, person(None))
        words = HAPPENINGS[event.code].format(actor=actor)
        template = f"{FOLDER}/happening.html"
        yield Entry(at=event.created_at, ticket_id=event.ticket_id, template=template, what=words)


def _with_headings(entries: list[Entry], tickets: dict[int, Ticket], shown: Ticket) -> Iterator[Entry]:
    """A conversation may have had several tickets: say where another one begins."""
    current = None
    for entry in entries:
        if entry.ticket_id != current:
            current = entry.ticket_id
            what = {"ticket": tickets.get(current), "is_this": current == shown.pk}
            yield Entry(at=entry.at, ticket_id=current, template=f"{FOLDER}/heading.html", what=what)
        yield entry
