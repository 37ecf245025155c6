"""What was said outside of the desk: by a person in the mailbox itself, or before the desk read it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from fte_project.events import Channel
from tickets.intake import InboundMessage, new_conversation, store_words
from tickets.lifecycle import Event, Handler, NotAllowed, Status
from tickets.models import Attachment, Conversation, Delivery, Message, Ticket
from tickets.record import SYSTEM, record
from tickets.replies import hold_back
from tickets.tokens import allow_status


@dataclass(frozen=True, kw_only=True)
class SentElsewhere:
    """What a person sent to a customer without the desk: `external_id` is the provider's id, `mailbox` is ours."""

    mailbox: str
    external_id: str
    body: str
    sent_at: datetime
    cc: tuple[str, ...] = ()


def replied_elsewhere(conversation_id: int, sent: SentElsewhere) -> Message:
    """Record the reply, and let people have the ticket: the assistant stops in the same transaction."""
    with transaction.atomic():
        conversation = Conversation.objects.lock(conversation_id)
        ticket = conversation.current_ticket() or conversation.tickets.latest("pk")
        try:
            ticket.apply(Event.STAFF_REPLY)
        except NotAllowed:
            pass  # it is closed: the words are kept, and nothing else changes
        else:
            Conversation.objects.filter(pk=conversation_id).update(work_due_at=None)
            hold_back(ticket)
            ticket.escalations.still_open().filter(claimed_at=None).update(claimed_at=Now())
        message = _keep(ticket, sent)
        waiting = Message.objects.filter(conversation=conversation).unanswered()
        waiting.filter(received_at__lte=sent.sent_at).update(answered_by=message)
        if ticket.status == Status.PENDING and waiting.exists():
            ticket.apply(Event.INBOUND)  # written after it, and before we read it
        record(ticket, "replied_elsewhere", SYSTEM, message=message.pk)
    return message


def import_message(inbound: InboundMessage, conversation_id: int | None, saved: list[Attachment]) -> Message:
    """Keep what a customer said before the desk read this mailbox: on a closed ticket, answered by nobody.

    In the caller's transaction; who loses it deletes the files of `saved`. `conversation_id` is the one that it belongs
    to, if there is one: when people or the assistant work on that, it stays as it is and this is kept beside it.
    """
    known = Conversation.objects.lock(conversation_id) if conversation_id is not None else None
    is_settled = known is not None and known.current_ticket() is None
    conversation = known if known is not None and is_settled else new_conversation(inbound)
    ticket = conversation.tickets.first() or _closed_ticket(conversation, inbound)
    message = store_words(ticket, inbound, saved)
    # Its own answer: what is answered is never given to the assistant.
    Message.objects.filter(pk=message.pk).update(answered_by=message)
    return message


def import_reply(conversation_id: int, sent: SentElsewhere) -> Message:
    """Keep what we answered before the desk read this mailbox, in the caller's transaction."""
    conversation = Conversation.objects.lock(conversation_id)
    return _keep(conversation.tickets.earliest("pk"), sent)


def _keep(ticket: Ticket, sent: SentElsewhere) -> Message:
    message = Message.objects.create(
        conversation_id=ticket.conversation_id,
        ticket=ticket,
        direction=Message.Direction.OUTBOUND,
        author=Message.Author.STAFF,
        channel=Channel.EMAIL,
        mailbox=sent.mailbox,
        external_id=sent.external_id,
        body=sent.body,
        cc=[address for address in sent.cc if address != ticket.conversation.address],
        received_at=sent.sent_at,
        created_at=sent.sent_at,
    )
    Delivery.objects.create(
        reply=message,
        channel=Channel.EMAIL,
        address=ticket.conversation.address,
        status=Delivery.Status.SENT,
        external_id=sent.external_id,
    )
    return message


def _closed_ticket(conversation: Conversation, inbound: InboundMessage) -> Ticket:
    ticket = Ticket(
        conversation=conversation,
        subject=inbound.subject,
        channel=inbound.channel,
        status=Status.CLOSED,
        handler=Handler.STAFF,
        opened_at=inbound.received_at or Now(),
        changed_at=inbound.received_at or Now(),
    )
    allow_status(ticket)
    ticket.save()
    record(ticket, "imported", SYSTEM)
    return ticket
