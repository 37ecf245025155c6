"""Timed work is rows with a due time, claimed by lease: any number of schedulers may run. No Kafka needed."""

import asyncio
import threading
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from asgiref.sync import ThreadSensitiveContext
from django.db import DatabaseError
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from fte_project.db import FREE, LeaseLost, aside, held_lease, insist, unit_of_work
from fte_project.models import TimedJob
from fte_project.notify import listening, notify

log = structlog.get_logger()
SCHEDULE_BELL = "fte_schedule"
POLL_SECONDS = 1.0
# Set while the role ends: what a job waits for longer than some seconds, it breaks off then.
stopping = threading.Event()


@dataclass(frozen=True, kw_only=True)
class Job:
    """`path` names a plain function without arguments; it may be called again at any time."""

    name: str
    path: str
    every: timedelta


_jobs: dict[str, Job] = {}


def register(name: str, path: str, *, every: timedelta) -> None:
    """Called from AppConfig.ready by the app that owns the job."""
    _jobs[name] = Job(name=name, path=path, every=every)


def run_soon(name: str) -> None:
    """Make the job due now and wake the scheduler, when the current transaction commits."""
    TimedJob.objects.filter(pk=name).update(due_at=Now())
    notify(SCHEDULE_BELL)


def _plan() -> None:
    TimedJob.objects.bulk_create([TimedJob(name=name) for name in _jobs], ignore_conflicts=True)


def _due() -> list[str]:
    return list(TimedJob.objects.due().filter(name__in=_jobs).values_list("pk", flat=True))


async def run_job(name: str) -> bool:
    """Run the job now if it is due and free; whether it ran. An error is recorded on the row, never raised."""
    job = _jobs[name]
    token = await unit_of_work(TimedJob.objects.due().take)(name, due_at=Now() + job.every)
    if token is None:
        return False
    error = ""
    try:
        async with held_lease(lambda: aside(TimedJob.objects.all().renew)(name, token)):
            await unit_of_work(import_string(job.path))()
    except LeaseLost:
        return False
    except Exception as caught:
        # One broken job must not stop the others; the row and the log carry the reason.
        log.exception("job_failed", job=name)
        error = repr(caught)[:2000]
    # Not given back, it would be nobody's until its lease has run out.
    await insist(unit_of_work(_give_back), name, token, error)
    return True


def _give_back(name: str, token: UUID, error: str) -> None:
    held = TimedJob.objects.filter(pk=name, lease_token=token)
    held.update(attempts=0, last_run_at=Now(), last_error=error, **FREE)


async def _run_alone(name: str) -> None:
    try:
        async with ThreadSensitiveContext():
            await run_job(name)
    except DatabaseError as error:
        log.warning("job_waits_for_database", job=name, error=error)


async def run_schedule(stop: asyncio.Event) -> None:
    """The schedule role: run what is due, one job beside the other, until told to stop."""
    running: dict[str, asyncio.Task[None]] = {}
    is_planned = False
    stopping.clear()
    async with listening(SCHEDULE_BELL) as bell:
        while not stop.is_set():
            running = {name: task for name, task in running.items() if not task.done()}
            try:
                if not is_planned:
                    await unit_of_work(_plan)()
                    is_planned = True
                for name in await unit_of_work(_due)():
                    if name not in running:
                        running[name] = asyncio.create_task(_run_alone(name))
            except DatabaseError as error:
                log.warning("schedule_waits_for_database", error=error)
            await bell.wait(POLL_SECONDS)
    stopping.set()
    await asyncio.gather(*running.values())
