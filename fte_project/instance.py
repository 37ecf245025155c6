"""One running instance on this machine: services, data and processes, started and stopped together."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import psutil
import requests
from django.conf import settings

from fte_project import embedded

BROKER_PORT, GMAIL_PORT = 19092, 8025
GMAIL = "simulate_gmail"
STOP_SECONDS = 22
# Everybody at a local instance shares one address, and often one e-mail.
RAISED_LIMITS = {f"RATE_LIMIT_{kind}": "1000000/60" for kind in ("IP", "EMAIL", "TICKET", "FOLLOW_UPS", "GLOBAL")}
RAISED_LIMITS["ANSWERS_PER_HOUR"] = "1000000"


class InstanceFailed(RuntimeError):
    """A part did not start, or ended by itself; the text says which and where its log is."""


class Instance:
    """Starts what is not given from outside, runs the processes, and leaves nothing running behind."""

    def __init__(self) -> None:
        self.state: Path = settings.STATE_DIR
        self.postgres = None if os.environ.get("DATABASE_URL") else embedded.Postgres(self.state)
        given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
        self.broker = None if given else embedded.Broker(self.state, _port(BROKER_PORT))
        self.kafka = given or (self.broker.address if self.broker else "")
        self.base_url = f"http://127.0.0.1:{_port(settings.DEMO_PORT)}"
        self.gmail = self._simulated_gmail()
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self._is_mine = False

    def _simulated_gmail(self) -> dict[str, str]:
        """The settings that put a simulated Gmail in Google's place; none when real mail is configured."""
        if os.environ.get("GMAIL_ADDRESS") or os.environ.get("EMAIL_URL"):
            return {}
        url = f"http://127.0.0.1:{_port(GMAIL_PORT)}"
        return {
            "GMAIL_ADDRESS": parseaddr(settings.EMAIL_FROM)[1].lower(),
            "GMAIL_API_URL": url,
            "GMAIL_PUSH_TOPIC": "projects/simulated/topics/gmail",
            "GMAIL_PUSH_AUDIENCE": f"{self.base_url}/api/webhooks/gmail",
            "GMAIL_PUSH_ACCOUNT": "push@simulated.iam.gserviceaccount.com",
            "GOOGLE_KEYS_URL": f"{url}/certs",
        }

    def start_services(self) -> None:
        """PostgreSQL, the broker and a simulated Gmail, unless their addresses are set.

        Raises EmbeddedUnavailable, InstanceFailed.
        """
        embedded.make_state_dir(self.state)
        running = embedded.read_instance(self.state)
        if running:
            self._sweep(running)
        self._is_mine = True
        if self.postgres is not None:
            self.postgres.start()
        if self.broker is not None:
            self.broker.start()
        if self.gmail:
            self._start_gmail()

    def _start_gmail(self) -> None:
        port = self.gmail["GMAIL_API_URL"].rpartition(":")[2]
        command = ["manage.py", GMAIL, "--port", port, "--push-to", self.gmail["GMAIL_PUSH_AUDIENCE"]]
        self._spawn(GMAIL, [*command, "--folder", str(self.state / "mail")], {**os.environ, **self.gmail})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(requests.RequestException):
                requests.get(self.gmail["GOOGLE_KEYS_URL"], timeout=5).raise_for_status()
                return
            time.sleep(0.05)
        raise InstanceFailed(f"The simulated Gmail does not answer; its log is {self._log(GMAIL)}.")

    def _sweep(self, earlier: dict[str, Any]) -> None:
        """Refuse to start beside a living instance; end what one that was killed has left behind."""
        main = earlier.get("pid", 0)
        if _is_ours(main, "manage.py"):
            raise InstanceFailed(f"An instance is running already: {earlier.get('base_url')} (process {main}).")
        for name, pid in earlier.get("children", {}).items():
            if _is_ours(pid, name):
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).kill()
        (self.state / "instance.json").unlink(missing_ok=True)  # what it set is not ours

    def start_processes(self, **published: Any) -> None:
        """Web server, assistant and the other roles; `published` goes into the instance file.

        Raises InstanceFailed after a minute.
        """
        env = {
            **RAISED_LIMITS,
            **os.environ,
            **self.gmail,
            "FTE_STATE_DIR": str(self.state),
            "FTE_DEMO": "1",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "PUBLIC_BASE_URL": os.environ.get("PUBLIC_BASE_URL", self.base_url),
        }
        port = self.base_url.rpartition(":")[2]
        web = ["-m", "uvicorn", "fte_project.asgi:application", "--host", "127.0.0.1", "--port", port]
        # What X-Forwarded-For is worth is decided by fte_project/limits.py, not by uvicorn.
        web += ["--no-proxy-headers", "--no-access-log", "--log-level", "warning"]
        self._spawn("uvicorn", web, env)
        self._spawn("run_agent", ["manage.py", "run_agent"], env)  # alone: its database user has few rights
        self._spawn("run_schedule", ["manage.py", "run_schedule", "--with", "relay,delivery"], env)
        children = {name: child.pid for name, child in self.children.items()}
        if self.broker is not None and self.broker.process is not None:
            children["tansu"] = self.broker.process.pid
        embedded.write_instance(
            self.state,
            {
                "pid": os.getpid(),
                "children": children,
                "base_url": self.base_url,
                "kafka": self.kafka,
                "state": str(self.state),
                "gmail": self.gmail,
                **published,
            },
        )
        self._point_to_state()
        self._wait_ready()

    def _spawn(self, name: str, arguments: list[str], env: dict[str, str]) -> None:
        with self._log(name).open("ab") as log:
            self.children[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=settings.BASE_DIR,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we stop them in order
            )

    def _log(self, name: str) -> Path:
        return self.state / f"{name}.log"

    def _point_to_state(self) -> None:
        if "FTE_STATE_DIR" not in os.environ:
            pointer = settings.BASE_DIR / ".run"
            pointer.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                (pointer / "instance.json").unlink()
            (pointer / "instance.json").symlink_to(self.state / "instance.json")

    def _wait_ready(self) -> None:
        said = "nothing"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(requests.RequestException, ValueError):
                found = requests.get(f"{self.base_url}/readyz", timeout=5).json()
                if found["ok"]:
                    return
                said = found["problems"]
            time.sleep(0.1)
        raise InstanceFailed(f"Not ready after a minute: {said}. The logs are in {self.state}.")

    def check(self) -> None:
        """Raise InstanceFailed when a part has ended by itself."""
        for name, child in self.children.items():
            if child.poll() is not None:
                raise InstanceFailed(f"{name} ended with status {child.returncode}; its log is {self._log(name)}.")
        broker = self.broker.process if self.broker is not None else None
        if broker is not None and broker.poll() is not None:
            raise InstanceFailed(f"The embedded broker ended; its log is {self.state / 'broker.log'}.")

    def stop(self) -> None:
        """Stop everything that was started here: processes first, then broker and database."""
        if not self._is_mine:
            return  # another instance lives in this folder
        gmail = self.children.pop(GMAIL, None)
        _end(*self.children.values())
        if gmail is not None:
            _end(gmail)  # last: what was being sent through it is finished
        if self.broker is not None:
            self.broker.stop()
        if self.postgres is not None:
            self.postgres.stop()
        with contextlib.suppress(FileNotFoundError):
            (self.state / "instance.json").unlink()


def _port(preferred: int) -> int:
    """The usual port when it is free; any with FTE_PORT=0, for several that start at the same time."""
    return embedded.free_port(preferred if settings.DEMO_PORT else 0)


def _end(*children: subprocess.Popen[bytes]) -> None:
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _is_ours(pid: int, name: str) -> bool:
    """Process `pid` runs and has `name` in its command line (a number that was used again belongs to others)."""
    try:
        return pid > 0 and name in " ".join(psutil.Process(pid).cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
