"""The delivery role: queued → sending → sent, failed or unknown, one row at a time under a lease."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from channels_app.registry import SendError, Sent, provider_of
from channels_app.sending import backoff, next_try, outcome, under_lease
from channels_app.staff_notify import notify_staff
from fte_project.crash import crash
from fte_project.db import LeaseLost, insist, unit_of_work
from fte_project.events import DeadLettered, DeliveryQueued, outbound_topics, publish
from fte_project.inbox import OVERDUE, work_through
from fte_project.models import DeadLetter
from fte_project.roles import together
from tickets.lifecycle import Status as TicketStatus
from tickets.models import Conversation, Delivery, Message
from tickets.undelivered import tell_people

log = structlog.get_logger()
Status = Delivery.Status
CONCURRENCY = 8


def claim(delivery_id: int) -> Delivery | None:
    """Take the delivery if it is due and free; None otherwise. It comes back as `queued`, to be sent now, or as
    `unknown`: the provider must be asked what became of it. It is marked as `sending` right before its words leave."""
    with transaction.atomic():  # a claim that its process does not hear of would cost a lease
        token = Delivery.objects.all().due().take(delivery_id) or _take_doubtful(delivery_id)
        if token is None:
            return None
        return Delivery.objects.select_related("reply__ticket__conversation__customer").get(pk=delivery_id)


def _take_doubtful(delivery_id: int) -> UUID | None:
    left_behind = Delivery.objects.all().doubtful().filter(status=Status.SENDING)
    token = left_behind.take(
        delivery_id,
        status=Status.UNKNOWN,
        error="The sending process ended before it knew the outcome.",
        changed_at=Now(),
        look_up_at=Now(),
    )
    return token or Delivery.objects.all().doubtful().take(delivery_id)


def record_sent(delivery: Delivery, sent: Sent) -> None:
    """The provider accepted it. Raises LeaseLost when somebody else has settled the row meanwhile."""
    _settle(delivery, Status.SENT, external_id=sent.external_id, error="")


def record_error(delivery: Delivery, error: SendError, *, tries: int | None = None) -> None:
    """Failed for good, queued again after a wait, or unknown: only what was certainly not accepted is sent again.

    The wait grows with `tries`, by default with every claim.
    """
    match outcome(error, is_too_late=_is_older(delivery.queued_at, hours=settings.DELIVER_FOR_HOURS)):
        case "unknown":
            look_up_at = Now() + timedelta(seconds=settings.LOOK_UP_AFTER_SECONDS) if _can_be_asked(delivery) else None
            _settle(delivery, Status.UNKNOWN, error=str(error), look_up_at=look_up_at)
        case "failed":
            _fail(delivery, str(error))
        case _:
            _settle(delivery, Status.QUEUED, error=str(error), due_at=next_try(error, tries or delivery.attempts))


def _fail(delivery: Delivery, error: str) -> None:
    """Failed for good: people hear of it, and a dead letter lets it be replayed."""
    conversation_id = delivery.reply.conversation_id
    if delivery.reply.kind == Message.Kind.CODE:  # soon worth nothing: the customer asks for another one
        _settle(delivery, Status.FAILED, error=error)
        return
    with transaction.atomic():
        _settle(delivery, Status.FAILED, error=error)
        letter = DeadLetter.objects.create(
            kind=DeadLetter.Kind.DELIVERY,
            conversation_id=conversation_id,
            subject_id=delivery.pk,
            error=error,
            attempts=delivery.attempts,
        )
        publish(DeadLettered(conversation_id=conversation_id, dead_letter_id=letter.pk))


def record_look_up(delivery: Delivery, found: Sent | None) -> None:
    """What the provider says of an unknown one: it has it, or certainly does not, and then it is sent again."""
    if found is not None:
        record_sent(delivery, found)
    else:
        nothing = SendError(f"The provider has nothing of it. {delivery.error}"[:1000], refused=True)
        record_error(delivery, nothing, tries=delivery.attempts // 2)  # every other claim was for asking


def record_no_word(delivery: Delivery, error: SendError) -> None:
    """The provider could not say: ask again later, and after LOOK_UP_FOR_MINUTES leave it to people."""
    if _is_older(delivery.changed_at, minutes=settings.LOOK_UP_FOR_MINUTES) or not _can_be_asked(delivery):
        look_up_at = None
    else:
        look_up_at = Now() + backoff(delivery.attempts)
    _settle(delivery, Status.UNKNOWN, error=str(error), look_up_at=look_up_at, changed_at=delivery.changed_at)


def _is_older(moment: datetime, **age: int) -> bool:
    return timezone.now() - moment > timedelta(**age)


def _can_be_asked(delivery: Delivery) -> bool:
    try:
        return provider_of(delivery).look_up is not None
    except SendError:  # the channel is off by now
        return False


def _settle(delivery: Delivery, status: Status, **changes: object) -> None:
    """Write how it stands and let go of it; what a machine can do nothing about any more is told to people as well."""
    values = {"status": status, "changed_at": Now(), "look_up_at": None, "rung_at": None, **changes}
    is_for_people = status == Status.FAILED or (status == Status.UNKNOWN and values["look_up_at"] is None)
    with transaction.atomic():
        if is_for_people:
            # The conversation first, as everything does that changes a ticket; then the row, while the lease holds it.
            Conversation.objects.lock(delivery.reply.conversation_id)
        delivery.settle(**values)
        if is_for_people:
            tell_people(delivery)


async def deliver_one(delivery_id: int) -> None:
    """Claim, send or look up, and record one delivery; nothing when it is not due or not ours.

    Never raises for a failed send.
    """
    began = time.monotonic()
    while delivery := await unit_of_work(claim)(delivery_id):
        crash("delivery_claimed")
        try:
            if delivery.status == Status.UNKNOWN:
                await _ask(delivery, began)
            else:
                await _attempt(delivery, began)
        except LeaseLost:
            log.warning("delivery_lease_lost", delivery=delivery_id)
        crash("delivery_recorded")
        began = time.monotonic()


async def _attempt(delivery: Delivery, began: float) -> None:
    """Send once and record what came of it. Raises LeaseLost when somebody else has settled the row meanwhile."""
    try:
        sent = await under_lease(delivery, began, _send)
        crash("delivery_accepted")
        await insist(unit_of_work(record_sent), delivery, sent)
        log.info("delivered", channel=delivery.channel, delivery=delivery.pk)
    except SendError as error:
        log.warning("delivery_error", delivery=delivery.pk, error=error)
        await insist(unit_of_work(record_error), delivery, error)


async def _ask(delivery: Delivery, began: float) -> None:
    """Look an ambiguous send up at the provider and record what it says. Raises LeaseLost like `_attempt`."""
    try:
        found = await under_lease(delivery, began, _look_up)
        crash("delivery_looked_up")
        await insist(unit_of_work(record_look_up), delivery, found)
        log.info("delivery_looked_up", delivery=delivery.pk, found=found is not None)
    except SendError as error:
        log.warning("delivery_look_up_failed", delivery=delivery.pk, error=error)
        await insist(unit_of_work(record_no_word), delivery, error)


def _send(delivery: Delivery, check: Callable[[], None]) -> Sent:
    is_code = delivery.reply.kind == Message.Kind.CODE  # of an address, whatever became of the ticket
    if delivery.reply.ticket.status == TicketStatus.CLOSED and not is_code:
        raise SendError("The ticket was closed before this could be sent.", permanent=True, refused=True)
    return provider_of(delivery).send(delivery, check)


def _look_up(delivery: Delivery, _: Callable[[], None]) -> Sent | None:
    look_up = provider_of(delivery).look_up
    if look_up is None:
        raise SendError(delivery.error or "The provider cannot be asked what became of it.")
    return look_up(delivery)


def _is_overdue() -> bool:
    return Delivery.objects.all().due().free().filter(due_at__lt=Now() - OVERDUE).exists()


async def deliver(stop: asyncio.Event) -> None:
    """The delivery role: replies to customers, and notices to staff."""
    await together(stop, deliver_replies(stop), notify_staff(stop))


async def deliver_replies(stop: asyncio.Event) -> None:
    """Send what is rung, many conversations at once, until told to stop."""
    await work_through(
        stop,
        group="fte.delivery",
        topics=outbound_topics(),
        pick=lambda event: event.delivery_id if isinstance(event, DeliveryQueued) else None,
        work=deliver_one,
        overdue=_is_overdue,
        at_once=CONCURRENCY,
    )
