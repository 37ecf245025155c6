"""Sending one thing under its row's lease: what deliveries to customers and notices to staff have in common."""

import asyncio
import random
import threading
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from channels_app.registry import SendError
from fte_project.db import Leased, LeasedQuerySet, LeaseLost, aside, held_lease, unit_of_work

log = structlog.get_logger()
LONGEST_WAIT = timedelta(minutes=5)


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many tries: 2, 4, 8 … seconds, at most LONGEST_WAIT, with jitter."""
    wait = timedelta(seconds=2 ** min(attempts, 10))
    return min(wait, LONGEST_WAIT) * random.uniform(0.75, 1.25)  # noqa: S311 (jitter)


def outcome(error: SendError, *, is_too_late: bool) -> str:
    """The status after an error, for whatever is sent: only what was certainly not accepted is sent again."""
    if not error.refused:
        return "unknown"
    return "failed" if error.permanent or is_too_late else "queued"


def next_try(error: SendError, attempts: int) -> Combinable:
    """When it is tried again after so many tries: after the backoff, or later when the provider asked for that."""
    return Now() + max(backoff(attempts), timedelta(seconds=error.retry_after or 0))


class _Words:
    """Whether the words may have left: settled once between the thread that sends and the deadline that ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._have_left = self._are_held = False

    def leave(self) -> None:
        """Called by the sender, right before. Raises SendError when the deadline was first."""
        with self._lock:
            if self._are_held:
                raise SendError("Its time was over before it was sent.", refused=True)
            self._have_left = True

    def hold(self) -> bool:
        """From now on they do not leave any more; whether they are certainly still here."""
        with self._lock:
            self._are_held = True
            return not self._have_left


async def under_lease[R: Leased, T](row: R, began: float, act: Callable[[R, Callable[[], None]], T]) -> T:
    """Run `act(row, check)` in a thread while the claim of `row`, made after `began` (monotonic), is renewed.

    `check` is to be called right before the words leave: it marks the row as being sent. Until then a process may
    die, and anything may go wrong, without leaving a doubt. Raises SendError, also at the deadline, and LeaseLost.
    """
    words = _Words()
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
                words.leave()

            return await unit_of_work(_guarded)(row, words, lambda: act(row, check))
    except TimeoutError as error:
        raise SendError("The provider did not answer in time.", refused=words.hold()) from error
    finally:
        words.hold()  # the thread of a cancelled send goes on by itself


def _mark[R: Leased](held: LeasedQuerySet[R]) -> None:
    try:
        is_ours = held.update(status="sending", changed_at=Now())
    except DatabaseError as error:
        raise SendError(f"The database could not be asked before sending: {error}"[:500], refused=True) from error
    if not is_ours:
        raise LeaseLost


def _guarded[T](row: Leased, words: _Words, call: Callable[[], T]) -> T:
    try:
        return call()
    except (SendError, LeaseLost):
        raise
    except Exception as error:
        # A mistake of ours. In the middle of a send it may or may not have gone out, so nothing is sent again.
        log.exception("send_broke", row=str(row.pk))
        raise SendError(f"Unexpected error while sending: {error!r}"[:1000], refused=words.hold()) from error
