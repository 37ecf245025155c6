"""`manage.py demo`: one instance per folder, and nothing is left of it."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from fte_project.embedded import DATABASE_NAME, Postgres, buffers, read_instance
from tests.processes import BASE, wait_for
from tests.services import starting_postgres


def local(state: Path) -> dict[str, str]:
    """The environment of commands for an instance in its own folder, with services of its own."""
    drop = {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "FTE_MODE", "EMAIL_URL", "GMAIL_ADDRESS"}
    env = {k: v for k, v in os.environ.items() if k not in drop}
    return env | {"FTE_STATE_DIR": str(state), "FTE_MODE": "local", "FTE_PORT": "0"}


def demo(state: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "manage.py", "demo", *arguments]
    return subprocess.Popen(command, cwd=BASE, env=local(state), stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def swept_folder() -> Iterator[Path]:
    """A folder for an instance, of which nothing is left at the end."""
    with tempfile.TemporaryDirectory(prefix="fte-i-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
        for pid in pids(Path(folder)):
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        Postgres(Path(folder)).stop()


@pytest.fixture
def state() -> Iterator[Path]:
    with swept_folder() as folder:
        yield folder


def pids(state: Path) -> list[int]:
    found = read_instance(state)
    return [found["pid"], *found["children"].values()] if found else []


def is_alive(pid: int) -> bool:
    """Running; a dead process that nobody has reaped yet (an init that does not) is not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def is_ready(state: Path) -> bool:
    base = read_instance(state).get("base_url")
    with contextlib.suppress(requests.RequestException):
        return bool(base) and requests.get(f"{base}/readyz", timeout=5).ok
    return False


def test_the_demo_stops_everything_on_ctrl_c_and_a_second_one_beside_it_changes_nothing(state: Path) -> None:
    first = demo(state, "--empty")
    wait_for(lambda: is_ready(state), 90)
    started = [*pids(state), Postgres(state).pid()]
    second = demo(state, "--empty")
    assert second.wait(30) == 1
    assert is_ready(state)

    first.send_signal(signal.SIGINT)
    assert first.wait(40) == 0
    assert read_instance(state) == {}
    assert not [pid for pid in started if pid and is_alive(pid)]


def test_three_that_come_at_once_start_one_database_with_room_for_its_pages(state: Path) -> None:
    starting = [subprocess.Popen(starting_postgres(state), cwd=BASE) for _ in range(3)]
    assert [process.wait(60) for process in starting] == [0, 0, 0]
    with psycopg.connect(f"host={state / 'pg'} user=postgres dbname={DATABASE_NAME}") as db:
        row = db.execute("SELECT setting FROM pg_settings WHERE name = 'shared_buffers'").fetchone()
    assert row == (str(buffers()),)


def test_a_demo_that_was_killed_is_swept_away_by_the_next_one(state: Path) -> None:
    first = demo(state, "--empty")
    wait_for(lambda: is_ready(state), 90)
    left_behind = list(read_instance(state)["children"].values())
    first.kill()
    first.wait()

    again = demo(state, "--empty")
    wait_for(lambda: is_ready(state) and read_instance(state).get("pid") == again.pid, 90)
    assert not [pid for pid in left_behind if is_alive(pid)]
    again.send_signal(signal.SIGINT)
    assert again.wait(40) == 0
