"""From Kafka records to work on ids: many ids at once, one id never twice at once, offsets committed early."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta

import structlog
from asgiref.sync import ThreadSensitiveContext
from django.db import DatabaseError, transaction

from fte_project.db import insist, is_away, unit_of_work
from fte_project.events import BadEvent, DeadLettered, Event, parse, publish
from fte_project.kafka import Record, consume
from fte_project.models import DeadLetter

log = structlog.get_logger()
LIST_LIMIT = 1000
OVERDUE = timedelta(seconds=30)  # the sweeper has rung for it more than once by then


def keep_bad_record(record: Record, error: str) -> None:
    """A record that is no event of ours: note once where it was and what was wrong; the partition goes on."""
    with transaction.atomic():
        letter, is_new = DeadLetter.objects.get_or_create(
            kind=DeadLetter.Kind.RECORD, origin=record.origin, error=error
        )
        if is_new:
            publish(DeadLettered(conversation_id=0, dead_letter_id=letter.pk))


class Inbox[K: Hashable]:
    """The list of ids to work on. A ring for an id that is being worked on makes it run once more afterwards.

    When the list is full a ring is dropped: its row is due still, and the sweeper rings again. So the consumer never
    waits, and what was rung for several times does not pile up in front of what is new.
    """

    def __init__(self, work: Callable[[K], Awaitable[None]], *, at_once: int) -> None:
        self._work = work
        self._slots = asyncio.Semaphore(at_once)
        self._tasks: dict[K, asyncio.Task[None]] = {}
        self._again: set[K] = set()
        self._stopping = False

    def add(self, pk: K) -> None:
        """Put `pk` on the list, unless the list is full."""
        if pk in self._tasks:
            self._again.add(pk)
        elif len(self._tasks) < LIST_LIMIT:
            self._tasks[pk] = asyncio.create_task(self._run(pk))

    async def _run(self, pk: K) -> None:
        try:
            async with self._slots, ThreadSensitiveContext():
                if not self._stopping:
                    self._again.discard(pk)
                    await self._once(pk)
        except Exception:
            log.exception("work_failed", id=pk)
        finally:
            del self._tasks[pk]
            if pk in self._again and not self._stopping:
                self.add(pk)

    async def _once(self, pk: K) -> None:
        try:
            await insist(self._work, pk)
        except DatabaseError as error:
            # It is still away, or refuses this row: the sweeper rings again.
            log.warning("work_waits_for_database", id=pk, error=error)

    async def drain(self, seconds: float) -> None:
        """Let what runs finish for `seconds`, then cancel it; what has not begun is dropped (the row is due still)."""
        self._stopping = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _keep(record: Record, error: str) -> None:
    """Note a bad record, however long the database is away: without it there is nothing else to do either."""
    while True:
        try:
            return await insist(unit_of_work(keep_bad_record), record, error)
        except DatabaseError as refused:
            if not is_away(refused):
                log.exception("bad_record_not_kept", origin=record.origin)
                return None


async def work_through[K: Hashable](
    stop: asyncio.Event,
    *,
    group: str,
    topics: list[str],
    pick: Callable[[Event], K | None],
    work: Callable[[K], Awaitable[None]],
    overdue: Callable[[], bool],
    at_once: int,
    grace_seconds: float = 12.0,
) -> None:
    """Consume `topics` as `group` and run `work` on the ids that `pick` finds in events, until told to stop.

    `overdue` asks the database whether such work has been waiting for so long that somebody should have heard of it.
    """
    inbox = Inbox(work, at_once=at_once)

    async def handle(record: Record) -> None:
        try:
            event = parse(record.value)
        except BadEvent as error:
            await _keep(record, str(error))
            return
        pk = pick(event)
        if pk is not None:
            inbox.add(pk)

    async def is_overdue() -> bool:
        try:
            return await unit_of_work(overdue)()
        except DatabaseError:
            return False  # then nobody can work, and it is no fault of the consumer

    consuming = asyncio.create_task(consume(group, topics, handle, is_overdue))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([consuming, stopping], return_when=asyncio.FIRST_COMPLETED)
    consuming.cancel()
    stopping.cancel()
    await inbox.drain(grace_seconds)
    results = await asyncio.gather(consuming, stopping, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]
