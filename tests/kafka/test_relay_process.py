"""The relay as a process: prompt when idle, and it gets over a broker that forgot a topic."""

import asyncio
import os
import statistics
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from asgiref.sync import async_to_sync
from django.db.models import Max

from fte_project.events import MessageReceived, publish, topic
from fte_project.kafka import bootstrap
from fte_project.models import OutboxEvent
from tests.processes import Processes, processes, wait_for

__all__ = ["processes"]


def published_after() -> timedelta:
    """Store one event; how long after that, by the database's clock, the relay had published it."""
    publish(MessageReceived(conversation_id=1, channel="web_form", message_id=1))
    newest = OutboxEvent.objects.aggregate(newest=Max("pk"))["newest"]
    event = wait_for(lambda: OutboxEvent.objects.filter(pk=newest, published_at__isnull=False).first())
    assert event.published_at
    return event.published_at - event.created_at


async def first_record(name: str) -> bytes | None:
    """The key of the first record that is in the topic now."""
    consumer = AIOKafkaConsumer(name, bootstrap_servers=bootstrap(), auto_offset_reset="earliest")
    async with consumer:
        return (await asyncio.wait_for(consumer.getone(), 20)).key


def test_an_idle_relay_publishes_within_50_ms(processes: Processes) -> None:
    processes.start("relay_messages")
    published_after()
    took = sorted(published_after().total_seconds() for _ in range(20))
    assert statistics.median(took) < 0.05, took
    assert took[18] < 0.15, took


@pytest.mark.kafka
@pytest.mark.skipif(
    os.environ.get("FTE_TEST_KAFKA") != "apache",
    reason="on the embedded broker nothing could be read from a topic that was deleted and written to again",
)
def test_b4_the_relay_makes_a_missing_topic_anew_and_publishes(processes: Processes) -> None:
    processes.start("relay_messages")
    published_after()

    name = topic("fte.channels.web_form.inbound")

    async def forget() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap())
        await admin.start()
        try:
            await admin.delete_topics([name])
            while name in await admin.list_topics():
                pass
        finally:
            await admin.close()

    async_to_sync(forget)()
    assert published_after() < timedelta(seconds=45)
    assert async_to_sync(first_record)(name) == b"1"
