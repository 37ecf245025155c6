"""The form while its PostgreSQL is dead, full, only reads, or is back: a web server over a database of its own."""

import contextlib
import json
import os
import re
import signal
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
from fte_project.instance import RAISED_LIMITS
from tests.factories import fields
from tests.fakes.gmail import FaultyGmail, gmail_server, gmail_settings
from tests.fakes.google import ACCOUNT
from tests.processes import BASE, wait_for
from tests.services import kill_postgres, start_postgres

Post = Callable[[], requests.Response]
OURS = "support@tidewater.example"


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fte-d-", ignore_cleanup_errors=True) as folder:
        start_postgres(Path(folder))
        yield Path(folder)
        kill_postgres(Path(folder))


@pytest.fixture(autouse=True)
def _alive_for_the_next(state: Path) -> Iterator[None]:
    yield
    if Postgres(state).pid() is None:
        start_postgres(state)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def gmail(port: int) -> Iterator[FaultyGmail]:
    """A Gmail that pushes to the web server."""
    with gmail_server(OURS, push_to=(f"http://127.0.0.1:{port}/api/webhooks/gmail", ACCOUNT)) as server:
        server.mailboxes[OURS].watch()
        yield server


@pytest.fixture(scope="module")
def url(state: Path, port: int, gmail: FaultyGmail) -> Iterator[str]:
    """A web server that meets the database through its pool, as in production."""
    env = local(state) | gmail_settings(gmail)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=BASE, env=env, check=True)
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


def local(state: Path) -> dict[str, str]:
    """The environment of a local instance in this folder."""
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    return {**env, **RAISED_LIMITS, "FTE_MODE": "local", "FTE_STATE_DIR": str(state)}


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
    with connected(state) as db:
        return messages(db)


def connected(state: Path) -> psycopg.Connection:
    return psycopg.connect(f"host={state / 'pg'} user=postgres dbname=fte", autocommit=True)


def messages(db: psycopg.Connection) -> int:
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


def test_a3_a_push_that_finds_no_database_comes_again_and_rings_when_it_is_back(
    state: Path, url: str, gmail: FaultyGmail
) -> None:
    env = local(state) | gmail_settings(gmail)
    subprocess.run([sys.executable, "manage.py", "sync_gmail"], cwd=BASE, env=env, check=True, capture_output=True)
    with connected(state) as db:
        db.execute("UPDATE channels_app_gmailmailbox SET dirty_at = now() - interval '1 hour'")
    assert gmail.pushes is not None
    kill_postgres(state)
    stored = gmail.mailboxes[OURS].receive(b"Subject: Hello\n\nHello")
    push = next(push for push in gmail.pushes.log if push.history_id == stored.history_id)
    wait_for(lambda: push.tries >= 2)
    assert push.answered_at is None
    start_postgres(state)
    wait_for(lambda: push.answered_at)
    with connected(state) as db:
        row = db.execute("SELECT dirty_at > now() - interval '1 minute' FROM channels_app_gmailmailbox").fetchone()
    assert row == (True,)


def test_a3_pages_say_that_nothing_is_stored_and_give_back_what_was_typed(state: Path, url: str) -> None:
    base = url.removesuffix("/api/support/submit")
    form, browser = f"{base}/support/", requests.Session()
    page = browser.get(form, timeout=20)
    token = requests.post(url, json=fields(), timeout=20).json()["token"]
    status = f"{base}/support/t/{token}"
    before = stored(state)
    kill_postgres(state)
    typed = {**fields(), "key": "k", "csrfmiddlewaretoken": hidden(page.text, "csrfmiddlewaretoken")}
    for address in (form, status, f"{base}/admin/login/"):
        answer = browser.post(address, data={**typed, "username": "x", "password": "secret words"}, timeout=20)
        assert answer.status_code == 503, address
        assert int(answer.headers["Retry-After"]) > 0
        assert typed["message"] in answer.text
        assert "secret words" not in answer.text
    assert browser.get(status, timeout=20).status_code == 503
    answer = browser.post(status, data={**typed, "message": "And another thing."}, timeout=20)
    assert (hidden(answer.text, "key"), "And another thing." in answer.text) == ("k", True), "once more, and only once"
    answer = browser.post(form, data=typed, timeout=20)
    assert hidden(answer.text, "key") == "k", "it may be stored under it already"
    start_postgres(state)
    wait_for(lambda: browser.post(form, data=typed, allow_redirects=False, timeout=20).status_code == 302)
    assert stored(state) == before + 1


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def test_b16_a_database_that_only_reads_acknowledges_nothing(state: Path, post: Post) -> None:
    before = stored(state)
    only_reads(state, "on")
    wait_for(lambda: post().status_code == 503)  # the server has read its settings again
    refuses_in_time(post)
    only_reads(state, "off")
    wait_for(lambda: post().status_code == 201)
    assert stored(state) == before + 1


def only_reads(state: Path, value: str) -> None:
    with connected(state) as db:
        db.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        db.execute("SELECT pg_reload_conf()")


def test_b16_a_database_without_a_free_connection_acknowledges_nothing(state: Path, post: Post) -> None:
    before = stored(state)
    with few_connections(state) as held:
        refuses_in_time(post)
        refuses_in_time(post)
        assert messages(held[0]) == before
        for connection in held[1:]:
            connection.close()
        wait_for(lambda: post().status_code == 201)
        assert post().status_code == 201
        assert messages(held[0]) == before + 1


@contextlib.contextmanager
def few_connections(state: Path) -> Iterator[list[psycopg.Connection]]:
    """A server that lets in six, all of them ours."""
    with connected(state) as db:
        db.execute("ALTER SYSTEM SET max_connections = 6")
    kill_postgres(state)
    start_postgres(state)
    held: list[psycopg.Connection] = []
    try:
        wait_for(lambda: takes_all(state, held))
        yield held
    finally:
        for connection in held:
            connection.close()
        with wait_for(lambda: let_in(state)) as db:
            db.execute("ALTER SYSTEM RESET max_connections")
        kill_postgres(state)
        start_postgres(state)


def takes_all(state: Path, held: list[psycopg.Connection]) -> bool:
    """Whether every connection is ours. Those of others (the web server's pool) are cut, so that we are next."""
    while one := let_in(state):
        held.append(one)
    ours = [one.info.backend_pid for one in held]
    others = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> ALL(%s)"
    return not held[0].execute(f"SELECT pg_terminate_backend(pid) FROM ({others})", [ours]).fetchall()


def let_in(state: Path) -> psycopg.Connection | None:
    with contextlib.suppress(psycopg.OperationalError):
        return connected(state)
    return None


def test_b16_a_full_disk_acknowledges_nothing_and_loses_nothing(state: Path, url: str, post: Post) -> None:
    before = stored(state)
    with small_disk(state) as disk:
        accepted = 0
        while requests.post(url, json=fields(), timeout=20).status_code == 201:  # what its last page still holds
            accepted += 1
            assert accepted < 100
        refuses_in_time(post)
        assert stored(state) == before + accepted
        (disk / "filler").unlink()
        wait_for(lambda: post().status_code == 201)
        assert post().status_code == 201
        assert stored(state) == before + accepted + 1


@contextlib.contextmanager
def small_disk(state: Path) -> Iterator[Path]:
    """The messages on a disk of their own, which a `filler` fills up. Skips where nothing can be mounted."""
    folder = state / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("This user may not mount a small disk.")
    try:
        with messages_at(state, folder / "messages"):
            with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
                while filler.write(bytes(4096)):
                    pass
            try:
                yield folder
            finally:
                (folder / "filler").unlink(missing_ok=True)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def messages_at(state: Path, place: Path) -> Iterator[None]:
    """The table of the messages in this folder."""
    place.mkdir()
    owner = (state / "pg").stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    with connected(state) as db:
        db.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        db.execute("ALTER TABLE tickets_message SET TABLESPACE small")
    try:
        yield
    finally:
        with connected(state) as db:
            db.execute("ALTER TABLE tickets_message SET TABLESPACE pg_default")
            db.execute("DROP TABLESPACE small")


def test_a3_after_an_outage_posts_do_not_wait_for_a_pool_whose_tries_become_rare(state: Path, post: Post) -> None:
    kill_postgres(state)
    until = time.monotonic() + 8  # of waits that double, the next would end seven seconds later
    wait_for(lambda: post().status_code != 503 or time.monotonic() > until)
    start_postgres(state)
    began = time.monotonic()
    wait_for(lambda: post().status_code == 201)
    assert time.monotonic() - began < 3


def test_g6_ready_says_that_the_database_is_down_and_a_web_process_beats_again_afterwards(
    state: Path, url: str
) -> None:
    base = url.removesuffix("/api/support/submit")
    wait_for(lambda: beats(state))
    kill_postgres(state)
    for part in ("", "?part=web"):
        answer = requests.get(f"{base}/readyz{part}", timeout=5)
        assert answer.status_code == 503
        assert answer.json()["problems"]["database"] == "The database does not answer."
    assert requests.get(f"{base}/healthz", timeout=5).json() == {"ok": True}
    start_postgres(state)
    with connected(state) as db:
        db.execute("DELETE FROM frame_heartbeat")
    wait_for(lambda: beats(state))
    wait_for(lambda: requests.get(f"{base}/readyz?part=web", timeout=5).ok)


def beats(state: Path) -> bool:
    with connected(state) as db:
        return db.execute("SELECT FROM frame_heartbeat WHERE role = 'web'").fetchone() is not None


def test_g6_doctor_does_not_wait_for_a_database_that_is_frozen(state: Path) -> None:
    pid = Postgres(state).pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor", "--json"],
            cwd=BASE,
            env=local(state),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    finally:
        os.kill(pid, signal.SIGCONT)
    parts = {part["name"]: part for part in json.loads(done.stdout.splitlines()[-1])["parts"]}
    assert done.returncode == 1
    assert parts["database"]["state"] == "failed"
    assert "Start an instance with `make demo`, or set DATABASE_URL." in parts["database"]["message"]
