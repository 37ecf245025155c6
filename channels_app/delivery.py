"""The delivery role: queued → sending → sent, failed or unknown, one row at a time under a lease."""

import asyncio
import random
import uuid
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from channels_app.registry import SendError, Sent, sender
from fte_project.crash import crash
from fte_project.db import LeaseLost, aside, held_lease, unit_of_work
from fte_project.events import DeadLettered, DeliveryQueued, outbound_topics, publish
from fte_project.inbox import work_through
from fte_project.models import DeadLetter
from tickets.models import Delivery

log = structlog.get_logger()
CONCURRENCY = 8
FREE = {"lease_token": None, "lease_expires_at": None}


def claim(delivery_id: int) -> Delivery | None:
    """Take the delivery if it is due and free; None otherwise. One left in the middle of a send becomes unknown."""
    abandoned = Delivery.objects.all().abandoned().filter(pk=delivery_id)
    if abandoned.update(
        status=Delivery.Status.UNKNOWN,
        error="The sending process ended before it knew the outcome.",
        changed_at=Now(),
        **FREE,
    ):
        return None
    token = Delivery.objects.all().due().take(delivery_id, status=Delivery.Status.SENDING, changed_at=Now())
    if token is None:
        return None
    return Delivery.objects.select_related("reply__ticket__conversation__customer").get(pk=delivery_id)


def record_sent(delivery: Delivery, sent: Sent) -> None:
    """The provider accepted it. Raises LeaseLost when somebody else has settled the row meanwhile."""
    _settle(delivery, status=Delivery.Status.SENT, external_id=sent.external_id, error="")


def record_error(delivery: Delivery, error: SendError) -> None:
    """Failed for good, queued again after a wait, or unknown: only a definite refusal may be sent again."""
    if not error.refused:
        _settle(delivery, status=Delivery.Status.UNKNOWN, error=str(error))
    elif error.permanent or delivery.attempts >= settings.MAX_ATTEMPTS:
        with transaction.atomic():
            _settle(delivery, status=Delivery.Status.FAILED, error=str(error))
            letter = DeadLetter.objects.create(
                kind=DeadLetter.Kind.DELIVERY,
                conversation_id=delivery.reply.conversation_id,
                subject_id=delivery.pk,
                error=str(error),
                attempts=delivery.attempts,
            )
            publish(DeadLettered(conversation_id=delivery.reply.conversation_id, dead_letter_id=letter.pk))
    else:
        wait = timedelta(seconds=2**delivery.attempts * random.uniform(0.75, 1.25))  # noqa: S311 (jitter)
        _settle(delivery, status=Delivery.Status.QUEUED, error=str(error), due_at=Now() + wait, rung_at=None)


def _settle(delivery: Delivery, **changes: object) -> None:
    token = delivery.lease_token
    assert isinstance(token, uuid.UUID)
    if not Delivery.objects.filter(pk=delivery.pk, lease_token=token).update(changed_at=Now(), **FREE, **changes):
        raise LeaseLost


async def deliver_one(delivery_id: int) -> None:
    """Claim, send and record one delivery; nothing when it is not due or not ours. Never raises for a failed send."""
    delivery = await unit_of_work(claim)(delivery_id)
    if delivery is None:
        return
    token = delivery.lease_token
    assert token is not None
    crash("delivery_claimed")
    try:
        await _attempt(delivery, token)
    except LeaseLost:
        log.warning("delivery_lease_lost", delivery=delivery_id)
    crash("delivery_recorded")


async def _attempt(delivery: Delivery, token: uuid.UUID) -> None:
    """Send once and record what came of it. Raises LeaseLost when somebody else has settled the row meanwhile."""
    try:
        async with (
            asyncio.timeout(settings.SEND_DEADLINE_SECONDS),
            held_lease(lambda: aside(Delivery.objects.all().renew)(delivery.pk, token)),
        ):
            sent = await unit_of_work(_send)(delivery)
        crash("delivery_accepted")
        await unit_of_work(record_sent)(delivery, sent)
        log.info("delivered", channel=delivery.channel, delivery=delivery.pk)
    except SendError as error:
        log.warning("delivery_error", delivery=delivery.pk, error=str(error)[:200])
        await unit_of_work(record_error)(delivery, error)
    except TimeoutError:
        await unit_of_work(record_error)(delivery, SendError("The provider did not answer in time."))


def _send(delivery: Delivery) -> Sent:
    try:
        return sender(delivery.channel)(delivery)
    except SendError:
        raise
    except Exception as error:
        # A mistake of ours in the middle of a send: it may or may not have gone out, so nothing is sent again.
        log.exception("send_broke", delivery=delivery.pk)
        raise SendError(f"Unexpected error while sending: {error!r}"[:1000]) from error


async def deliver(stop: asyncio.Event) -> None:
    """The delivery role: send what is rung, many conversations at once, until told to stop."""
    await work_through(
        stop,
        group="fte.delivery",
        topics=outbound_topics(),
        pick=lambda event: event.delivery_id if isinstance(event, DeliveryQueued) else None,
        work=deliver_one,
        at_once=CONCURRENCY,
    )
