"""The product as real processes that are started again whenever they end, over a database and a broker of their own."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import requests

from fte_project.embedded import free_port
from fte_project.instance import RAISED_LIMITS
from tests.services import BASE, Services, kill_postgres, start_postgres

ROLES = {"agent": "run_agent", "relay": "relay_messages", "delivery": "run_delivery", "schedule": "run_schedule"}
COUNTS = {"web": 1, "agent": 3, "relay": 2, "delivery": 2, "schedule": 1}


class Stack:
    """`slots` maps a place (`agent-1`) to the process that fills it now; a watcher fills it again."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        own = {"PUBLIC_BASE_URL": self.base_url, "EMBEDDER_THREADS": "1"}
        self.env = {**os.environ, **RAISED_LIMITS, **own}
        self.slots: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        for role, count in COUNTS.items():
            for number in range(1, count + 1):
                self._fill(f"{role}-{number}")
        self._watcher.start()

    def _fill(self, slot: str) -> None:
        role = slot.partition("-")[0]
        if role == "web":
            arguments = ["-m", "uvicorn", "fte_project.asgi:application", "--port", str(self.port)]
            arguments += ["--no-proxy-headers", "--no-access-log", "--log-level", "warning"]
        else:
            arguments = ["manage.py", ROLES[role]]
        with (self.services.state / f"{slot}.log").open("ab") as log:
            self.slots[slot] = subprocess.Popen(
                [sys.executable, *arguments], cwd=BASE, env=self.env, stdout=log, stderr=log
            )

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            for slot, process in list(self.slots.items()):
                if process.poll() is not None and not self._stopping.is_set():
                    self._fill(slot)

    def wait_ready(self, seconds: float = 90) -> None:
        """Until every role beats. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.RequestException, ValueError):
                if requests.get(f"{self.base_url}/readyz", timeout=5).json()["ok"]:
                    return
            time.sleep(0.2)
        raise TimeoutError("The processes did not become ready.")

    def kill(self, slot: str) -> None:
        self.slots[slot].kill()

    def freeze(self, slot: str, seconds: float) -> None:
        """SIGSTOP now and SIGCONT later, unless it has been killed meanwhile."""
        process = self.slots[slot]
        process.send_signal(signal.SIGSTOP)
        timer = threading.Timer(seconds, process.send_signal, [signal.SIGCONT])
        timer.daemon = True
        timer.start()

    def kill_database(self) -> None:
        """SIGKILL the postmaster and everything below it, and start it again."""
        kill_postgres(self.services.state)
        start_postgres(self.services.state)

    def wipe_broker(self) -> None:
        """SIGKILL the broker; what comes back knows no topic, no record and no offset."""
        self.services.broker.stop()
        self.services.broker.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for process in self.slots.values():
            process.kill()
        for process in self.slots.values():
            process.wait()
