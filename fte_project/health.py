"""Is this process alive; can this installation do its work. Reasons in words, no secrets."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from fte_project.models import Heartbeat, OutboxEvent

log = structlog.get_logger()
ROLES = ("web", "relay", "agent", "delivery", "schedule")
LOOK_MS = 2000
FORGET_ROLES_AFTER = timedelta(days=7)


class State(StrEnum):
    """How a part of the installation is."""

    OK = "ok"
    OFF = "off"
    FAILED = "failed"


# What an examined part says: its state and one sentence, without secrets.
type Finding = tuple[State, str]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A part that `doctor` examines; `path` names a plain function that gives a Finding."""

    name: str
    path: str
    needs_database: bool


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How many processes run a role now, and how long ago (seconds) one of them, or an earlier one, last said so."""

    instances: int = 0
    last_beat_s: float | None = None


@dataclass(kw_only=True)
class Readiness:
    """What is wrong, by part; empty when everything works. The figures are None while the database is away."""

    problems: dict[str, str] = field(default_factory=dict)
    roles: dict[str, Seen] | None = None
    relay_lag_s: float | None = None
    oldest_due_s: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {"ok": not self.problems, **asdict(self)}


_checks: dict[str, Check] = {}
_due: dict[str, str] = {}


def register(name: str, path: str, *, needs_database: bool = True) -> None:
    """Let `doctor` examine a part. Called from AppConfig.ready by the app that owns it."""
    _checks[name] = Check(name=name, path=path, needs_database=needs_database)


def register_due(name: str, path: str) -> None:
    """Let readiness watch a queue called `name` (plural): `path` names a function that gives the longest_wait."""
    _due[name] = path


def checks() -> list[Check]:
    """What the apps have registered for `doctor`, in their order."""
    return list(_checks.values())


def look() -> Readiness:
    """Everything that is needed to answer a customer. Takes at most some seconds, whatever is away."""
    found = _look_at_database(only_web=False)
    if said := broker_problem():
        found.problems["broker"] = said
    return found


def look_for_web() -> Readiness:
    """Only what a web process needs to take a message: it goes on without a broker and without the other roles."""
    return _look_at_database(only_web=True)


def _look_at_database(*, only_web: bool) -> Readiness:
    found = Readiness()
    try:
        with short_transaction() as only_reads:
            if only_reads:
                found.problems["database"] = "The database only lets us read: nothing can be stored."
            if migrations_are_missing():
                found.problems["migrations"] = "Migrations are missing: run manage.py migrate."
            elif not only_web:
                _look_at_work(found)
    except Error as error:
        log.warning("readiness_without_database", error=error)
        return Readiness(problems={"database": "The database does not answer."})
    return found


@contextmanager
def short_transaction() -> Iterator[bool]:
    """A transaction in which no statement runs longer than LOOK_MS; gives whether the server only lets us read."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), current_setting('transaction_read_only')",
                [str(LOOK_MS)],
            )
            _, only_reads = cursor.fetchone()
        yield only_reads == "on"


def migrations_are_missing() -> bool:
    """Whether the code has migrations that the database has not."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _look_at_work(found: Readiness) -> None:
    found.roles = roles_seen()
    for role, seen in found.roles.items():
        if not seen.instances:
            found.problems[role] = _missing(seen)
    found.relay_lag_s = longest_wait(OutboxEvent.objects.filter(published_at=None), "created_at")
    if found.relay_lag_s > settings.RELAY_LAG_LIMIT_SECONDS:
        found.problems["outbox"] = (
            f"The oldest unpublished event has waited {spoken(found.relay_lag_s)}: the relay does not keep up."
        )
    waits = {name: import_string(path)() for name, path in _due.items()}
    found.oldest_due_s = max(waits.values(), default=0.0)
    if late := {name: wait for name, wait in waits.items() if wait > settings.DUE_LIMIT_SECONDS}:
        listed = " and ".join(f"{name} (up to {spoken(wait)})" for name, wait in late.items())
        found.problems["due_work"] = f"Due work waits and nobody does it: {listed}."


def _missing(seen: Seen) -> str:
    if seen.last_beat_s is None:
        return "No process runs this role."
    return f"No process runs this role; it was last seen {spoken(seen.last_beat_s)} ago."


def longest_wait(rows: models.QuerySet[Any], since: Any) -> float:
    """Seconds since the earliest `since` (a column or expression) of these rows, by the database's clock; 0 without."""
    age = models.ExpressionWrapper(Now() - Min(since), output_field=models.DurationField())
    found: timedelta | None = rows.aggregate(age=age)["age"]
    return max(0.0, round(found.total_seconds(), 1)) if found else 0.0


def roles_seen() -> dict[str, Seen]:
    """Every role, and which processes run it."""
    age = models.ExpressionWrapper(Now() - Max("beat_at"), output_field=models.DurationField())
    fresh = Count("pk", filter=Q(beat_at__gt=Now() - Heartbeat.FRESH))
    rows = Heartbeat.objects.values_list("role").annotate(instances=fresh, age=age)
    seen = {role: Seen(instances=n, last_beat_s=round(old.total_seconds(), 1)) for role, n, old in rows}
    return {role: seen.get(role, Seen()) for role in ROLES}


def forget_old_roles() -> None:
    """Timed job: every process that ever ran has left a row."""
    Heartbeat.objects.filter(beat_at__lt=Now() - FORGET_ROLES_AFTER).delete()


def spoken(seconds: float) -> str:
    """A span of time as people say it."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


class Remembered:
    """The answer of a question that costs a connection, kept for some seconds however many ask. '' is a good one."""

    GOOD_SECONDS, BAD_SECONDS = 5.0, 1.0  # a part that comes back is seen soon

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._about: object = None
        self._until = 0.0
        self._said = ""

    def __call__(self, about: object) -> str:
        """What `ask` says about `about`, now or some seconds ago; who comes meanwhile waits for the same answer."""
        with self._lock:
            if about != self._about or time.monotonic() >= self._until:
                self._said = self._ask()
                self._about = about
                self._until = time.monotonic() + (self.BAD_SECONDS if self._said else self.GOOD_SECONDS)
            return self._said


def _ask_broker() -> str:
    from fte_project.kafka import BROKER_ERRORS, bootstrap, missing_topics

    try:
        bootstrap()
    except RuntimeError as error:
        return str(error)
    try:
        missing = missing_topics()
    except ValueError:
        return "KAFKA_BOOTSTRAP_SERVERS is not a list of host:port."
    except BROKER_ERRORS as error:
        log.warning("readiness_without_broker", error=error)
        return "The Kafka broker does not answer."
    return f"The broker has no topic {' and no '.join(missing)}: a running relay makes it." if missing else ""


_broker = Remembered(_ask_broker)


def broker_problem() -> str:
    """What is wrong with the broker or its topics, at most some seconds ago; '' when nothing is."""
    return _broker((settings.KAFKA_BOOTSTRAP_SERVERS, settings.KAFKA_TOPIC_PREFIX))
