"""Real PostgreSQL and a real broker for the tests: a pytest plugin, and a wrapper for one command.

As a plugin (`-p tests.services`) the process that was started first runs the services; pytest-xdist's workers inherit
their addresses through the environment. FTE_TEST_KAFKA=apache makes the broker a real
Apache Kafka. As `python -m tests.services COMMAND …` it runs COMMAND with a database.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from fte_project.embedded import Broker, Postgres, free_port
from tests.apache_kafka import ApacheKafka

BASE = Path(__file__).parent.parent


def kill_postgres(state: Path) -> None:
    """SIGKILL the server of this state folder with everything below it.

    It is stopped before its children are counted: one that it forked after the count would live on, wait for ever for
    a lock whose holder is dead, and hold the shared memory that a new server must have for itself.
    """
    pid = Postgres(state).pid()
    assert pid is not None
    postmaster = psutil.Process(pid)
    postmaster.suspend()
    deadline = time.monotonic() + 5
    while postmaster.status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
        time.sleep(0.001)
    victims = [postmaster, *postmaster.children(recursive=True)]
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    psutil.wait_procs(victims, timeout=5)


def start_postgres(state: Path) -> None:
    """Start it (again), from a process of its own: the package keeps the handle of a server that is gone."""
    subprocess.run(starting_postgres(state), cwd=BASE, check=True)


def starting_postgres(state: Path) -> list[str]:
    """The command of a process that starts it, and comes back when it runs."""
    start = "import sys; from pathlib import Path; from fte_project.embedded import Postgres; "
    return [sys.executable, "-c", f"{start}Postgres(Path(sys.argv[1])).start()", str(state)]


def make_broker(state: Path) -> Broker | ApacheKafka:
    """A broker of the kind that this run is about, not started."""
    return (ApacheKafka if os.environ.get("FTE_TEST_KAFKA") == "apache" else Broker)(state, free_port())


class Services:
    """A throw-away instance: everything in one temporary folder, removed at the end."""

    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="fte-t-"))
        self.broker = make_broker(self.state)
        # The embedded broker has no idempotent producer; a real one is tried with it.
        os.environ["KAFKA_IDEMPOTENCE"] = "true" if isinstance(self.broker, ApacheKafka) else "false"
        os.environ["FTE_MODE"] = "test"
        os.environ["FTE_STATE_DIR"] = str(self.state)
        os.environ["KAFKA_BOOTSTRAP_SERVERS"] = self.broker.address
        os.environ["KAFKA_PARTITIONS"] = "4"
        os.environ["KAFKA_SESSION_TIMEOUT_MS"] = "1500"
        for name in ("DATABASE_URL", "OPENAI_API_KEY", "EMAIL_URL"):
            os.environ.pop(name, None)

    def start(self, *, broker: bool = True) -> None:
        Postgres(self.state).start()
        if broker:
            self.broker.start()

    def stop(self) -> None:
        self.broker.stop()
        Postgres(self.state).stop()
        shutil.rmtree(self.state, ignore_errors=True)


# Settings are read before pytest_configure, so the addresses must be known on import.
_services = None if "FTE_TEST_SERVICES" in os.environ else Services()
os.environ["FTE_TEST_SERVICES"] = "1"


def pytest_configure() -> None:
    if _services is not None:
        _services.start()


def pytest_unconfigure() -> None:
    if _services is not None:
        _services.stop()


if __name__ == "__main__":
    assert _services is not None
    try:
        _services.start(broker=False)
        code = subprocess.run(sys.argv[1:], check=False).returncode
    finally:
        _services.stop()
    sys.exit(code)
