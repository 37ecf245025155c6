"""The real relay, worker and delivery as processes, on real PostgreSQL and a real broker."""

import signal
import time

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agent_runner.models import AgentRun, RunMetric
from channels_app.models import StaffNotice
from tests.factories import PRICES, fields, make_staff, sample_articles
from tests.fakes.openai import fake_openai
from tests.processes import Processes, processes, wait_for
from tickets.models import Conversation, Delivery, Message, Ticket

__all__ = ["processes"]

pytestmark = pytest.mark.kafka


def submit(**changes: str) -> Ticket:
    response = Client().post("/api/support/submit", fields(**changes), content_type="application/json")
    assert response.status_code == 201
    return Ticket.objects.get()


def the_reply() -> Message | None:
    return Message.objects.filter(direction="outbound").first()


def copy_is_sent() -> bool:
    return Delivery.objects.filter(channel="email", status=Delivery.Status.SENT).exists()


def test_a_message_travels_through_the_real_processes(processes: Processes) -> None:
    sample_articles()
    for role in ("relay_messages", "run_agent", "run_delivery"):
        processes.start(role)
    ticket = submit()
    reply = wait_for(the_reply)
    assert reply.ticket == ticket
    assert reply.sources[0]["slug"] == "reset-your-password"
    wait_for(copy_is_sent)
    (copy,) = processes.mail.iterdir()
    assert "To: ann@example.com" in copy.read_text()
    wait_for(RunMetric.objects.exists)
    assert RunMetric.objects.get().runs == 1
    assert processes.stop() == [0, 0, 0]


def test_the_staff_on_duty_hear_of_an_escalation_by_mail(processes: Processes) -> None:
    User.objects.filter(pk=make_staff("lea", "lead").pk).update(email="lea@desk.example")
    for role in ("relay_messages", "run_agent", "run_delivery"):
        processes.start(role)
    submit(**PRICES)
    wait_for(StaffNotice.objects.filter(status="sent").exists)
    mails = [path.read_text() for path in processes.mail.iterdir()]
    assert sum("To: lea@desk.example" in mail for mail in mails) == 1


def test_a_worker_killed_in_the_middle_of_a_run_answers_exactly_once_after_restart(processes: Processes) -> None:
    sample_articles()
    processes.start("relay_messages")
    processes.start("run_delivery")
    doomed = processes.start("run_agent", FTE_CRASH_AT="run_decided")
    submit()
    assert wait_for(doomed.poll) == -signal.SIGKILL
    assert not Message.objects.filter(direction="outbound").exists()

    processes.start("run_agent")
    wait_for(the_reply)
    wait_for(copy_is_sent)
    assert Message.objects.filter(direction="outbound").count() == 1
    assert Delivery.objects.filter(channel="email").count() == 1
    assert len(list(processes.mail.iterdir())) == 1
    assert AgentRun.objects.get().attempt == 2


def test_b14_a_worker_told_to_stop_in_the_middle_of_a_run_gives_the_work_back(processes: Processes) -> None:
    sample_articles()
    processes.start("relay_messages")
    with fake_openai("send_response") as provider:
        provider.answering.clear()
        env = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": provider.url}
        stopping = processes.start("run_agent", **env)
        ticket = submit()
        wait_for(lambda: provider.asked("/v1/responses"))
        began = time.monotonic()
        stopping.send_signal(signal.SIGTERM)
        assert stopping.wait(25) == 0
        assert time.monotonic() - began < 20
    conversation = Conversation.objects.get()
    assert (conversation.lease_token, conversation.attempts) == (None, 0)
    assert conversation.work_due_at is not None

    processes.start("run_agent")
    assert wait_for(the_reply).ticket == ticket
    assert Message.objects.filter(direction="outbound").count() == 1


def test_one_process_can_run_all_roles(processes: Processes) -> None:
    sample_articles()
    processes.start("run_agent", "--with", "relay,delivery,schedule")
    submit()
    wait_for(copy_is_sent)
    assert processes.stop() == [0]
