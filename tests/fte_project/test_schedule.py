"""Timed jobs: due once, run once, and never in each other's way."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.db.models.functions import Now
from django.utils import timezone

from fte_project import schedule
from fte_project.models import TimedJob, TimedJobQuerySet
from tests.concurrency import at_once, real_commits

HOUR = timedelta(hours=1)
ran: list[str] = []
inside = threading.Event()
go_on = threading.Event()
finished = threading.Event()


def works() -> None:
    ran.append("works")
    finished.set()


def fails() -> None:
    ran.append("fails")
    raise RuntimeError("this job is broken")


def is_slow() -> None:
    ran.append("is_slow")
    inside.set()
    assert go_on.wait(20)


@pytest.fixture(autouse=True)
def _only_these_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_jobs", {})
    ran.clear()
    for event in (inside, go_on, finished):
        event.clear()


def planned(*names: str) -> None:
    for name in names:
        schedule.register(name, f"{__name__}.{name}", every=HOUR)
    schedule._plan()


def run(name: str) -> bool:
    return async_to_sync(schedule.run_job)(name)


@pytest.mark.django_db
def test_a_due_job_runs_and_is_due_again_after_its_time() -> None:
    planned("works")
    assert run("works")
    job = TimedJob.objects.get(pk="works")
    assert HOUR - timedelta(seconds=20) < job.due_at - timezone.now() <= HOUR
    assert job.last_run_at is not None
    assert (job.last_error, job.lease_token, job.lease_expires_at) == ("", None, None)
    assert not run("works"), "it is not due yet"
    assert ran == ["works"]


@pytest.mark.django_db
def test_planning_again_keeps_what_is_known() -> None:
    planned("works")
    TimedJob.objects.update(due_at=Now() + HOUR, last_error="x")
    schedule._plan()
    assert TimedJob.objects.get().last_error == "x"
    assert schedule._due() == []


@pytest.mark.django_db
def test_a_job_can_run_for_years() -> None:
    """Tries are counted in a small column; a job that only ever counts up stops after 32,767 runs."""
    planned("works")
    TimedJob.objects.update(attempts=32_766)
    assert run("works")
    assert TimedJob.objects.get().attempts == 0


@pytest.mark.django_db
def test_a_failing_job_records_its_error_and_forgets_it_when_it_works() -> None:
    planned("fails")
    assert run("fails")
    job = TimedJob.objects.get()
    assert "this job is broken" in job.last_error
    assert job.lease_token is None
    schedule.register("fails", f"{__name__}.works", every=HOUR)
    TimedJob.objects.update(due_at=Now())
    assert run("fails")
    assert TimedJob.objects.get().last_error == ""


@pytest.mark.django_db
def test_a_job_whose_code_is_gone_is_an_error_on_its_row() -> None:
    schedule.register("gone", "knowledge.nothing.here", every=HOUR)
    schedule._plan()
    assert run("gone")
    assert "ModuleNotFoundError" in TimedJob.objects.get().last_error


@pytest.mark.django_db
def test_jobs_of_another_release_are_left_alone() -> None:
    planned("works")
    TimedJob.objects.create(name="from the future")
    assert schedule._due() == ["works"]


@real_commits
def test_of_runners_at_once_one_runs_the_job() -> None:
    planned("works")
    results = at_once(5, lambda _: run("works"))
    assert sorted(results) == [False, False, False, False, True]
    assert ran == ["works"]


@real_commits
def test_a_job_that_is_still_running_does_not_begin_again_when_it_is_due() -> None:
    planned("is_slow")

    def act(number: int) -> bool:
        if number == 0:
            return run("is_slow")
        assert inside.wait(20)
        TimedJob.objects.update(due_at=Now())
        try:
            return run("is_slow")
        finally:
            go_on.set()

    assert at_once(2, act) == [True, False]
    assert ran == ["is_slow"]


@real_commits
def test_the_role_goes_on_after_a_failing_job() -> None:
    planned("fails", "works")

    async def flow() -> None:
        stop = asyncio.Event()
        role = asyncio.create_task(schedule.run_schedule(stop))
        await asyncio.to_thread(finished.wait, 20)
        stop.set()
        await asyncio.wait_for(role, 20)

    async_to_sync(flow)()
    assert sorted(ran) == ["fails", "works"]
    assert set(TimedJob.objects.filter(last_error="").values_list("name", flat=True)) == {"works"}


@real_commits
def test_a_job_that_is_wanted_soon_wakes_the_role() -> None:
    planned("works")
    TimedJob.objects.update(due_at=Now() + HOUR)

    async def flow() -> None:
        stop = asyncio.Event()
        role = asyncio.create_task(schedule.run_schedule(stop))
        await asyncio.to_thread(schedule.run_soon, "works")
        await asyncio.to_thread(finished.wait, 20)
        stop.set()
        await asyncio.wait_for(role, 20)

    async_to_sync(flow)()
    assert ran == ["works"]


@pytest.mark.django_db
def test_a_job_is_given_back_as_soon_as_a_database_that_was_away_is_there_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the mailbox, for one, would not be read until the lease has run out."""
    planned("works")
    real, away = TimedJobQuerySet.update, iter([True, True])

    def update(self: TimedJobQuerySet, **values: Any) -> int:
        if "last_run_at" in values and next(away, False):
            raise OperationalError("the server is starting up")
        return real(self, **values)

    monkeypatch.setattr("fte_project.db.RETRY_SECONDS", 0.01)
    monkeypatch.setattr(TimedJobQuerySet, "update", update)
    assert run("works")
    job = TimedJob.objects.get()
    assert (job.lease_token, job.last_error) == (None, "")
