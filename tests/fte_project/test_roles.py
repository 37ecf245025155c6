"""Roles in a process: they say that they live, stop when told to, and a broken one ends the process."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from fte_project import health, roles
from fte_project.models import Heartbeat
from tests.concurrency import real_commits
from tests.processes import BASE, Processes, processes

__all__ = ["processes"]

said: list[str] = []


@pytest.fixture(autouse=True)
def _own_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    said.clear()
    monkeypatch.setattr(roles, "_roles", dict(roles._roles))
    for name in ("waits", "asks_to_stop", "ends", "fails", "hangs"):
        roles.register(name, f"{__name__}.{name}")


async def waits(stop: asyncio.Event) -> None:
    await stop.wait()
    said.append("stopped")


async def asks_to_stop(stop: asyncio.Event) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await stop.wait()


async def ends(stop: asyncio.Event) -> None:
    return


async def fails(stop: asyncio.Event) -> None:
    raise RuntimeError("broken")


async def blocks(stop: asyncio.Event) -> None:
    await asyncio.sleep(0)
    threading.Event().wait(60)  # the loop stands still


async def hangs(stop: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        said.append("cancelled")


def test_the_product_has_four_roles_for_workers() -> None:
    assert {"relay", "agent", "delivery", "schedule"} <= set(roles.names())


def test_an_unknown_role_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"No such role: nonsense. There are: .*relay"):
        roles.run(["relay", "nonsense"])


@real_commits
def test_roles_stop_when_the_process_is_told_to() -> None:
    assert roles.run(["waits", "asks_to_stop"]) == 0
    assert said == ["stopped"]


@real_commits
@pytest.mark.parametrize("broken", ["ends", "fails"])
def test_a_role_that_ends_by_itself_ends_the_process_with_an_error(broken: str) -> None:
    assert roles.run(["waits", broken]) == 1
    assert said == ["stopped"], "the others get their time"


async def breaks_beside_one_that_hangs(stop: asyncio.Event) -> None:
    await roles.together(stop, hangs(stop), fails(stop))


@real_commits
def test_a_part_that_breaks_ends_the_process_with_an_error_whatever_the_others_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(roles, "GRACE_SECONDS", 0.05)
    roles.register("half", f"{__name__}.breaks_beside_one_that_hangs")
    assert roles.run(["half"]) == 1
    assert said == ["cancelled"]


@real_commits
def test_a_role_that_does_not_stop_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "GRACE_SECONDS", 0.05)
    assert roles.run(["hangs", "asks_to_stop"]) == 0
    assert said == ["cancelled"]


def test_when_a_part_of_a_role_breaks_the_others_finish_before_its_error_is_raised() -> None:
    async def test() -> None:
        stop = asyncio.Event()
        with pytest.raises(RuntimeError, match="broken"):
            await roles.together(stop, waits(stop), fails(stop), waits(stop))

    asyncio.run(test())
    assert said == ["stopped", "stopped"]


def test_a_role_that_is_cancelled_takes_its_parts_along() -> None:
    async def test() -> None:
        role = asyncio.create_task(roles.together(asyncio.Event(), hangs(asyncio.Event()), hangs(asyncio.Event())))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        role.cancel()
        await asyncio.gather(role, return_exceptions=True)

    asyncio.run(test())
    assert said == ["cancelled", "cancelled"]


@pytest.mark.django_db
def test_a_beat_is_one_row_per_process_that_stays_fresh() -> None:
    roles.beat("agent")
    Heartbeat.objects.update(beat_at=Now() - timedelta(minutes=5))
    assert health.roles_seen()["agent"].instances == 0
    roles.beat("agent")
    assert Heartbeat.objects.count() == 1
    assert health.roles_seen()["agent"].instances == 1


def test_b9_a_process_whose_loop_stands_still_ends_itself(processes: Processes) -> None:
    run = "import django, sys; django.setup(); from fte_project import roles; "
    run += f"roles.register('blocks', '{__name__}.blocks'); sys.exit(roles.run(['blocks']))"
    env = {**processes.env, "LOOP_STUCK_SECONDS": "3", "DJANGO_SETTINGS_MODULE": "fte_project.settings"}
    done = subprocess.run([sys.executable, "-c", run], cwd=BASE, env=env, capture_output=True, timeout=40, check=False)
    assert done.returncode == roles.EXIT_STUCK, done.stderr
    assert b"in blocks" in done.stderr, "where it stood is in the log"
