"""The form while its PostgreSQL is dead, only reads, or is back: a real web server over a server of its own."""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from fte_project.embedded import Postgres, free_port
from tests.factories import fields
from tests.processes import BASE, wait_for
from tests.services import kill_postgres, start_postgres

Post = Callable[[], requests.Response]


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fte-d-", ignore_cleanup_errors=True) as folder:
        start_postgres(Path(folder))
        yield Path(folder)
        kill_postgres(Path(folder))


@pytest.fixture(scope="module")
def url(state: Path) -> Iterator[str]:
    """A web server that meets the database through its pool, as in production."""
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    env |= {"FTE_MODE": "local", "FTE_STATE_DIR": str(state)}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=BASE, env=env, check=True)
    port = free_port()
    command = ["-m", "uvicorn", "fte_project.asgi:application", "--port", str(port), "--log-level", "warning"]
    with (state / "web.log").open("wb") as log:
        web = subprocess.Popen([sys.executable, *command], cwd=BASE, env=env, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(base))
        yield f"{base}/api/support/submit"
    finally:
        web.terminate()
        web.wait(20)


def answers(base: str) -> bool:
    try:
        return requests.get(f"{base}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def post(url: str) -> Post:
    """The same message, again and again."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return lambda: requests.post(url, json=fields(), headers=key, timeout=20)


def stored(state: Path) -> int:
    with psycopg.connect(f"host={state / 'pg'} user=postgres dbname=fte") as db:
        row = db.execute("SELECT count(*) FROM tickets_message").fetchone()
        assert row is not None
        return int(row[0])


def refuses_in_time(post: Post) -> None:
    began = time.monotonic()
    answer = post()
    assert (answer.status_code, time.monotonic() - began < 2) == (503, True), answer.text
    assert "try again" in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) > 0


def test_a3_a_post_hears_within_two_seconds_that_the_database_is_down_and_is_stored_once_when_it_is_back(
    state: Path, post: Post
) -> None:
    before = stored(state)
    kill_postgres(state)
    refuses_in_time(post)
    refuses_in_time(post)
    assert Postgres(state).pid() is None
    start_postgres(state)
    wait_for(lambda: post().status_code == 201)
    assert post().status_code == 201
    assert stored(state) == before + 1


def test_b16_a_database_that_only_reads_acknowledges_nothing(state: Path, post: Post) -> None:
    before = stored(state)
    only_reads(state, "on")
    wait_for(lambda: post().status_code == 503)  # the server has read its settings again
    refuses_in_time(post)
    only_reads(state, "off")
    wait_for(lambda: post().status_code == 201)
    assert stored(state) == before + 1


def only_reads(state: Path, value: str) -> None:
    with psycopg.connect(f"host={state / 'pg'} user=postgres dbname=fte", autocommit=True) as db:
        db.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        db.execute("SELECT pg_reload_conf()")
