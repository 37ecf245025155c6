"""Who delivers the replies during chaos, with faults: the memo provider, or a Gmail that also takes mail in."""

import random
import threading
import time
from dataclasses import dataclass
from typing import Protocol

from channels_app.gmail.marks import delivery_of
from channels_app.gmail.models import GmailMailbox
from channels_app.simulator.world import mark_of
from tests.fakes.gmail import FAULTS as GMAIL_FAULTS
from tests.fakes.gmail import FaultyGmail, gmail_settings
from tests.fakes.google import ACCOUNT
from tests.fakes.memo import FAULTS as MEMO_FAULTS
from tests.fakes.memo import FaultyMemoServer
from tickets.models import Message

SENDING_FAULTS = 0.16  # of the calls that send
READING_FAULTS = 0.04  # of the calls that read: a batch is many of them
LOST_PUSHES = 0.16
OURS = "support@tidewater.example"


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A message that a provider took: for whom, which of their messages it answers, and under which reference."""

    id: str
    to: str
    answers: list[str]
    reference: str
    at: float


class Provider(Protocol):
    """`faults`: when, what, and the reference of the reply that met it ('' while reading)."""

    env: dict[str, str]
    faults: list[tuple[float, str, str]]

    def start(self) -> None: ...

    def accepted(self) -> list[Accepted]: ...

    def stop(self) -> None: ...


class Memos:
    """The memo provider: it never notices a duplicate."""

    def __init__(self, seed: int) -> None:
        rng, names = random.Random(seed), sorted(MEMO_FAULTS)
        self.server = FaultyMemoServer(lambda: rng.choice(names) if rng.random() < SENDING_FAULTS else None)
        self.env = {"MEMO_URL": self.server.url}
        self.faults = self.server.faults

    def start(self) -> None:
        _serve(self.server)

    def accepted(self) -> list[Accepted]:
        return [
            Accepted(id=m.id, to=m.body["to"], answers=m.body["answers"], reference=m.body["reference"], at=m.at)
            for m in list(self.server.accepted)
        ]

    def stop(self) -> None:
        self.server.shutdown()


class Mail:
    """A simulated Gmail: faults while sending and reading, and pushes of which some are lost."""

    def __init__(self, seed: int, endpoint: str) -> None:
        self.rng, self.names = random.Random(seed), sorted(GMAIL_FAULTS)
        self.server = FaultyGmail(OURS, push_to=(endpoint, ACCOUNT))
        self.server.plan, self.server.retry_after = self._fault, "1"
        self.mailbox = self.server.mailboxes[OURS]
        assert self.server.pushes is not None
        self.pushes = self.server.pushes
        self.pushes.loses = lambda: self.rng.random() < LOST_PUSHES
        self.faults = self.server.faults
        self.env = {**gmail_settings(self.server), "GMAIL_POLL_SECONDS": "3"}

    def _fault(self, method: str, path: str) -> str | None:
        is_sending = method == "POST" and "/drafts" in path
        hit = self.rng.random() < (SENDING_FAULTS if is_sending else READING_FAULTS)
        return self.rng.choice(self.names) if hit and not path.endswith("/certs") else None

    def start(self) -> None:
        GmailMailbox.objects.create(address=OURS)  # connected before anybody writes
        _serve(self.server)

    def wait_for_push(self, seconds: float = 3.0) -> None:
        """Until one more push is answered, or none came in this time."""
        began, deadline = time.time(), time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any((push.answered_at or 0.0) > began for push in list(self.pushes.log)):
                return
            time.sleep(0.002)

    def accepted(self) -> list[Accepted]:
        """What left; which messages it answers is known by the reply that its mark names."""
        found = []
        for mail in list(self.mailbox.sent):
            mark = mark_of(mail.parsed)
            answered = Message.objects.filter(answered_by__deliveries=delivery_of(mark)).order_by("id")
            answers = list(answered.values_list("external_id", flat=True))
            found.append(Accepted(id=mail.id, to=str(mail.parsed["To"]), answers=answers, reference=mark, at=mail.at))
        return found

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def _serve(server: FaultyMemoServer | FaultyGmail) -> None:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
