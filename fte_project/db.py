"""How work touches the database: one unit per thread hop, and rows that are claimed by lease."""

import asyncio
import functools
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Self

import structlog
from asgiref.sync import AsyncToSync, sync_to_async
from django.db import (
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    close_old_connections,
    connection,
    models,
    transaction,
)
from django.db.models.functions import Now
from psycopg_pool import PoolTimeout

log = structlog.get_logger()
LEASE = timedelta(seconds=10)
RENEW_EVERY_SECONDS = 3.0
RETRY_SECONDS = 0.5
# What a request meets while nothing can be stored: no server, none that writes (a standby, a full disk), no connection.
NOTHING_STORED = (OperationalError, InterfaceError, InternalError, PoolTimeout)
TRY_AGAIN_SECONDS = 30
# SQLSTATEs: connection exceptions, insufficient resources (a full disk, too many connections), operator intervention.
AWAY_CLASSES = ("08", "53", "57P")
READ_ONLY = "25006"
PASSING_CLASSES = ("40", "55P03", "57014")
RING_AGAIN_AFTER = timedelta(seconds=10)
FREE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None}


class LeaseLost(Exception):
    """The row is no longer ours: somebody else may be working on it, so nothing of ours may be written or sent."""


def unit_of_work[**P, R](fn: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Make a whole synchronous function awaitable, in this task's thread, on a connection that works.

    Stale connections are closed in the thread that used them; without that a process never recovers from a
    restarted database.
    """

    return sync_to_async(_on_a_working_connection(fn))


def aside[**P, R](fn: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Like unit_of_work, but on a thread of its own: for what must not wait behind this task's other work.

    Under `async_to_sync` it stays in the caller's thread, whose transaction it may need to see.
    """
    is_called_from_sync = getattr(AsyncToSync.executors, "current", None) is not None
    return sync_to_async(_on_a_working_connection(fn), thread_sensitive=is_called_from_sync)


def is_away(error: Exception) -> bool:
    """Whether nobody can be served now: no connection, a server that is down, full, or only reads.

    As against a statement that failed, which fails again.
    """
    if not isinstance(error, NOTHING_STORED):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state == READ_ONLY or state.startswith(AWAY_CLASSES)


def is_passing(error: Exception) -> bool:
    """Whether the same may succeed a moment later: the database is away, or two got in each other's way (a deadlock, a
    lock that was not given, a statement that took too long)."""
    state = getattr(error.__cause__, "sqlstate", None) if isinstance(error, NOTHING_STORED) else None
    return is_away(error) or (state is not None and state.startswith(PASSING_CLASSES))


async def insist[**P, R](call: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """Await `call`, again and again for as long as a lease lasts while the database is away.

    For what is harmless to do twice. Raises the last error of the database.
    """
    give_up_at = time.monotonic() + LEASE.total_seconds()
    while True:
        try:
            return await call(*args, **kwargs)
        except DatabaseError as error:
            if not is_away(error) or time.monotonic() > give_up_at:
                raise
            log.warning("database_away", error=error)
            await asyncio.sleep(RETRY_SECONDS)


def _on_a_working_connection[**P, R](fn: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(fn)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        _close_stale()
        try:
            return fn(*args, **kwargs)
        finally:
            _close_stale()

    return inner


def _close_stale() -> None:
    if not connection.in_atomic_block:  # a test's transaction around everything is not ours to close
        close_old_connections()


class LeasedQuerySet[M: models.Model](models.QuerySet[M]):
    """Rows that are work: claimed by one conditional UPDATE, by the database's clock."""

    def free(self) -> Self:
        """Rows that nobody holds."""
        return self.filter(models.Q(lease_expires_at=None) | models.Q(lease_expires_at__lt=Now()))

    def take(self, pk: Any, **changes: Any) -> uuid.UUID | None:
        """Claim row `pk` if it is in this set and free: the lease token, or None when somebody else was first."""
        token = uuid.uuid4()
        with transaction.atomic():
            # The row is locked first: where this set looks at other tables, Django makes the UPDATE ask a subquery,
            # and PostgreSQL does not ask it again after waiting for the one who was first.
            list(self.model._base_manager.select_for_update().filter(pk=pk).values_list("pk"))
            taken = (
                self.filter(pk=pk)
                .free()
                .update(
                    lease_token=token,
                    lease_expires_at=Now() + LEASE,
                    attempts=models.F("attempts") + 1,
                    **changes,
                )
            )
        return token if taken else None

    def held(self, pk: Any, token: uuid.UUID) -> Self:
        """Row `pk` while `token` still holds it; empty when the lease has passed on or run out."""
        return self.filter(pk=pk, lease_token=token, lease_expires_at__gt=Now())

    def renew(self, pk: Any, token: uuid.UUID) -> bool:
        """Hold row `pk` for another LEASE; False when it is no longer ours."""
        return bool(self.held(pk, token).update(lease_expires_at=Now() + LEASE))

    def ring_again(self, limit: int) -> list[M]:
        """Up to `limit` of these rows that nobody holds and that were not rung lately, marked as rung.

        In the caller's transaction, which publishes a ring for each. Needs a `rung_at` column.
        """
        quiet = models.Q(rung_at=None) | models.Q(rung_at__lt=Now() - RING_AGAIN_AFTER)
        rows = list(self.free().filter(quiet).select_for_update(skip_locked=True, of=("self",))[:limit])
        self.model._base_manager.filter(pk__in=[row.pk for row in rows]).update(rung_at=Now())
        return rows


class Leased(models.Model):
    """The columns of a row that is work."""

    lease_token = models.UUIDField(null=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def settle(self, **changes: Any) -> None:
        """Write `changes` and let go of the row. Raises LeaseLost when somebody else has settled it meanwhile."""
        ours = type(self)._base_manager.filter(pk=self.pk, lease_token=self.lease_token)
        if self.lease_token is None or not ours.update(**FREE, **changes):
            raise LeaseLost


class Hold:
    """Until when a lease is certainly ours, by a clock that also runs while this process is stopped."""

    def __init__(self, since: float) -> None:
        self.renewed(since)

    def renewed(self, asked_at: float) -> None:
        self._until = asked_at + LEASE.total_seconds()

    def seconds_left(self) -> float:
        return self._until - time.monotonic()

    def check(self) -> None:
        """To be called right before what cannot be taken back. Raises LeaseLost when the lease has run out."""
        if self.seconds_left() <= 0:
            raise LeaseLost


@asynccontextmanager
async def held_lease(renew: Callable[[], Awaitable[bool]], *, since: float | None = None) -> AsyncIterator[Hold]:
    """Renew a lease while the body runs; the body is cancelled and LeaseLost raised once it is not ours any more.

    `renew` must not wait behind the body: make it with `aside`. `since`: time.monotonic() before the claim.
    """
    task = asyncio.current_task()
    assert task is not None
    lost = False
    hold = Hold(time.monotonic() if since is None else since)

    async def keep() -> None:
        nonlocal lost
        while True:
            await asyncio.sleep(RENEW_EVERY_SECONDS)
            asked_at = time.monotonic()
            try:
                ours = await renew()
            except DatabaseError:
                ours = hold.seconds_left() > RENEW_EVERY_SECONDS
            else:
                if ours:
                    hold.renewed(asked_at)
            if not ours:
                lost = True
                task.cancel()
                return

    keeper = asyncio.create_task(keep())
    try:
        yield hold
    except asyncio.CancelledError:
        if lost and task.uncancel() == 0:
            raise LeaseLost from None
        raise
    finally:
        keeper.cancel()
