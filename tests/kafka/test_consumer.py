"""The consumer over refused commits, partitions that move, and a client that says nothing."""

import asyncio
import contextlib
import signal
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db.models import Count

from agent_runner.models import AgentRun
from channels_app.web_form.parsing import FollowUpIn, follow_up
from fte_project import kafka
from fte_project.events import MessageReceived, topic
from fte_project.inbox import work_through
from fte_project.kafka import ConsumerStuck, Producer
from tests.concurrency import real_commits
from tests.factories import sample_articles, write
from tests.fakes.memo import memo_server
from tests.processes import Processes, processes, wait_for
from tests.services import make_broker
from tickets.intake import receive
from tickets.models import Delivery, Message

__all__ = ["processes"]

pytestmark = pytest.mark.kafka


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """The inbound topic, on a prefix of this test's own; the consumer looks around five times a second."""
    # Like the processes' fixture, so that they are undone in the right order.
    monkeypatch.setattr(settings, "KAFKA_TOPIC_PREFIX", f"c{uuid.uuid4().hex[:8]}.")
    monkeypatch.setattr(settings, "CONSUMER_STUCK_SECONDS", 1.0)
    monkeypatch.setattr(kafka, "LOOK_SECONDS", 0.2)
    return topic("fte.channels.web_form.inbound")


async def ring(name: str, *ids: int) -> None:
    producer = Producer()
    events = [MessageReceived(conversation_id=pk, channel="web_form", message_id=1) for pk in ids]
    await producer.send([(name, str(event.conversation_id), event.payload()) for event in events])
    await producer.close()


def consume(name: str, work: Callable[[int], Awaitable[None]], stop: asyncio.Event, *, overdue: bool = False) -> Any:
    return work_through(
        stop,
        group="test.consumer",
        topics=[name],
        pick=lambda event: event.conversation_id if isinstance(event, MessageReceived) else None,
        work=work,
        overdue=lambda: overdue,
        at_once=1,
    )


@pytest.mark.parametrize("error", [CommitFailedError, IllegalStateError])
def test_b8_after_a_refused_commit_everything_fetched_is_dropped_and_comes_again(
    error: type[Exception], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[Any] = []
    real_commit = AIOKafkaConsumer.commit

    async def commit(self: AIOKafkaConsumer, offsets: Any) -> None:
        commits.append(offsets)
        if len(commits) == 1:
            raise error("these partitions are somebody else's now")
        await real_commit(self, offsets)

    monkeypatch.setattr(AIOKafkaConsumer, "commit", commit)
    rung: list[int] = []

    async def test() -> None:
        stop = asyncio.Event()

        async def work(pk: int) -> None:
            rung.append(pk)
            if {1, 2} <= set(rung) and len(rung) >= 3:
                stop.set()

        await ring(name, 1, 2)
        await asyncio.wait_for(consume(name, work, stop), 40)

    async_to_sync(test)()
    assert rung.count(rung[0]) >= 2, "the record whose commit was refused came again"


def test_b9_a_client_that_gives_nothing_while_records_wait_ends_its_role(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = AIOKafkaConsumer.getmany

    async def silent(self: AIOKafkaConsumer, **_: Any) -> dict[Any, Any]:
        fetched = await real(self, timeout_ms=50)
        await self.seek_to_beginning(*fetched)  # as if nothing had come
        return {}

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", silent)

    async def test() -> None:
        await ring(name, 1)
        await asyncio.wait_for(consume(name, never, asyncio.Event()), 40)

    with pytest.raises(ConsumerStuck, match="silent"):
        async_to_sync(test)()


@real_commits
def test_b9_a_member_without_partitions_ends_only_when_work_waits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AIOKafkaConsumer, "assignment", lambda _: set())

    async def idle() -> None:
        await ring(name)
        stop = asyncio.Event()
        looks = counted_looks(monkeypatch, stop, enough=12)
        await asyncio.wait_for(consume(name, never, stop), 40)
        assert looks() >= 12

    async_to_sync(idle)()

    async def beside_waiting_work() -> None:
        await asyncio.wait_for(consume(name, never, asyncio.Event(), overdue=True), 40)

    with pytest.raises(ConsumerStuck):
        async_to_sync(beside_waiting_work)()


def test_b9_a_consumer_that_has_nothing_to_say_goes_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []

    async def test() -> None:
        stop = asyncio.Event()
        looks = counted_looks(monkeypatch, stop, enough=12)

        async def work(pk: int) -> None:
            rung.append(pk)

        await ring(name, 1)
        await asyncio.wait_for(consume(name, work, stop), 40)
        assert looks() >= 12, "more looks than a stuck one is allowed"

    async_to_sync(test)()
    assert rung == [1]


async def never(pk: int) -> None:
    raise AssertionError(f"nothing rings for {pk}")


def counted_looks(monkeypatch: pytest.MonkeyPatch, stop: asyncio.Event, *, enough: int) -> Callable[[], int]:
    """Count how often the consumer looked around; stop it after `enough`."""
    looks = 0
    real = kafka._Silence._look

    async def look(self: Any) -> bool:
        nonlocal looks
        looks += 1
        if looks >= enough:
            stop.set()
        return await real(self)

    monkeypatch.setattr(kafka._Silence, "_look", look)
    return lambda: looks


def test_b9_a_client_that_does_not_come_up_is_made_anew(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, starts = AIOKafkaConsumer.start, []
    monkeypatch.setattr(kafka, "JOIN_SECONDS", 3.0)

    async def start(self: AIOKafkaConsumer) -> None:
        starts.append(1)
        if len(starts) == 1:
            await asyncio.Event().wait()
        await real(self)

    monkeypatch.setattr(AIOKafkaConsumer, "start", start)

    async def test() -> None:
        stop = asyncio.Event()

        async def work(pk: int) -> None:
            stop.set()

        await ring(name, 1)
        await asyncio.wait_for(consume(name, work, stop), 40)

    async_to_sync(test)()
    assert len(starts) == 2


async def joined(count: int) -> None:
    """Until the group has so many members, and each has heard which partitions it has."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(*kafka.BROKER_ERRORS):
                async with kafka._admin(5) as admin:
                    (answer,) = await admin.describe_consumer_groups([f"{settings.KAFKA_TOPIC_PREFIX}test.consumer"])
                    _, _, state, _, _, members, *_ = answer.groups[0]
                    if (state, len(members)) == ("Stable", count):
                        return


def test_b3_members_who_have_joined_a_broker_without_topics_get_their_partitions_when_there_are_some(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A broker that has lost everything is joined again at once; the relay makes the topics only afterwards."""
    broker = make_broker(tmp_path)
    monkeypatch.setattr(settings, "KAFKA_BOOTSTRAP_SERVERS", broker.address)
    monkeypatch.setattr(settings, "CONSUMER_STUCK_SECONDS", 60.0)
    monkeypatch.setattr(kafka, "LOOK_SECONDS", 600.0)  # nothing else may wake them
    real = kafka.ensure_topics

    async def nothing() -> None: ...

    async def test() -> float:
        heard: set[int] = set()
        stop = asyncio.Event()

        async def work(pk: int) -> None:
            heard.add(pk)

        groups = [asyncio.create_task(consume(name, work, stop)) for _ in range(2)]
        await ring(name, *range(8))
        await asyncio.to_thread(wait_for, lambda: len(heard) == 8)
        await asyncio.to_thread(broker.stop)
        monkeypatch.setattr(kafka, "ensure_topics", nothing)
        await asyncio.to_thread(broker.start)
        await joined(2)
        monkeypatch.setattr(kafka, "ensure_topics", real)
        began = time.monotonic()
        await ring(name, *range(8, 16))
        await asyncio.to_thread(wait_for, lambda: len(heard) == 16)
        took = time.monotonic() - began
        stop.set()
        await asyncio.gather(*groups)
        return took

    broker.start()
    try:
        assert async_to_sync(test)() < 15
    finally:
        broker.stop()


def test_b8_while_members_come_and_go_every_message_is_answered_once_and_in_order(processes: Processes) -> None:
    """Workers join and leave, politely and by SIGKILL, while customers write."""
    sample_articles()
    with memo_server() as memos:
        processes.env["MEMO_URL"] = memos.url
        for command in ("relay_messages", "run_delivery", "run_agent"):
            processes.start(command)
        tickets = [write(key=f"{n}-0").ticket for n in range(8)]
        for number in range(1, 4):
            restless = processes.start("run_agent")
            for n, ticket in enumerate(tickets):
                text = follow_up(FollowUpIn(message="How do I reset my password?"), ticket, key=f"{n}-{number}")
                receive(text, about=ticket)
            wait_for(lambda number=number: answered() >= 8 * number)
            restless.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
            restless.wait(25)
        wait_for(lambda: answered() == 32 and not Delivery.objects.all().waiting().exists())

    assert not AgentRun.objects.filter(outcome="failed").exists()
    for ticket in tickets:
        inbound = list(ticket.messages.filter(direction="inbound").order_by("id").values_list("answered_by", flat=True))
        assert inbound == sorted(inbound), "no later message is answered before an earlier one"
    accepted = [key for memo in memos.accepted for key in memo.body["answers"]]
    assert sorted(accepted) == sorted(f"{n}-{number}" for n in range(8) for number in range(4))
    twice = AgentRun.objects.filter(outcome="stored").values("inputs").annotate(times=Count("pk")).filter(times__gt=1)
    assert not twice.exists()


def answered() -> int:
    return Message.objects.filter(direction="inbound", answered_by__isnull=False).count()
