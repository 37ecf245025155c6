"""The relay: what was stored becomes known to Kafka, and what is due but was not heard is rung again."""

import asyncio
from datetime import timedelta

import structlog
from asgiref.sync import ThreadSensitiveContext
from django.db import DatabaseError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from fte_project.crash import crash
from fte_project.db import unit_of_work
from fte_project.events import OUTBOX_BELL, DeliveryQueued, MessageReceived, publish
from fte_project.kafka import BROKER_ERRORS, Producer
from fte_project.models import OutboxEvent
from fte_project.notify import listening
from tickets.models import Conversation, Delivery

log = structlog.get_logger()
BATCH = 200
CLAIM = timedelta(seconds=5)  # of a relay that died in between; publishing an event twice is harmless
SWEEP_SECONDS = 1.0
KEEP_PUBLISHED = timedelta(hours=1)
PRUNE_BATCH = 10_000


def take_events() -> list[OutboxEvent]:
    """Claim up to BATCH waiting events, oldest first. Another relay skips them until the claim runs out."""
    with transaction.atomic():
        ids = list(
            OutboxEvent.objects.all()
            .waiting()
            .order_by("id")
            .select_for_update(skip_locked=True)
            .values_list("pk", flat=True)[:BATCH]
        )
        OutboxEvent.objects.filter(pk__in=ids).update(claimed_until=Now() + CLAIM)
    return list(OutboxEvent.objects.filter(pk__in=ids).order_by("id"))


def mark_published(events: list[OutboxEvent]) -> None:
    OutboxEvent.objects.filter(pk__in=[e.pk for e in events]).update(published_at=Now())


def put_back(events: list[OutboxEvent]) -> None:
    OutboxEvent.objects.filter(pk__in=[e.pk for e in events], published_at=None).update(claimed_until=None)


def ring_due_work() -> int:
    """Ring again for due work that nobody holds and that was not rung lately; how many bells were rung."""
    if OutboxEvent.objects.lagging().exists():
        return 0  # while nothing can be published, more events would help nobody
    with transaction.atomic():
        conversations = Conversation.objects.all().due().order_by("work_due_at").ring_again(BATCH)
        for conversation in conversations:
            publish(MessageReceived(conversation_id=conversation.pk, channel=conversation.first_channel, message_id=0))
        # A union, because an OR of the two would read the whole table.
        to_do = Delivery.objects.all().due().values("pk").union(Delivery.objects.all().doubtful().values("pk"))
        deliveries = Delivery.objects.filter(pk__in=to_do).select_related("reply").ring_again(BATCH)
        for delivery in deliveries:
            publish(
                DeliveryQueued(
                    conversation_id=delivery.reply.conversation_id,
                    channel=delivery.channel,
                    delivery_id=delivery.pk,
                )
            )
    return len(conversations) + len(deliveries)


def prune_outbox() -> None:
    """Timed job: forget events that were published a while ago, in batches far below the statement timeout."""
    old = OutboxEvent.objects.filter(published_at__lt=timezone.now() - KEEP_PUBLISHED).order_by("published_at")
    while OutboxEvent.objects.filter(pk__in=old.values("pk")[:PRUNE_BATCH]).delete()[0]:
        pass


async def _publish_batch(producer: Producer) -> bool:
    """Publish up to BATCH events; whether there may be more. Raises one of BROKER_ERRORS, or DatabaseError."""
    events = await unit_of_work(take_events)()
    if not events:
        return False
    crash("relay_taken")
    try:
        await producer.send([(e.topic, e.key, e.payload) for e in events])
    except BROKER_ERRORS:
        await unit_of_work(put_back)(events)
        raise
    crash("relay_published")
    await unit_of_work(mark_published)(events)
    crash("relay_marked")
    return len(events) == BATCH


async def relay(stop: asyncio.Event) -> None:
    """The relay role: publish on every ring and sweep every second, until told to stop."""
    producer = Producer()
    last_sweep = 0.0
    loop = asyncio.get_running_loop()
    try:
        async with listening(OUTBOX_BELL) as bell, ThreadSensitiveContext():
            while not stop.is_set():
                has_more = False
                try:
                    has_more = await _publish_batch(producer)
                    if loop.time() - last_sweep >= SWEEP_SECONDS:
                        last_sweep = loop.time()
                        await unit_of_work(ring_due_work)()
                except BROKER_ERRORS as error:
                    log.warning("relay_waits_for_broker", error=error)
                    await asyncio.sleep(1)
                except DatabaseError as error:
                    log.warning("relay_waits_for_database", error=error)
                    await asyncio.sleep(0.5)
                if not has_more:
                    await bell.wait(SWEEP_SECONDS)
    finally:
        await producer.close()
