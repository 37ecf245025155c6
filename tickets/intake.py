"""How a customer's words become ours: stored once, customer and conversation found, work and event made."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Least, Now
from django.utils import timezone
from django.utils.crypto import get_random_string

from customers.models import Customer, Identifier
from fte_project.crash import crash
from fte_project.events import Channel, MessageReceived, publish
from tickets.evidence import may_be_one_name
from tickets.lifecycle import Event, Handler
from tickets.models import (
    Attachment,
    ChannelSettings,
    Conversation,
    Message,
    RawPayload,
    Ticket,
    Trust,
)
from tickets.proposals import names_of, note
from tickets.record import CUSTOMER, record
from tickets.tokens import allow_status

log = structlog.get_logger()
NUMBER_RESTS_FOR = timedelta(days=45)  # before a network gives it to somebody else (FCC 47 CFR 52.15)
LONGEST_QUIET = timedelta(seconds=12)  # of somebody who sends many lines


@dataclass(frozen=True, kw_only=True)
class Address:
    """An address of a customer: identifier kind, normal form, and how it was written."""

    kind: str
    value: str
    raw: str


@dataclass(frozen=True, kw_only=True)
class InboundFile:
    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """A message after its channel's parsing: clean text, one sender. `external_id` makes it the same message again."""

    channel: Channel
    mailbox: str
    external_id: str
    sender: Address
    name: str
    subject: str
    body: str
    raw: bytes = field(repr=False)
    category: str = Ticket.Category.GENERAL
    priority: str = Ticket.Priority.MEDIUM
    trust: Trust = Trust.CLAIMED
    received_at: datetime | None = None  # by the provider's clock; None: now
    cc: tuple[str, ...] = ()
    metadata: dict[str, object] = field(default_factory=dict)
    files: tuple[InboundFile, ...] = ()
    signature: str = ""  # what stood under the words, when the channel tells it apart

    def digest(self) -> str:
        """SHA-256 of what was sent, files included: the same key with another digest is another message."""
        files = [[f.name, hashlib.sha256(f.content).hexdigest()] for f in self.files]
        return hashlib.sha256(self.raw + json.dumps(files).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Received:
    """What became of a message. `is_new` is False when it had been stored before."""

    message: Message
    ticket: Ticket
    is_new: bool


class OtherMessageSameId(Exception):
    """The id was used before, for a message with another content."""


def receive(
    inbound: InboundMessage,
    *,
    about: Ticket | None = None,
    admit: Callable[[], None] | None = None,
    saved: list[Attachment] | None = None,
) -> Received:
    """Store the message once, with its ticket, work and event, in one transaction.

    `about` is the ticket it continues; without one a new conversation opens. A repeated id gives the first
    message back, or raises OtherMessageSameId when the content differs. `admit` is asked before a message is stored
    that is not known yet, outside the transaction; what it raises refuses the message.
    In a transaction of the caller, who loses it deletes the files of `saved`.
    """
    if (known := _known(inbound)) is not None:
        return known
    if admit is not None:
        admit()
    stored: list[Attachment] = []
    try:
        with transaction.atomic():
            received = _store(inbound, about, stored)
            crash("intake_before_commit")
        crash("intake_after_commit")
    except IntegrityError:
        # Two deliveries of the same message at once: the other one is committed now.
        forget_files(stored)
        known = _known(inbound)
        if known is None:
            raise
        return known
    except BaseException:
        forget_files(stored)
        raise
    if saved is not None:
        saved += stored
    log.info("message_received", channel=inbound.channel, ticket=received.ticket.reference)
    return received


def _known(inbound: InboundMessage) -> Received | None:
    message = (
        Message.objects.filter(
            direction=Message.Direction.INBOUND,
            channel=inbound.channel,
            mailbox=inbound.mailbox,
            external_id=inbound.external_id,
        )
        .select_related("ticket", "raw")
        .first()
    )
    if message is None:
        return None
    if message.raw.sha256 != inbound.digest():
        raise OtherMessageSameId
    return Received(message=message, ticket=message.ticket, is_new=False)


def _store(inbound: InboundMessage, about: Ticket | None, saved: list[Attachment]) -> Received:
    # Before the conversation, as merging does: a merge waits for this message, or this message for the merge.
    identifier = Identifier.objects.all().hold(inbound.sender.kind, inbound.sender.value)
    ticket = _new_conversation(inbound) if about is None else _continue(inbound, about)
    conversation = ticket.conversation
    message = store_words(ticket, inbound, saved)
    record(ticket, "message_received", CUSTOMER, message=message.pk)
    _note_trust(inbound, conversation, identifier)
    if ticket.handler == Handler.ASSISTANT:
        ask_assistant(conversation, quiet_seconds=ChannelSettings.of(inbound.channel).quiet_seconds)
    publish(MessageReceived(conversation_id=conversation.pk, channel=inbound.channel, message_id=message.pk))
    return Received(message=message, ticket=ticket, is_new=True)


def store_words(ticket: Ticket, inbound: InboundMessage, saved: list[Attachment]) -> Message:
    """The message with its bytes and files, in the caller's transaction; no work and no event. Who loses the
    transaction deletes the files of `saved`."""
    message = Message.objects.create(
        conversation=ticket.conversation,
        ticket=ticket,
        direction=Message.Direction.INBOUND,
        author=Message.Author.CUSTOMER,
        channel=inbound.channel,
        mailbox=inbound.mailbox,
        external_id=inbound.external_id,
        body=inbound.body,
        cc=list(inbound.cc),
        received_at=inbound.received_at or Now(),
    )
    RawPayload.objects.create(
        message=message,
        content=inbound.raw,
        sha256=inbound.digest(),
        metadata=inbound.metadata,
        delete_after=timezone.now() + RawPayload.KEEP,
    )
    for file in inbound.files:
        attachment = Attachment(message=message, name=file.name, content_type=file.content_type, size=len(file.content))
        attachment.file.save(get_random_string(32), ContentFile(file.content), save=False)
        saved.append(attachment)
        attachment.save()
    note(message, (inbound.sender.kind, inbound.sender.value), inbound.signature)
    return message


def _note_trust(inbound: InboundMessage, conversation: Conversation, identifier: Identifier | None) -> None:
    """Whoever writes from it in a verified conversation, or is vouched for by the channel, has the address."""
    if Trust(conversation.trust) == inbound.trust == Trust.CLAIMED or (identifier and identifier.verified_at):
        return
    sender = inbound.sender
    Identifier.objects.filter(kind=sender.kind, value=sender.value, verified_at=None).update(verified_at=Now())


def ask_assistant(conversation: Conversation, *, quiet_seconds: int = 0) -> None:
    """Make the conversation work for the assistant, after a quiet time; earlier failures no longer count.

    Each new message begins the quiet time anew, but the first one never waits longer than LONGEST_QUIET.
    """
    due: Now | CombinedExpression | Least = Now()
    if quiet_seconds:
        due = Now() + timedelta(seconds=quiet_seconds)
        first = conversation.messages.all().unanswered().first()
        if first is not None:
            due = Least(due, Value(first.created_at + LONGEST_QUIET))
    # The ring of the message itself comes before the quiet time is over: the sweeper rings again then.
    Conversation.objects.filter(pk=conversation.pk).update(
        work_due_at=due, rung_at=None if quiet_seconds else Now(), attempts=0
    )


def _new_conversation(inbound: InboundMessage) -> Ticket:
    return _open_ticket(new_conversation(inbound), inbound)


def new_conversation(inbound: InboundMessage) -> Conversation:
    """A conversation with who wrote this, in the caller's transaction."""
    sender = inbound.sender
    customer = Customer.objects.known_by(sender.kind, sender.value, raw=sender.raw, name=inbound.name)
    return Conversation.objects.create(
        customer=customer,
        trust=Trust.CLAIMED if _may_have_a_new_owner(inbound, customer) else inbound.trust,
        first_channel=inbound.channel,
        name=inbound.name,
        address=sender.value,
    )


def _may_have_a_new_owner(inbound: InboundMessage, customer: Customer) -> bool:
    """A phone number that comes back under another name after a long silence: networks give numbers to other people."""
    sender = inbound.sender
    if sender.kind != Identifier.Kind.PHONE or may_be_one_name({inbound.name}, names_of(customer.pk)):
        return False
    newest = Message.objects.filter(conversation__customer=customer, conversation__address=sender.value).last()
    return newest is not None and timezone.now() - newest.received_at > NUMBER_RESTS_FOR


def _continue(inbound: InboundMessage, about: Ticket) -> Ticket:
    """The ticket of the conversation that is not closed, after this message; a new one when all are closed."""
    conversation = Conversation.objects.lock(about.conversation_id)
    if inbound.trust != Trust.CLAIMED and inbound.sender.value == conversation.address:
        believe(conversation, inbound.trust)
    ticket = conversation.current_ticket()
    if ticket is None:
        return _open_ticket(conversation, inbound)
    ticket.apply(Event.INBOUND)
    return ticket


def believe(conversation: Conversation, trust: Trust) -> None:
    """The owner of the claimed address has written here. Whoever claimed it may have been somebody else, and may hold
    the status link: it opens nothing any more, and the next mail brings a new one."""
    if conversation.trust != Trust.CLAIMED:
        return
    conversation.trust = trust
    conversation.save(update_fields=["trust"])
    for ticket in conversation.tickets.all():
        ticket.token_version += 1
        allow_status(ticket)
        ticket.save(update_fields=["token_version", "token_sha256", "token_expires_at"])
        record(ticket, "address_verified", CUSTOMER)


def _open_ticket(conversation: Conversation, inbound: InboundMessage) -> Ticket:
    return open_ticket(
        Ticket(
            conversation=conversation,
            subject=inbound.subject,
            channel=inbound.channel,
            category=inbound.category,
            priority=inbound.priority,
        )
    )


def open_ticket(ticket: Ticket, actor: str = CUSTOMER) -> Ticket:
    """Store a new ticket with its status link, in the caller's transaction, which holds the conversation."""
    allow_status(ticket)
    ticket.save()
    record(ticket, "opened", actor)
    return ticket


def forget_files(saved: Iterable[Attachment]) -> None:
    """Delete the files of attachments whose rows were not stored."""
    for attachment in saved:
        attachment.file.delete(save=False)
