"""The roles as real processes on the test's own database and topics."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.db import connection

from fte_project.embedded import WORKER_ROLE
from fte_project.models import OutboxEvent
from tickets.models import Conversation, Delivery, Message

BASE = Path(__file__).parent.parent


def wait_for[T](look: Callable[[], T], seconds: float = 60) -> T:
    """The first true value of `look`, asked until a deadline. Fails the test after it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    pytest.fail(f"waited {seconds} s in vain")


def all_is_done() -> bool:
    """Nothing is waiting, due or under way any more."""
    return (
        Message.objects.exists()
        and not Message.objects.all().unanswered().exists()
        and not Conversation.objects.exclude(work_due_at=None, lease_token=None).exists()
        and not Delivery.objects.all().waiting().exists()
        and not OutboxEvent.objects.filter(published_at=None).exists()
    )


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=5).ok
    return False


class Processes:
    """Starts management commands and ends them; their output is in `log` files that a failure shows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mail = folder / "mail"
        here = connection.settings_dict
        host = urllib.parse.quote(here["HOST"], safe="")
        self.env = {
            **os.environ,
            "FTE_MODE": "test",
            "DATABASE_URL": f"postgres://{here['USER']}@{host}/{here['NAME']}",
            "WORKER_DATABASE_URL": f"postgres://{WORKER_ROLE}@{host}/{here['NAME']}",
            "KAFKA_TOPIC_PREFIX": settings.KAFKA_TOPIC_PREFIX,
            "MAIL_DIR": str(self.mail),
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        """A management command."""
        return self._spawn(command[0], ["manage.py", *command], env)

    def start_web(self, port: int, **env: str) -> subprocess.Popen[bytes]:
        """The web server on `port`; comes back when it answers, or has ended."""
        arguments = ["-m", "uvicorn", "fte_project.asgi:application", "--port", str(port), "--no-proxy-headers"]
        arguments += ["--log-level", "warning"]
        web = self._spawn("web", arguments, env)
        wait_for(lambda: web.poll() is not None or _answers(f"http://127.0.0.1:{port}/healthz"))
        return web

    def _spawn(self, name: str, arguments: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{len(self.running)}-{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=BASE, env={**self.env, **env}, stdout=log, stderr=log
            )
        self.running.append(process)
        return process

    def stop(self) -> list[int]:
        """SIGTERM to all; their exit statuses, within 20 seconds."""
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        return [process.wait(max(0.1, deadline - time.monotonic())) for process in self.running]

    def kill(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()

    def show_logs(self) -> None:
        for log in sorted(self.folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text()[-4000:]}")


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """Real processes over the test's database, on topics of their own."""
    monkeypatch.setattr(settings, "KAFKA_TOPIC_PREFIX", f"t{uuid.uuid4().hex[:8]}.")
    started = Processes(tmp_path)
    yield started
    started.kill()
    started.show_logs()
