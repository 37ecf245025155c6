"""What all workers know together about the model's provider: how fast it may be asked, and whether it answers at all.

One row per model, changed in short transactions. The pace is counted in our own estimate of tokens: it is learned
from what the provider refuses, so it only has to be the same estimate every time.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now

log = structlog.get_logger()
SLOWER, FASTER = 0.75, 1.01  # after a refusal; after each answer
BURST_SECONDS = 5.0  # what was not asked for lately may be made up for
SLOWEST_SECONDS = 60.0  # for one request: a provider that refuses for an hour must not be asked once a day afterwards
FORGET_LIMIT_AFTER = timedelta(minutes=10)  # without a refusal
LONGEST_WAIT_SECONDS = 3600.0
SAYS = " The provider says: "  # within a problem
FAILURES = 5  # in a row, and nobody asks for a while
FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 30.0, 300.0


class NotYet(Exception):
    """The provider may be asked again in `seconds`; the others who wait follow every `spacing` seconds.

    `is_refusal`: it was asked and refused, as against not being asked at all.
    """

    def __init__(self, seconds: float, spacing: float, *, is_refusal: bool = False) -> None:
        super().__init__(f"the model may be asked in {seconds:.1f} s")
        self.seconds, self.spacing, self.is_refusal = seconds, spacing, is_refusal


class Unreachable(Exception):
    """The provider is not asked at present because it failed too often or cannot work as it is set up."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"the model cannot be reached: {problem}")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Leave to ask in `seconds`. A refusal of what was asked before another refusal tells nothing new."""

    seconds: float
    goes_at: datetime
    is_probe: bool = False


class ModelProvider(models.Model):
    """How the provider of one model is doing."""

    name = models.CharField(primary_key=True, max_length=200)
    tokens_per_second = models.FloatField(null=True, help_text="How fast it may be asked; empty: no limit is known.")
    next_at = models.DateTimeField(db_default=Now(), help_text="When the next request may go, at this pace.")
    refused_at = models.DateTimeField(null=True, help_text="The last time it said that we ask too much.")
    closed_until = models.DateTimeField(null=True, help_text="The time that it named then.")
    refusals = models.PositiveSmallIntegerField(default=0, help_text="Since the last answer.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    problem = models.TextField(blank=True)
    probe_at = models.DateTimeField(null=True, help_text="Set while it is not asked: when one request may try it.")
    rest_seconds = models.FloatField(default=0, help_text="How long it was not asked the last time.")

    now: datetime  # by the database's clock, when the row was read

    def __str__(self) -> str:
        return self.name

    def is_limited(self) -> bool:
        return self.tokens_per_second is not None and self.refused_at is not None and not self._has_forgotten()

    def _has_forgotten(self) -> bool:
        return self.refused_at is not None and self.now - self.refused_at > FORGET_LIMIT_AFTER

    def wait_seconds(self) -> float:
        """Until the next request may go."""
        if not self.is_limited():
            return 0.0
        return max(0.0, (max(self.next_at, self.closed_until or self.next_at) - self.now).total_seconds())

    def spacing(self, cost: float) -> float:
        return cost / self.tokens_per_second if self.is_limited() and self.tokens_per_second else 0.0

    def reserve(self, cost: float) -> None:
        """The next request goes as much later as this one costs."""
        begin = max(self.next_at, self.closed_until or self.next_at, self.now - timedelta(seconds=BURST_SECONDS))
        self.next_at = begin + timedelta(seconds=self.spacing(cost))

    def slow_down(self, turn: Turn, cost: float, wait: float) -> None:
        """It refused: nobody asks before the time it named, and then less."""
        if self.refused_at is None or turn.goes_at > self.refused_at:
            pace = self.tokens_per_second if self.is_limited() else None
            # A bucket that lacks all of it refills at this pace; one that lacks less is met by the next refusals.
            pace = pace * SLOWER if pace else cost / max(wait, 0.05)
            self.tokens_per_second = max(pace, cost / SLOWEST_SECONDS)
            self.refused_at = self.now
            self.refusals += 1
        until = self.now + timedelta(seconds=wait)
        self.closed_until = max(self.closed_until or until, until)

    def fail(self, problem: str, *, at_once: bool) -> None:
        """It did not answer. After FAILURES of them, or a failed probe, nobody asks for a while, each time longer."""
        self.failures += 1
        self.problem = problem[:1000]
        if at_once or self.failures >= FAILURES or self.probe_at is not None:
            self.rest_seconds = min(LONGEST_REST_SECONDS, max(FIRST_REST_SECONDS, 2 * self.rest_seconds))
            self.probe_at = self.now + timedelta(seconds=self.rest_seconds)
            log.error("model_not_asked", model=self.name, seconds=self.rest_seconds, problem=self.own_words())

    def own_words(self) -> str:
        """The problem without what the provider said of it, which may quote a customer: for logs and the doctor."""
        return self.problem.partition(SAYS)[0]


def name() -> str:
    """The model that is asked, at which address."""
    return f"{settings.OPENAI_MODEL} at {settings.OPENAI_BASE_URL or 'OpenAI'}"[:200]


def look(*, lock: bool = False) -> ModelProvider:
    """The row as it stands; `lock`: until the transaction ends."""
    rows = ModelProvider.objects.annotate(clock=Now())
    row = (rows.select_for_update() if lock else rows).filter(pk=name()).first()
    if row is None:
        ModelProvider.objects.bulk_create([ModelProvider(name=name())], ignore_conflicts=True)
        return look(lock=lock)
    row.now = row.clock
    return row


@contextmanager
def _changing() -> Iterator[ModelProvider]:
    """The row, locked; saved at the end."""
    with transaction.atomic():
        row = look(lock=True)
        yield row
        row.save()


def check(cost: float, patience: float) -> None:
    """Whether asking makes sense at all now. Raises NotYet or Unreachable."""
    row = look()
    if row.probe_at is not None and row.probe_at > row.now:
        raise Unreachable(row.problem)
    if row.wait_seconds() > patience:
        raise NotYet(row.wait_seconds(), row.spacing(cost))


def ask(cost: float, patience: float) -> Turn:
    """Leave to send a request of about `cost` tokens, in at most `patience` seconds. Raises NotYet or Unreachable."""
    row = look()
    if row.probe_at is None and not row.is_limited():
        return Turn(seconds=0.0, goes_at=row.now)
    with _changing() as row:
        is_probe = row.probe_at is not None
        if row.probe_at is not None:
            if row.probe_at > row.now:
                raise Unreachable(row.problem)
            row.probe_at = row.now + timedelta(seconds=settings.RUN_DEADLINE_SECONDS)  # the others wait for this one
        wait = row.wait_seconds()
        if wait > patience:
            raise NotYet(wait, row.spacing(cost))
        row.reserve(cost)
    return Turn(seconds=wait, goes_at=row.now + timedelta(seconds=wait), is_probe=is_probe)


def is_closed() -> bool:
    """Whether the provider has refused somebody and named a time that has not come."""
    row = look()
    return row.closed_until is not None and row.closed_until > row.now


def answered(cost: float, pace: float | None) -> None:
    """It answered. `pace`: tokens a second, when its headers say so; otherwise a little more may be asked from now."""
    row = look()
    if not (row.is_limited() or row.failures or row.probe_at or row.refusals):
        return
    with _changing() as row:
        if row.probe_at is not None:
            log.info("model_asked_again", model=row.name)
        row.failures, row.refusals, row.problem, row.probe_at, row.rest_seconds = 0, 0, "", None, 0.0
        if row.is_limited() and row.tokens_per_second:
            row.tokens_per_second = pace or row.tokens_per_second * FASTER


def refused(turn: Turn, cost: float, named_seconds: float | None, pace: float | None) -> None:
    """It said that we ask too much. Without a named time we wait longer each time."""
    with _changing() as row:
        backoff = min(30.0, 2.0**row.refusals) * random.uniform(0.75, 1.25)  # noqa: S311 (jitter)
        wait = min(backoff if named_seconds is None else named_seconds, LONGEST_WAIT_SECONDS)
        row.slow_down(turn, cost, wait)
        if pace:
            row.tokens_per_second = pace
        row.failures = 0  # it is there
        if row.probe_at is not None:
            row.probe_at, row.rest_seconds, row.problem = None, 0.0, ""
    log.warning("model_refused_for_its_rate", seconds=round(wait, 2), tokens_a_minute=tokens_a_minute(row))


def failed(problem: str, *, at_once: bool = False) -> None:
    """It did not answer; `at_once`: and will not, as things are set up."""
    with _changing() as row:
        row.fail(problem, at_once=at_once)


def tokens_a_minute(row: ModelProvider) -> int:
    return round(60 * (row.tokens_per_second or 0))
