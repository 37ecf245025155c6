"""What does not work here, and what to do about it: every part of the installation in one sentence each."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.core import checks as django_checks
from django.db import Error, connection
from django.utils.module_loading import import_string

from fte_project import embedded, health
from fte_project.health import Finding, Readiness, State

CONNECT_SECONDS = 3
OLDEST_POSTGRES = 15
DISK_BYTES = 512 * 1024 * 1024
NOT_KNOWN = "Not known until the database works."


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the installation, how it is, and one sentence, without secrets."""

    name: str
    state: State
    message: str


def examine() -> Iterator[Part]:
    """Every part, the ones that others stand on first. A part that breaks is a finding, never an exception."""
    yield _part("settings", settings_are_right)
    database = _part("database", database_answers)
    yield database
    yield _part("broker", broker_answers)
    is_there = database.state == State.OK
    yield from _work(health.look() if is_there else None)
    for check in health.checks():
        if check.needs_database and not is_there:
            yield Part(name=check.name, state=State.FAILED, message=NOT_KNOWN)
        else:
            yield _part(check.name, import_string(check.path), needs_database=check.needs_database)
    yield _part("media_folder", media_can_be_stored)
    yield _part("disk", disk_has_room)


def _part(name: str, find: Callable[[], Finding], *, needs_database: bool = False) -> Part:
    try:
        with health.short_transaction() if needs_database else nullcontext():
            state, message = find()
    except Error:
        state, message = State.FAILED, NOT_KNOWN
    except Exception as error:  # its text may hold anything, also secrets
        state, message = State.FAILED, f"It could not be examined: {type(error).__name__}."
    return Part(name=name, state=state, message=message)


def settings_are_right() -> Finding:
    """Django's system checks and ours; in production those for deployment too."""
    found = django_checks.run_checks(include_deployment_checks=settings.PRODUCTION)
    serious = [m for m in found if m.level >= django_checks.WARNING and not m.is_silenced()]
    if serious:
        first = " ".join(f"{serious[0].id}: {serious[0].msg} {serious[0].hint or ''}".split())
        others = ", ".join(str(m.id) for m in serious[1:])
        return State.FAILED, first + (f" And {others}: run manage.py check --deploy." if others else "")
    return State.OK, f"FTE_MODE={settings.MODE}."


def database_answers() -> Finding:
    """PostgreSQL with pgvector in a version that we can use, that lets us write, with every migration applied."""
    try:
        # Past the pool, which would only say that it waited in vain.
        parameters = {**connection.get_connection_params(), "connect_timeout": CONNECT_SECONDS}
        with psycopg.connect(**parameters) as server:
            version = server.info.server_version
            row = server.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    except psycopg.Error as error:
        return State.FAILED, f"PostgreSQL does not answer ({_reason(error)}). {_where_is_the_database()}"
    if version < OLDEST_POSTGRES * 10_000:
        return State.FAILED, f"PostgreSQL {version // 10_000} is too old: {OLDEST_POSTGRES} or newer is needed."
    try:
        with health.short_transaction() as only_reads:
            if row is None or health.migrations_are_missing():
                return State.FAILED, "Migrations are missing: run manage.py migrate."
    except Error:
        return State.FAILED, "PostgreSQL answers, but nothing can be asked through DATABASE_URL."
    if only_reads:
        return State.FAILED, "It only lets us read: a standby, or default_transaction_read_only is on."
    return State.OK, f"PostgreSQL {version // 10_000}.{version % 10_000}, pgvector {row[0]}, every migration applied."


def _reason(error: psycopg.Error) -> str:
    first = " ".join(str(error).partition("\n")[0].split())
    return first.rpartition("failed: ")[2].rstrip(".") or type(error).__name__


def _where_is_the_database() -> str:
    if connection.settings_dict["HOST"] == embedded.database_settings(settings.STATE_DIR)["HOST"]:
        return "Start an instance with `make demo`, or set DATABASE_URL."
    return "Check DATABASE_URL, and that the server runs."


def broker_answers() -> Finding:
    """The broker can be reached and has the eight topics."""
    said = health.broker_problem()
    return (State.FAILED, said) if said else (State.OK, f"{settings.KAFKA_BOOTSTRAP_SERVERS} has the eight topics.")


def _work(ready: Readiness | None) -> Iterator[Part]:
    """The roles and the queues between them, as readiness sees them."""
    if ready is None or ready.roles is None:
        for name in (*health.ROLES, "outbox", "due_work"):
            yield Part(name=name, state=State.FAILED, message=NOT_KNOWN)
        return
    fine = {
        role: f"{seen.instances} running, the last beat {health.spoken(seen.last_beat_s or 0)} ago."
        for role, seen in ready.roles.items()
    }
    fine["outbox"] = _waits("The oldest unpublished event", ready.relay_lag_s)
    fine["due_work"] = _waits("The oldest due work", ready.oldest_due_s)
    for name, message in fine.items():
        said = ready.problems.get(name)
        yield Part(name=name, state=State.FAILED if said else State.OK, message=said or message)


def _waits(what: str, seconds: float | None) -> str:
    return f"{what} has waited {health.spoken(seconds)}." if seconds else "Nothing waits."


def media_can_be_stored() -> Finding:
    """A file can be written where attachments go, or where their folder will be made."""
    root = Path(settings.MEDIA_ROOT)
    folder = _there(root)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
    except OSError as error:
        return State.FAILED, f"Nothing can be stored in {root} ({error.strerror}): check MEDIA_ROOT and its owner."
    return State.OK, str(root) if folder == root else f"{root} will be made with the first attachment."


def disk_has_room() -> Finding:
    """Space for attachments, and for the embedded database and the logs where those live on this machine."""
    free, folder = min((shutil.disk_usage(_there(p)).free, p) for p in (Path(settings.MEDIA_ROOT), settings.STATE_DIR))
    said = f"{free / 1024**3:.1f} GB free for {folder}."
    return (State.OK if free >= DISK_BYTES else State.FAILED), said


def _there(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(p for p in (path, *path.absolute().parents) if p.exists())
