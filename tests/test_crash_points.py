"""A process killed at each named point of a message's way, and started again: one reply, one delivery, always."""

import re
import signal
import uuid
from collections.abc import Iterator

import pytest
import requests
from django.conf import settings
from django.contrib.auth.models import User

from channels_app.models import StaffNotice
from fte_project.embedded import free_port
from fte_project.models import DeadLetter
from tests.factories import PRICES, fields, make_staff, sample_articles, write
from tests.fakes.memo import FaultyMemoServer, memo_server
from tests.fakes.webhook import webhook
from tests.processes import BASE, Processes, all_is_done, processes, wait_for
from tests.test_mail_crash_points import MAIL_POINTS
from tickets.models import Conversation, Message

__all__ = ["processes"]

pytestmark = pytest.mark.kafka

ROLES = {"relay": "relay_messages", "agent": "run_agent", "delivery": "run_delivery"}
POINTS = {
    "relay_taken": "relay",
    "relay_published": "relay",
    "relay_marked": "relay",
    "work_claimed": "agent",
    "run_decided": "agent",
    "reply_before_commit": "agent",
    "work_before_commit": "agent",
    "work_after_commit": "agent",
    "delivery_claimed": "delivery",
    "delivery_accepted": "delivery",
    "delivery_looked_up": "delivery",
    "delivery_recorded": "delivery",
}


@pytest.fixture
def memos(processes: Processes) -> Iterator[FaultyMemoServer]:
    """The provider of the mail copy: it can be asked what it accepted."""
    with memo_server() as server:
        processes.env["MEMO_URL"] = server.url
        yield server


def assert_answered_and_delivered_once(memos: FaultyMemoServer) -> None:
    reply = Message.objects.get(direction="outbound")
    assert Message.objects.get(direction="inbound").answered_by == reply
    assert sorted(reply.deliveries.values_list("channel", "status")) == [("email", "sent"), ("web_form", "sent")]
    (memo,) = memos.accepted
    copy = reply.deliveries.get(channel="email")
    assert (memo.body["reference"], memo.id, memo.body["body"]) == (str(copy.pk), copy.external_id, reply.body)


@pytest.mark.parametrize("point", POINTS)
def test_b1_a_process_killed_at_any_point_of_the_way_leaves_one_reply_and_one_delivery(
    point: str, processes: Processes, memos: FaultyMemoServer
) -> None:
    sample_articles()
    doomed_role = POINTS[point]
    for role, command in ROLES.items():
        if role != doomed_role:
            processes.start(command)
    if point == "delivery_looked_up":
        faults = iter(["accept_then_reset"])
        memos.plan = lambda: next(faults, None)
    doomed = processes.start(ROLES[doomed_role], FTE_CRASH_AT=point)
    write()
    assert wait_for(doomed.poll) == -signal.SIGKILL
    processes.start(ROLES[doomed_role])
    wait_for(all_is_done)
    assert_answered_and_delivered_once(memos)


WEB_POINTS = ("intake_before_commit", "intake_after_commit")


@pytest.mark.parametrize("point", WEB_POINTS)
def test_a2_a_web_process_killed_around_its_commit_stores_the_retried_message_once(
    point: str, processes: Processes, memos: FaultyMemoServer
) -> None:
    sample_articles()
    for command in ROLES.values():
        processes.start(command)
    port = free_port()
    url, key = f"http://127.0.0.1:{port}/api/support/submit", {"Idempotency-Key": str(uuid.uuid4())}
    doomed = processes.start_web(port, FTE_CRASH_AT=point)
    with pytest.raises(requests.ConnectionError):
        requests.post(url, json=fields(), headers=key, timeout=30)
    assert wait_for(doomed.poll) == -signal.SIGKILL
    assert Message.objects.filter(direction="inbound").count() == (point == "intake_after_commit")
    processes.start_web(port)
    assert requests.post(url, json=fields(), headers=key, timeout=30).status_code == 201
    wait_for(all_is_done)
    assert_answered_and_delivered_once(memos)


GIVE_UP_POINTS = ("give_up_before_commit", "give_up_after_commit")


@pytest.mark.parametrize("point", GIVE_UP_POINTS)
def test_b1_a_worker_killed_while_it_gives_up_leaves_one_text_and_one_dead_letter(
    point: str, processes: Processes, memos: FaultyMemoServer
) -> None:
    for command in ("relay_messages", "run_delivery"):
        processes.start(command)
    write()
    Conversation.objects.update(attempts=settings.MAX_ATTEMPTS)  # every try so far has ended in the middle
    doomed = processes.start("run_agent", FTE_CRASH_AT=point)
    assert wait_for(doomed.poll) == -signal.SIGKILL
    processes.start("run_agent")
    wait_for(all_is_done)
    assert_answered_and_delivered_once(memos)
    assert Message.objects.get(direction="outbound").kind == "hand_over"
    assert DeadLetter.objects.count() == 1


def test_b1_a_worker_killed_after_it_put_a_try_off_answers_once(processes: Processes, memos: FaultyMemoServer) -> None:
    sample_articles()
    for command in ("relay_messages", "run_delivery"):
        processes.start(command)
    write()
    away = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1"}
    doomed = processes.start("run_agent", FTE_CRASH_AT="work_retried", **away)
    assert wait_for(doomed.poll) == -signal.SIGKILL
    processes.start("run_agent")
    wait_for(all_is_done)
    assert_answered_and_delivered_once(memos)
    assert Message.objects.get(direction="outbound").kind == "answer"


NOTICE_POINTS = ("notice_planned", "notice_claimed", "notice_accepted", "notice_recorded")


@pytest.mark.parametrize("point", NOTICE_POINTS)
def test_b1_a_process_killed_while_it_tells_the_staff_tells_them_once_by_each_way(
    point: str, processes: Processes, memos: FaultyMemoServer
) -> None:
    User.objects.filter(pk=make_staff("lea", "lead").pk).update(email="lea@desk.example")
    with webhook() as hook:
        processes.env["STAFF_WEBHOOK_URL"] = hook.url
        for command in ("relay_messages", "run_agent", "run_schedule"):
            processes.start(command)
        doomed = processes.start("run_delivery", FTE_CRASH_AT=point)
        write(**PRICES)
        assert wait_for(doomed.poll) == -signal.SIGKILL
        processes.start("run_delivery")
        wait_for(lambda: all_is_done() and all_are_told())
    assert len(hook.accepted) == 1
    assert len(list(processes.mail.iterdir())) == 1
    assert_answered_and_delivered_once(memos)


def all_are_told() -> bool:
    statuses = set(StaffNotice.objects.values_list("status", flat=True))
    return bool(statuses) and not statuses & {"queued", "sending"}


def test_every_named_point_is_tried() -> None:
    """A point without a test would be a promise that nobody looks at."""
    named = set()
    for app in ("fte_project", "tickets", "channels_app", "agent_runner"):
        for path in (BASE / app).rglob("*.py"):
            named |= set(re.findall(r'\bcrash\("(\w+)"\)', path.read_text()))
    over_mail = {point for points in MAIL_POINTS.values() for point in points}
    assert named == {*POINTS, *WEB_POINTS, *GIVE_UP_POINTS, "work_retried", *NOTICE_POINTS, *over_mail}
    over_the_form = {*POINTS, *WEB_POINTS, "work_retried"}
    assert over_the_form - over_mail == set(), "a mail goes the same way"
