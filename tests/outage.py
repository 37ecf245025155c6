"""`make outage`: the form is written to while broker, model and mail server are all down; then they come back.

Posts go out at fixed times whether or not earlier ones have been answered, and each is measured from the time it was
due: a server that stalls is charged for those that wait behind it. One line of JSON; exit 0 when every post was
accepted with p99 < 250 ms, and later everything was answered and mailed, nothing twice.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local

import django
import psycopg
import requests

from fte_project.embedded import free_port
from fte_project.instance import RAISED_LIMITS
from tests.fakes.smtp import FakeSMTP, smtp
from tests.services import Services, _services

BASE = Path(__file__).parent.parent
QUESTION = {
    "name": "Ann Lee",
    "subject": "How do I reset my password?",
    "message": "I forgot my password and cannot sign in any more. How do I reset it?",
}
_thread = local()


class Outage:
    """An instance whose broker, model and mail server have addresses at which nothing listens yet."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.model_port, self.mail_port, web_port = free_port(), free_port(), free_port()
        self.base_url = f"http://127.0.0.1:{web_port}"
        self.env = {
            **os.environ,
            **RAISED_LIMITS,
            "FTE_MODE": "local",
            "PUBLIC_BASE_URL": self.base_url,
            "KAFKA_BOOTSTRAP_SERVERS": services.broker.address,
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
        }
        self.with_model = {
            **self.env,
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.model_port}/v1",
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def prepare(self) -> None:
        for command in (["migrate", "-v", "0"], ["load_articles", "knowledge/sample"]):
            done = subprocess.run(
                [sys.executable, "manage.py", *command], cwd=BASE, env=self.env, capture_output=True, check=False
            )
            assert done.returncode == 0, done.stderr.decode()[-2000:]

    def start(self) -> None:
        port = self.base_url.rpartition(":")[2]
        web = ["-m", "uvicorn", "fte_project.asgi:application", "--port", port]
        web += ["--no-proxy-headers", "--no-access-log", "--log-level", "warning"]
        self._spawn(web, self.env, "web.log")
        self._spawn(["manage.py", "run_agent", "--with", "relay,delivery,schedule"], self.with_model, "agent.log")
        until(lambda: self._answers("/healthz"), 60, "the web server")

    def _spawn(self, arguments: list[str], env: dict[str, str], log: str) -> None:
        with (self.services.state / log).open("wb") as out:
            self.processes.append(
                subprocess.Popen([sys.executable, *arguments], cwd=BASE, env=env, stdout=out, stderr=out)
            )

    def _answers(self, path: str) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(self.base_url + path, timeout=5).status_code == 200
        return False

    def post(self, number: int, due: float) -> tuple[int, float]:
        """One form post at its time: (status, milliseconds since it was due); status 0 when no answer came."""
        time.sleep(max(0.0, due - time.monotonic()))
        if not hasattr(_thread, "session"):
            _thread.session = requests.Session()
        fields = {**QUESTION, "email": f"c{number}@example.com"}
        try:
            status = _thread.session.post(
                f"{self.base_url}/api/support/submit",
                json=fields,
                headers={"Idempotency-Key": str(uuid.uuid4())},
                timeout=30,
            ).status_code
        except requests.RequestException:
            status = 0
        return status, (time.monotonic() - due) * 1000

    def ask(self, statement: str) -> int:
        with psycopg.connect(f"host={self.services.state / 'pg'} user=postgres dbname=fte") as db:
            row = db.execute(statement).fetchone()  # type: ignore[call-overload]
            assert row is not None
            return int(row[0])

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(25)
            except subprocess.TimeoutExpired:
                process.kill()


def until(look: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.2)


def measure(outage: Outage, rate: int, seconds: int) -> dict[str, object]:
    """The outage, and what came of it."""
    from tests.fakes.openai import fake_openai

    began = time.monotonic() + 0.5
    with ThreadPoolExecutor(64) as pool:
        posts = list(pool.map(lambda n: outage.post(n, began + n / rate), range(rate * seconds)))
    times = sorted(ms for _, ms in posts)
    accepted = sum(1 for status, _ in posts if 200 <= status < 300)
    sys.stderr.write(
        f"accepted {accepted} of {len(posts)}, p99 {times[int(len(times) * 0.99)]:.0f} ms; now it drains\n"
    )

    answered_none = outage.ask("SELECT count(*) FROM tickets_message WHERE direction = 'outbound'")
    passage = {"message": "Choose Forgot password on the sign-in page.", "citations": ["h1"], "sentiment": 0.5}
    back = time.monotonic()
    outage.services.broker.start()
    with fake_openai("send_response", port=outage.model_port, **passage, confidence=0.9, language="en"):
        unanswered = "SELECT count(*) FROM tickets_message WHERE direction = 'inbound' AND answered_by_id IS NULL"
        until(lambda: outage.ask(unanswered) == 0, 900, "every message to be answered")
        answered_s = time.monotonic() - back
        with smtp(port=outage.mail_port) as mails:
            waiting = "SELECT count(*) FROM tickets_delivery WHERE status IN ('queued', 'sending')"
            until(lambda: outage.ask(waiting) == 0, 900, "every reply to be delivered")
            mailed = Counter(recipients(mails))
    replies = outage.ask("SELECT count(*) FROM tickets_message WHERE direction = 'outbound'")
    twice = outage.ask(
        "SELECT count(*) FROM (SELECT conversation_id FROM tickets_message WHERE direction = 'outbound'"
        " GROUP BY conversation_id HAVING count(*) > 1) AS more"
    )
    return {
        "posts": len(posts),
        "accepted": accepted,
        "p50_ms": round(times[len(times) // 2], 1),
        "p99_ms": round(times[int(len(times) * 0.99)], 1),
        "max_ms": round(times[-1], 1),
        "answered_during_outage": answered_none,
        "answered": replies,
        "answered_twice": twice,
        "mailed": len(mailed),
        "mailed_twice": sum(1 for n in mailed.values() if n > 1),
        "unknown": outage.ask("SELECT count(*) FROM tickets_delivery WHERE status NOT IN ('sent')"),
        "answered_s": round(answered_s, 1),
    }


def recipients(server: FakeSMTP) -> list[str]:
    found = [re.search(rb"^To: (\S+)", mail, re.MULTILINE) for mail in server.accepted]
    return [match.group(1).decode() for match in found if match]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    services = _services
    assert services is not None
    os.environ["DJANGO_SETTINGS_MODULE"] = "fte_project.settings"
    django.setup()
    outage = Outage(services)
    began = time.monotonic()
    try:
        services.start(broker=False)
        outage.prepare()
        outage.start()
        found = measure(outage, chosen.rate, chosen.seconds)
    except TimeoutError as error:
        print(json.dumps({"error": str(error)}))
        return 2
    finally:
        outage.stop()
        for log in ("web.log", "agent.log"):
            path = services.state / log
            sys.stderr.write(f"--- {log}\n{path.read_text()[-1500:]}\n" if path.exists() else "")
        services.stop()
    n = found["posts"]
    ok = found["accepted"] == found["answered"] == found["mailed"] == n and float(str(found["p99_ms"])) < 250
    ok = ok and not (found["answered_twice"] or found["mailed_twice"] or found["unknown"])
    print(json.dumps({"ok": ok, **found, "seconds": round(time.monotonic() - began, 1)}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
