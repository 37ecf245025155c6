"""Processes killed at each named point of a mail's way, one after the other: one reply and one delivery to each mail.

Every role dies at its points while mails keep coming, so that a whole way costs one start of the instance. Gmail tells
of them by pushes alone: what they rang for must not be forgotten either.
"""

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.db.models.functions import Now

from channels_app.gmail.models import GmailMailbox
from channels_app.simulator.letters import letter
from channels_app.simulator.world import mark_of
from fte_project.embedded import free_port
from fte_project.models import DeadLetter, TimedJob
from tests.factories import ANSWERABLE, sample_articles
from tests.fakes.gmail import FaultyGmail, gmail_server, gmail_settings
from tests.fakes.google import ACCOUNT
from tests.processes import Processes, all_is_done, processes, wait_for
from tickets.models import Conversation, Delivery, Message

__all__ = ["processes"]

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
OURS = "support@tidewater.example"
ROLES = {"relay": "relay_messages", "agent": "run_agent", "delivery": "run_delivery", "schedule": "run_schedule"}
MAIL_POINTS = {
    "web": ("push_heard", "push_marked"),
    "schedule": (
        "mail_fetched",
        "intake_before_commit",
        "intake_after_commit",
        "mail_before_commit",
        "mail_taken",
        "mail_cursor_moved",
    ),
    "relay": ("relay_taken", "relay_published", "relay_marked"),
    "agent": (
        "work_claimed",
        "work_retried",
        "run_decided",
        "reply_before_commit",
        "work_before_commit",
        "work_after_commit",
    ),
    "delivery": (
        "delivery_claimed",
        "draft_made",
        "draft_stored",
        "delivery_accepted",
        "delivery_looked_up",
        "delivery_recorded",
    ),
}


@dataclass
class Way:
    """The product at a simulated Gmail: its roles, the points at which each still has to die, and the mails written."""

    processes: Processes
    gmail: FaultyGmail
    port: int
    left: dict[str, list[str]] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    written: int = 0

    def write(self) -> None:
        """Somebody new asks by mail."""
        sender = f"c{self.written}@example.com"
        raw = letter(sender=sender, name="Ann", to=OURS, subject=ANSWERABLE["subject"], text=ANSWERABLE["message"])
        self.gmail.mailboxes[OURS].receive(raw)
        self.written += 1

    def start(self, role: str) -> None:
        """Start the role, to die at the next of its points."""
        env = {"FTE_CRASH_AT": self.left[role][0]} if self.left.get(role) else {}
        match env.get("FTE_CRASH_AT"):
            case "work_retried":
                env |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1"}
            case "delivery_looked_up":
                faults = iter(["done_then_reset"])
                self.gmail.plan = lambda _, path: next(faults, None) if path.endswith("drafts/send") else None
        start = self.processes.start
        self.running[role] = self.processes.start_web(self.port, **env) if role == "web" else start(ROLES[role], **env)

    def die_everywhere(self) -> None:
        """Let mails come until every role has died at each of its points, and was started once more."""
        wait_for(self._goes_on, 200)

    def _goes_on(self) -> bool:
        for role, process in self.running.items():
            if process.poll() is not None:
                assert process.returncode == -signal.SIGKILL, f"{role} at {self.left[role]}"
                self.left[role].pop(0)
                if role == "schedule":  # nobody holds the reading any more: no need to wait for its lease
                    TimedJob.objects.filter(name="gmail.read").update(lease_expires_at=Now())
                self.start(role)
                self.write()
                return False
        if not any(self.left.values()):
            return True
        if all_is_done() and Message.objects.filter(direction="inbound").count() == self.written:
            self.write()
        return False

    def assert_each_is_answered_once(self) -> None:
        wait_for(lambda: Message.objects.filter(direction="inbound").count() == self.written and all_is_done(), 90)
        replies = Message.objects.filter(direction="outbound")
        sent = self.gmail.mailboxes[OURS].sent
        asked = [f"c{n}@example.com" for n in range(self.written)]
        assert sorted(Message.objects.filter(direction="inbound").values_list("conversation__address", flat=True)) == (
            sorted(asked)
        )
        assert replies.count() == self.written
        assert sorted(str(mail.parsed["To"]) for mail in sent) == sorted(asked)
        assert len({mark_of(mail.parsed) for mail in sent}) == len(sent)
        assert sorted(Delivery.objects.values_list("external_id", flat=True)) == sorted(mail.id for mail in sent)
        assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}


@pytest.fixture
def way(processes: Processes) -> Iterator[Way]:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}/api/webhooks/gmail"
    with gmail_server(OURS, push_to=(endpoint, ACCOUNT)) as gmail:
        processes.env |= gmail_settings(gmail) | {"GMAIL_POLL_SECONDS": "3600", "LOOK_UP_AFTER_SECONDS": "0.5"}
        GmailMailbox.objects.create(address=OURS)
        sample_articles()
        gmail.mailboxes[OURS].watch(("INBOX", "SENT"))
        yield Way(processes, gmail, port)


def test_a2_b1_processes_killed_at_every_point_of_a_mails_way_leave_one_reply_and_one_delivery(way: Way) -> None:
    way.left = {role: list(points) for role, points in MAIL_POINTS.items()}
    for role in MAIL_POINTS:
        way.start(role)
    way.die_everywhere()
    way.assert_each_is_answered_once()
    assert way.gmail.pushes is not None
    log = way.gmail.pushes.log
    wait_for(lambda: all(push.answered_at for push in log))
    assert any(push.tries > 1 for push in log), "a push that a dying web server did not answer comes again"
    assert way.gmail.mailboxes[OURS].drafts, "whose maker died before it could note them: nobody sends these"


def test_b1_a_worker_killed_while_it_gives_a_mail_up_sends_one_text_and_leaves_one_dead_letter(way: Way) -> None:
    way.left = {"agent": ["give_up_before_commit", "give_up_after_commit"]}
    for role in ("web", "schedule", "relay", "delivery"):
        way.start(role)
    for _ in way.left["agent"]:
        way.write()
    wait_for(lambda: Message.objects.count() == way.written)
    Conversation.objects.update(attempts=settings.MAX_ATTEMPTS)  # every try so far has ended in the middle
    for _ in range(3):
        way.start("agent")
        if way.left["agent"]:
            assert wait_for(way.running["agent"].poll) == -signal.SIGKILL
            way.left["agent"].pop(0)
    way.assert_each_is_answered_once()
    assert set(Message.objects.filter(direction="outbound").values_list("kind", flat=True)) == {"hand_over"}
    assert DeadLetter.objects.count() == way.written
