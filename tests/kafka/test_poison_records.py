"""Records that are no work of ours stop nothing and are noted once."""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.db.models.functions import Now

from fte_project import inbox
from fte_project.events import MessageReceived, publish, topic
from fte_project.inbox import keep_bad_record, work_through
from fte_project.kafka import Record, bootstrap, ensure_topics
from fte_project.models import DeadLetter, OutboxEvent
from tests.concurrency import real_commits
from tests.factories import sample_articles, write
from tests.processes import Processes, processes, wait_for
from tickets.models import Message

__all__ = ["processes"]

pytestmark = pytest.mark.kafka
INBOUND = "fte.channels.web_form.inbound"


async def produce(name: str, values: list[bytes]) -> None:
    """Records in order on one partition, whatever their size."""
    await ensure_topics()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap(), acks="all", max_request_size=3_000_000) as producer:
        for value in values:
            await producer.send_and_wait(name, value, partition=0)


def reading(name: str, stop: asyncio.Event, work: Any, pick: Any) -> Any:
    group = f"test.{uuid.uuid4().hex[:8]}"
    return work_through(stop, group=group, topics=[name], pick=pick, work=work, overdue=lambda: False, at_once=1)


@real_commits
def test_b10_a_poison_record_becomes_a_dead_letter_and_its_partition_goes_on(settings: Any) -> None:
    settings.KAFKA_TOPIC_PREFIX = f"p{uuid.uuid4().hex[:8]}."
    name = topic(INBOUND)
    good = MessageReceived(conversation_id=7, channel="web_form", message_id=1).payload()
    poison = [b"{no json", json.dumps({**good, "v": 99}).encode(), b'"' + b"x" * 2_000_000 + b'"']

    async def test() -> list[int]:
        stop, found = asyncio.Event(), []

        async def work(pk: int) -> None:
            found.append(pk)
            stop.set()

        def pick(event: object) -> int | None:
            return event.conversation_id if isinstance(event, MessageReceived) else None

        await produce(name, [*poison, json.dumps(good).encode()])
        reading = work_through(
            stop, group="test.poison", topics=[name], pick=pick, work=work, overdue=lambda: False, at_once=1
        )
        await asyncio.wait_for(reading, 40)
        return found

    assert async_to_sync(test)() == [7]
    letters = DeadLetter.objects.order_by("id")
    assert [x.origin for x in letters] == [f"{name}/0/{offset}" for offset in range(3)]
    assert all(x.error for x in letters)


def test_b10_an_event_for_a_conversation_that_is_not_there_stops_nothing(processes: Processes) -> None:
    sample_articles()
    worker = processes.start("run_agent", "--with", "relay")
    publish(MessageReceived(conversation_id=987654, channel="web_form", message_id=1))
    wait_for(lambda: OutboxEvent.objects.filter(published_at__lte=Now()).exists())
    write()
    wait_for(lambda: Message.objects.filter(direction="outbound").exists())
    assert worker.poll() is None
    assert not DeadLetter.objects.exists()


@real_commits
def test_b10_a_poison_record_is_noted_when_the_database_is_back(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KAFKA_TOPIC_PREFIX = f"p{uuid.uuid4().hex[:8]}."
    name = topic(INBOUND)
    monkeypatch.setattr("fte_project.db.LEASE", timedelta(0))  # each try is the last one of its kind
    monkeypatch.setattr("fte_project.db.RETRY_SECONDS", 0.0)
    away = iter([OperationalError("away") for _ in range(5)])

    def keep(record: Record, error: str) -> None:
        for failure in away:
            raise failure
        keep_bad_record(record, error)

    monkeypatch.setattr(inbox, "keep_bad_record", keep)

    async def test() -> None:
        stop = asyncio.Event()

        async def work(pk: int) -> None:
            stop.set()

        good = json.dumps(MessageReceived(conversation_id=7, channel="web_form", message_id=1).payload()).encode()
        await produce(name, [b"{no json", good])
        reading = work_through(
            stop, group="test.away", topics=[name], pick=lambda _: 7, work=work, overdue=lambda: False, at_once=1
        )
        await asyncio.wait_for(reading, 40)

    async_to_sync(test)()
    assert DeadLetter.objects.get().origin == f"{name}/0/0"


@pytest.mark.django_db
def test_b10_a_record_that_comes_again_is_the_same_dead_letter() -> None:
    record = Record(topic="t", partition=0, offset=3, value=b"?")
    for error in ("broken", "broken", "broken in another way"):
        keep_bad_record(record, error)
    assert DeadLetter.objects.count() == 2
    assert OutboxEvent.objects.count() == 2
