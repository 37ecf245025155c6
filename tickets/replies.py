"""How a reply is stored: one transaction holds its text, what it answers, the ticket's new state and its deliveries."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now

from fte_project.crash import crash
from fte_project.events import Channel, DeliveryQueued, publish
from tickets.lifecycle import Event
from tickets.models import Conversation, Delivery, Message, Ticket
from tickets.record import ASSISTANT, SYSTEM, record, staff_actor

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class NothingToSend(ValueError):
    """A reply without words."""


def reply(
    ticket: Ticket,
    *,
    body: str,
    staff: "User | None" = None,
    kind: str = Message.Kind.MESSAGE,
    sources: Sequence[dict[str, Any]] = (),
    answers: Iterable[int] | None = None,
    cc: Sequence[str] = (),
) -> Message:
    """Store a reply of `staff`, or of the assistant when there is none, and queue its deliveries.

    `cc` are the addresses that get a copy of a mail. `answers` are the ids of the customer's messages it answers; all
    unanswered ones of the conversation without it.
    Raises NotAllowed when the ticket cannot be replied to like this, NothingToSend for an empty body.
    """
    with transaction.atomic():
        Conversation.objects.lock(ticket.conversation_id)
        ticket.refresh_from_db()
        ticket.apply(Event.STAFF_REPLY if staff else Event.ASSISTANT_REPLY)
        if staff is not None:
            Conversation.objects.filter(pk=ticket.conversation_id).update(work_due_at=None)
            hold_back(ticket)
            take_over(ticket, staff)
        author = Message.Author.STAFF if staff else Message.Author.ASSISTANT
        message = store_reply(
            ticket, author=author, staff=staff, body=body, kind=kind, sources=sources, answers=answers, cc=cc
        )
        record(ticket, "replied", staff_actor(staff) if staff else ASSISTANT, message=message.pk, kind=kind)
        crash("reply_before_commit")
    return message


def hold_back(ticket: Ticket) -> None:
    """What the assistant wrote and nobody has begun to send is not sent any more: a person answers (in the caller's
    transaction, which holds the conversation)."""
    waiting = (
        Delivery.objects.all()
        .free()
        .filter(reply__ticket=ticket, channel=ticket.channel, status=Delivery.Status.QUEUED)
    )
    # Their locks, so that none of them is claimed meanwhile.
    words = waiting.exclude(reply__author=Message.Author.STAFF).exclude(reply__kind=Message.Kind.CODE)
    unsent = words.select_for_update(of=("self",), skip_locked=True)
    for delivery in unsent:
        record(ticket, "held_back", SYSTEM, message=delivery.reply_id)
        delivery.delete()


def take_over(ticket: Ticket, staff: "User") -> None:
    """Note who holds the ticket now, on it and on its open escalation (in the caller's transaction)."""
    if ticket.assignee_id is None:
        ticket.assignee = staff
        ticket.save(update_fields=["assignee"])
    ticket.escalations.still_open().filter(claimed_at=None).update(claimed_at=Now(), claimed_by=staff)


def store_reply(
    ticket: Ticket,
    *,
    author: str,
    body: str,
    kind: str,
    staff: "User | None" = None,
    sources: Sequence[dict[str, Any]] = (),
    answers: Iterable[int] | None = None,
    cc: Sequence[str] = (),
) -> Message:
    """Store the words and queue their deliveries, without moving the ticket (the caller did, in its transaction)."""
    if not body.strip():
        raise NothingToSend("A reply needs words.")
    message = Message.objects.create(
        conversation_id=ticket.conversation_id,
        ticket=ticket,
        direction=Message.Direction.OUTBOUND,
        author=author,
        staff=staff,
        kind=kind,
        channel=ticket.channel,
        body=body,
        sources=list(sources),
        cc=list(cc),
    )
    waiting = Message.objects.filter(conversation_id=ticket.conversation_id).unanswered()
    if answers is not None:
        waiting = waiting.filter(pk__in=list(answers))
    Message.objects.filter(pk__in=[m.pk for m in waiting]).update(answered_by=message)
    _queue_deliveries(ticket, message)
    return message


def _queue_deliveries(ticket: Ticket, message: Message) -> None:
    address = ticket.conversation.address
    if ticket.channel == Channel.WEB_FORM:
        # The status page shows the reply from this commit on: that is its delivery. The mail is a copy.
        Delivery.objects.create(
            reply=message,
            channel=Channel.WEB_FORM,
            address=str(ticket.public_id),
            status=Delivery.Status.SENT,
        )
        channel = Channel.EMAIL
    else:
        channel = Channel(ticket.channel)
    delivery = Delivery.objects.create(reply=message, channel=channel, address=address)
    publish(DeliveryQueued(conversation_id=ticket.conversation_id, channel=channel.value, delivery_id=delivery.pk))
