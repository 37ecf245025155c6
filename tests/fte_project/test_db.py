"""Leases that are kept and lost, and units of work that outlive a broken connection."""

import asyncio
import threading
import time

import psycopg
import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection

from fte_project import db
from fte_project.db import LeaseLost, aside, held_lease, unit_of_work
from fte_project.models import TimedJob
from tests.concurrency import at_once, real_commits


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew as often as the loop allows."""
    monkeypatch.setattr(db, "RENEW_EVERY_SECONDS", 0.0)


class Renewals:
    """Answers of the database to renewals; the last one again and again."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.count = 0
        self.three = asyncio.Event()

    async def __call__(self) -> bool:
        answer = self.answers[min(self.count, len(self.answers) - 1)]
        self.count += 1
        if self.count == 3:
            self.three.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_lease_is_renewed_while_the_body_runs_and_not_after(fast: None) -> None:
    async def flow() -> tuple[int, int]:
        renew = Renewals(True)
        async with held_lease(renew):
            await renew.three.wait()
        after = renew.count
        for _ in range(10):
            await asyncio.sleep(0)
        return after, renew.count

    after, later = async_to_sync(flow)()
    assert after == later >= 3


def test_a_lost_lease_cancels_the_body_and_says_so(fast: None) -> None:
    async def flow() -> bool:
        went_on = False

        async def body() -> None:
            nonlocal went_on
            async with held_lease(Renewals(True, False)):
                await asyncio.Event().wait()
                went_on = True

        with pytest.raises(LeaseLost):
            await body()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0, "the task itself is not cancelled"
        return went_on

    assert not async_to_sync(flow)()


def test_a_body_that_is_stopped_from_outside_is_cancelled_not_lost(fast: None) -> None:
    async def body(renew: Renewals) -> None:
        async with held_lease(renew):
            await asyncio.Event().wait()

    async def flow() -> None:
        renew = Renewals(True)
        task = asyncio.create_task(body(renew))
        await renew.three.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(flow)()


def test_a_deadline_inside_a_lease_is_a_timeout(fast: None) -> None:
    async def flow() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), held_lease(Renewals(True)):
                await asyncio.Event().wait()

    async_to_sync(flow)()


def test_a_database_that_is_away_for_a_moment_does_not_end_the_work(fast: None) -> None:
    async def flow() -> None:
        renew = Renewals(OperationalError("away"), OperationalError("away"), True)
        async with held_lease(renew):
            await renew.three.wait()

    async_to_sync(flow)()


def test_a_database_that_stays_away_for_a_lease_ends_the_work(fast: None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 2))  # two looks per renewal
    monkeypatch.setattr(db.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(db, "RENEW_EVERY_SECONDS", 3.0)

    async def no_wait(seconds: float) -> None:
        assert seconds == 3.0

    monkeypatch.setattr(db.asyncio, "sleep", no_wait)

    async def flow() -> int:
        renew = Renewals(OperationalError("away"))
        with pytest.raises(LeaseLost):
            async with held_lease(renew):
                await asyncio.Event().wait()
        return renew.count

    assert async_to_sync(flow)() == 2, "4 s without an answer are fine, 8 s of a 10 s lease are not"


def test_an_error_of_the_body_comes_out_as_it_is(fast: None) -> None:
    async def flow() -> None:
        with pytest.raises(ZeroDivisionError):
            async with held_lease(Renewals(True)):
                raise ZeroDivisionError

    async_to_sync(flow)()


# --- Rows --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_row_that_is_taken_is_not_free_until_its_lease_ends() -> None:
    TimedJob.objects.create(name="x")
    rows = TimedJob.objects.all()
    token = rows.take("x")
    assert token is not None
    assert rows.take("x") is None
    assert rows.renew("x", token)
    rows.update(lease_expires_at="2020-01-01T00:00Z")
    assert not rows.renew("x", token), "a lease that ran out is not revived"
    other = rows.take("x")
    assert other not in {None, token}
    assert not rows.held("x", token).exists()
    assert rows.held("x", other).get().attempts == 2


@pytest.mark.django_db
def test_a_row_outside_the_set_is_not_taken() -> None:
    TimedJob.objects.create(name="x")
    assert TimedJob.objects.none().take("x") is None
    assert TimedJob.objects.filter(name="y").take("x") is None
    assert TimedJob.objects.get().attempts == 0


@real_commits
def test_one_of_many_takers_wins() -> None:
    TimedJob.objects.create(name="x")
    results = at_once(10, lambda _: TimedJob.objects.all().take("x"))
    assert len([r for r in results if r is not None]) == 1
    assert TimedJob.objects.get().attempts == 1


# --- Units of work -----------------------------------------------------------------------------------------------


def backend_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@real_commits
def test_a_unit_of_work_recovers_after_its_connection_was_killed() -> None:
    async def flow() -> tuple[int, int]:
        first = await unit_of_work(backend_pid)()
        with pytest.raises((OperationalError, InterfaceError)):
            await unit_of_work(kill_own_connection)()
        return first, await unit_of_work(backend_pid)()

    first, second = async_to_sync(flow)()
    assert first != second


def kill_own_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.django_db
def test_a_unit_of_work_passes_arguments_results_and_errors() -> None:
    def divide(a: int, *, by: int) -> float:
        if by == 0:
            raise DatabaseError("by zero")
        return a / by

    assert async_to_sync(unit_of_work(divide))(6, by=3) == 2
    with pytest.raises(DatabaseError, match="by zero"):
        async_to_sync(unit_of_work(divide))(6, by=0)


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_while_the_bodys_thread_is_busy(fast: None) -> None:
    busy, renewed = threading.Event(), threading.Event()

    def body() -> bool:
        busy.set()
        return renewed.wait(10)

    def renew() -> bool:
        if busy.is_set():
            renewed.set()
        return True

    async def work() -> bool:
        async with ThreadSensitiveContext(), held_lease(aside(renew)):
            return await unit_of_work(body)()

    assert asyncio.run(work())


@pytest.mark.parametrize(
    ("state", "is_away"),
    [
        ("08006", True),
        ("53100", True),  # the disk is full
        ("53300", True),
        ("57P01", True),
        ("25006", True),  # it only reads
        ("40P01", False),
        ("57014", False),  # a statement that took too long
    ],
)
def test_a_database_that_serves_nobody_is_away_and_a_statement_that_failed_is_not(state: str, is_away: bool) -> None:
    cause = psycopg.errors.lookup(state)("said the server")
    kind = InternalError if isinstance(cause, psycopg.InternalError) else OperationalError
    error = kind("said the server")
    error.__cause__ = cause
    assert db.is_away(error) is is_away


def test_a_lease_that_is_known_to_be_lost_is_not_held_any_longer(fast: None) -> None:
    async def flow() -> None:
        began = time.monotonic() - 9.9
        with pytest.raises(LeaseLost):
            async with held_lease(Renewals(False), since=began) as hold:
                await asyncio.Event().wait()
        assert hold.seconds_left() < 0.5, "no thread may send under it"

    async_to_sync(flow)()
