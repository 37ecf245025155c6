"""Sending one thing under its row's lease: what deliveries to customers and notices to staff have in common."""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models.functions import Now

from channels_app.registry import SendError
from fte_project.db import Leased, LeasedQuerySet, LeaseLost, aside, held_lease, unit_of_work

log = structlog.get_logger()
LONGEST_WAIT = timedelta(minutes=5)


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many tries: 2, 4, 8 … seconds, at most LONGEST_WAIT, with jitter."""
    wait = timedelta(seconds=2 ** min(attempts, 10))
    return min(wait, LONGEST_WAIT) * random.uniform(0.75, 1.25)  # noqa: S311 (jitter)


async def under_lease[R: Leased, T](row: R, began: float, act: Callable[[R, Callable[[], None]], T]) -> T:
    """Run `act(row, check)` in a thread while the claim of `row`, made after `began` (monotonic), is renewed.

    `check` is to be called right before the words leave: it marks the row as being sent. Until then a process may
    die without leaving a doubt. Raises SendError at the deadline, and LeaseLost.
    """
    token = row.lease_token
    assert token is not None
    rows: LeasedQuerySet[R] = type(row)._default_manager.all()  # type: ignore[assignment]
    try:
        async with (
            asyncio.timeout(settings.SEND_DEADLINE_SECONDS),
            held_lease(lambda: aside(rows.renew)(row.pk, token), since=began) as hold,
        ):

            def check() -> None:
                hold.check()
                _mark(rows.held(row.pk, token))
                hold.check()

            return await unit_of_work(_guarded)(row, lambda: act(row, check))
    except TimeoutError as error:
        raise SendError("The provider did not answer in time.") from error


def _mark[R: Leased](held: LeasedQuerySet[R]) -> None:
    try:
        is_ours = held.update(status="sending", changed_at=Now())
    except DatabaseError as error:
        raise SendError(f"The database could not be asked before sending: {error}"[:500], refused=True) from error
    if not is_ours:
        raise LeaseLost


def _guarded[T](row: Leased, call: Callable[[], T]) -> T:
    try:
        return call()
    except (SendError, LeaseLost):
        raise
    except Exception as error:
        # A mistake of ours in the middle of a send: it may or may not have gone out, so nothing is sent again.
        log.exception("send_broke", row=str(row.pk))
        raise SendError(f"Unexpected error while sending: {error!r}"[:1000]) from error
