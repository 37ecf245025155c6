"""Customers who write over the form, keep trying until they are heard, and sometimes press twice; others write mail."""

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

import requests

from channels_app.simulator.letters import answer_to, letter
from channels_app.simulator.mailbox import Mailbox

SUBJECT = "How do I reset my password?"
TEXTS = (
    "I forgot my password and cannot sign in any more. How do I reset it?",
    "How do I reset my password? I forgot it and cannot sign in.",
    "I cannot sign in because I forgot my password. How can I reset it?",
)
ASKING_TWICE = 0.2
PATIENCE = 60.0


@dataclass
class Customers:
    """`history` grows by one `sent` line for every message that the product, or its mailbox, has accepted.

    With a mailbox every second conversation is by mail, or every one when `only_mail`.
    """

    base_url: str
    rng: random.Random
    mailbox: Mailbox | None = None
    only_mail: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # answers that no retry can mend
    retries: int = 0

    def write_all(self, messages: int, seconds: float) -> None:
        """Spread `messages` over `seconds` and over conversations of about five; returns when all are accepted."""
        began = time.monotonic()
        conversations = max(1, messages // 5)
        times: dict[int, list[float]] = {n: [] for n in range(conversations)}
        for number in range(messages):
            times[number % conversations].append(began + self.rng.uniform(0, seconds))
        twice = {n: [self.rng.random() < ASKING_TWICE for _ in moments] for n, moments in times.items()}
        with ThreadPoolExecutor(conversations) as pool:
            list(pool.map(lambda n: self._converse(n, sorted(times[n]), twice[n]), times))

    def _converse(self, number: int, moments: list[float], twice: list[bool]) -> None:
        if self.mailbox is not None and (number % 2 or self.only_mail):
            self._correspond(self.mailbox, number, moments)
        else:
            self._fill_in(number, moments, twice)

    def _correspond(self, mailbox: Mailbox, number: int, moments: list[float]) -> None:
        address, own = f"m{number}@example.com", ""
        for n, moment in enumerate(moments):
            time.sleep(max(0.0, moment - time.monotonic()))
            text, answers = TEXTS[(number + n) % len(TEXTS)], (own,) if own else ()
            received = [mail for mail in list(mailbox.sent) if mail.parsed["To"] == address]
            if received:
                text, answers = answer_to(message_from_bytes(received[-1].raw, policy=policy.default), text)
            raw = letter(
                sender=address, name="Ann Lee", to=mailbox.address, subject=SUBJECT, text=text, answers=answers
            )
            stored = mailbox.receive(raw)
            own = own or stored.message_id
            self.history.append(
                {"kind": "sent", "channel": "email", "conversation": address, "external_id": stored.id, "n": n,
                 "t": stored.at, "tried": stored.at}
            )  # fmt: skip

    def _fill_in(self, number: int, moments: list[float], twice: list[bool]) -> None:
        address = f"c{number}@example.com"
        url = f"{self.base_url}/api/support/submit"
        for n, (moment, again) in enumerate(zip(moments, twice, strict=True)):
            time.sleep(max(0.0, moment - time.monotonic()))
            body: dict[str, str] = {"message": TEXTS[(number + n) % len(TEXTS)]}
            if n == 0:
                body |= {"name": "Ann Lee", "email": address, "subject": SUBJECT}
            key, tried = str(uuid.uuid4()), time.time()
            echo = threading.Thread(target=self._post, args=(url, body, key)) if again else None
            if echo is not None and n % 2:
                echo.start()  # both at once
            token = self._post(url, body, key)
            self.history.append(
                {"kind": "sent", "channel": "web_form", "conversation": address, "external_id": key, "n": n,
                 "t": time.time(), "tried": tried}
            )  # fmt: skip
            if echo is not None:
                if not n % 2:
                    echo.start()  # one after the other
                echo.join()
            url = f"{self.base_url}/api/support/ticket/{token}/messages"

    def _post(self, url: str, body: dict[str, str], key: str) -> str:
        """Post until accepted, with the same key; the status token. Raises RuntimeError after PATIENCE seconds."""
        give_up_at = time.monotonic() + PATIENCE
        while time.monotonic() < give_up_at:
            try:
                answer = requests.post(url, json=body, headers={"Idempotency-Key": key}, timeout=10)
            except requests.RequestException:
                answer = None
            if answer is not None and answer.ok:
                return str(answer.json()["token"])
            if answer is not None and answer.status_code < 500:
                self.refused.append(f"{answer.status_code} {answer.text[:200]}")
                raise RuntimeError(self.refused[-1])
            self.retries += 1
            time.sleep(0.3)
        self.refused.append("never accepted")
        raise RuntimeError(self.refused[-1])
