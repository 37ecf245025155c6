"""From records to work: many ids at once, one id never twice at once, and nothing stops the partition."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, OperationalError

from fte_project.events import MessageReceived, topic
from fte_project.inbox import Inbox, work_through
from fte_project.kafka import Producer
from fte_project.models import DeadLetter, OutboxEvent
from tests.concurrency import real_commits


class Work:
    """Work that begins when it is told to and ends when it is let."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.running: list[int] = []
        self.most = 0
        self.let = asyncio.Event()
        self.news = asyncio.Condition()

    async def __call__(self, pk: int) -> None:
        assert pk not in self.running, "one id twice at once"
        self.running.append(pk)
        self.most = max(self.most, len(self.running))
        async with self.news:
            self.begun.append(pk)
            self.news.notify_all()
        try:
            await self.let.wait()
        finally:
            self.running.remove(pk)

    async def until(self, count: int) -> None:
        async with self.news:
            await asyncio.wait_for(self.news.wait_for(lambda: len(self.begun) >= count), 10)


def flow(test: Callable[[], Awaitable[None]]) -> None:
    async_to_sync(test)()


def test_different_ids_run_at_the_same_time_up_to_the_limit() -> None:
    async def test() -> None:
        work = Work()
        inbox = Inbox(work, at_once=3)
        for pk in range(5):
            inbox.add(pk)
        await work.until(3)
        assert work.most == 3
        work.let.set()
        await work.until(5)
        await inbox.drain(5)
        assert sorted(work.begun) == [0, 1, 2, 3, 4]
        assert work.most == 3

    flow(test)


def test_rings_while_an_id_is_worked_on_make_it_run_once_more() -> None:
    async def test() -> None:
        work = Work()
        inbox = Inbox(work, at_once=3)
        inbox.add(1)
        await work.until(1)
        for _ in range(5):
            inbox.add(1)
        work.let.set()
        await work.until(2)
        await inbox.drain(5)
        assert work.begun == [1, 1]

    flow(test)


@pytest.mark.parametrize("error", [DatabaseError("this row"), RuntimeError("broken")])
def test_an_id_that_fails_stops_nothing_else_and_can_come_again(error: Exception) -> None:
    async def test() -> None:
        begun: list[int] = []
        done = asyncio.Event()

        async def work(pk: int) -> None:
            begun.append(pk)
            if pk == 1 and begun.count(1) == 1:
                raise error
            if begun.count(1) + begun.count(2) == 3:
                done.set()

        inbox = Inbox(work, at_once=1)
        inbox.add(1)
        inbox.add(2)
        while inbox._tasks:
            await asyncio.gather(*inbox._tasks.values())
        inbox.add(1)
        await asyncio.wait_for(done.wait(), 5)
        assert begun == [1, 2, 1]

    flow(test)


def test_b5_while_the_database_is_away_an_id_waits_and_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fte_project.db.RETRY_SECONDS", 0.0)

    async def test() -> None:
        begun: list[int] = []

        async def work(pk: int) -> None:
            begun.append(pk)
            if len(begun) < 4:
                raise OperationalError("the connection is closed")

        inbox = Inbox(work, at_once=1)
        inbox.add(1)
        await asyncio.wait_for(asyncio.gather(*inbox._tasks.values()), 5)
        assert begun == [1, 1, 1, 1]

    flow(test)


def test_stopping_lets_work_finish_and_drops_what_has_not_begun() -> None:
    async def test() -> None:
        work = Work()
        inbox = Inbox(work, at_once=1)
        inbox.add(1)
        inbox.add(2)
        await work.until(1)
        draining = asyncio.create_task(inbox.drain(10))
        await asyncio.sleep(0)
        work.let.set()
        await draining
        assert work.begun == [1]

    flow(test)


def test_stopping_cancels_what_does_not_finish_in_time() -> None:
    async def test() -> None:
        work = Work()
        inbox = Inbox(work, at_once=1)
        inbox.add(1)
        await work.until(1)
        await inbox.drain(0.01)
        assert work.running == []
        assert inbox._tasks == {}

    flow(test)


def test_when_the_list_is_full_a_ring_is_dropped_and_comes_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fte_project.inbox.LIST_LIMIT", 2)

    async def test() -> None:
        work = Work()
        inbox = Inbox(work, at_once=1)
        inbox.add(1)
        inbox.add(2)
        await work.until(1)
        for pk in (3, 2, 1):  # only those that are on the list
            inbox.add(pk)
        work.let.set()
        await work.until(3)
        inbox.add(3)  # the sweeper rings again
        await work.until(4)
        await inbox.drain(5)
        assert work.begun == [1, 2, 1, 3]

    flow(test)


def test_a_ring_in_the_last_moment_of_its_work_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        work = Work()
        work.let.set()
        inbox = Inbox(work, at_once=1)

        class LastMoment:
            async def __aenter__(self) -> None: ...

            async def __aexit__(self, *_: object) -> None:
                if len(work.begun) == 1:
                    inbox.add(1)

        monkeypatch.setattr("fte_project.inbox.ThreadSensitiveContext", LastMoment)
        inbox.add(1)
        await work.until(2)
        await inbox.drain(5)

    flow(test)


@real_commits
def test_records_that_are_no_events_become_dead_letters_and_the_partition_goes_on(settings: Any) -> None:
    settings.KAFKA_TOPIC_PREFIX = "inbox-test."
    name = topic("fte.channels.web_form.inbound")
    good = MessageReceived(conversation_id=7, channel="web_form", message_id=1).payload()
    other_kind = {"v": 1, "kind": "run_finished", "conversation_id": 1, "run_id": 1}
    records: list[Any] = [{"v": 99}, ["no", "object"], {"kind": "x", "text": "y" * 500_000}, other_kind, good]

    async def test() -> None:
        producer, stop, found = Producer(), asyncio.Event(), []

        async def work(pk: int) -> None:
            found.append(pk)
            stop.set()

        await producer.send([(name, "one key, one partition", record) for record in records])
        await producer.close()
        await asyncio.wait_for(
            work_through(
                stop,
                group="test.inbox",
                topics=[name],
                pick=lambda event: event.conversation_id if isinstance(event, MessageReceived) else None,
                work=work,
                overdue=lambda: False,
                at_once=2,
            ),
            40,
        )
        assert found == [7]

    flow(test)
    letters = list(DeadLetter.objects.order_by("id"))
    assert [x.kind for x in letters] == ["record"] * 3
    assert [x.origin.rpartition("/")[2] for x in letters] == ["0", "1", "2"]
    assert all(x.origin.startswith(f"{name}/") for x in letters)
    assert all(x.error for x in letters)
    assert "yyyy" not in json.dumps([x.error for x in letters]), "a dead letter holds no words"
    assert OutboxEvent.objects.filter(topic="inbox-test.fte.dlq").count() == 3
