"""Every way in which a provider and its model fail, on the wire: a few tries, then people, and never two texts."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from agent_runner import asking
from agent_runner.models import AgentRun, ModelProvider
from fte_project.models import DeadLetter
from tests.agent_runner.with_openai import SENT, a_provider, provider_row, run
from tests.factories import fresh, write
from tests.fakes.openai import GARBAGE, HANGS, FakeOpenAI, Step, fails, says
from tickets.lifecycle import Status
from tickets.models import Conversation, Escalation, Ticket

SEND = ("send_response", SENT)
PASSING = {
    "500": fails(500),
    "503": fails(503),
    "408": fails(408),
    "409": fails(409),
    "garbage": GARBAGE,
    "an empty body": Step(raw=b""),
    "JSON of another kind": Step(raw=b'["hello"]'),
}


@pytest.fixture(params=["responses", "chat_completions"])
def openai(request: pytest.FixtureRequest, settings: Any, db: None) -> Iterator[FakeOpenAI]:
    settings.OPENAI_TIMEOUT_SECONDS = 5.0
    with a_provider(settings, request.param) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking.random, "uniform", lambda low, high: 0.01)


@pytest.fixture
def ticket(openai: FakeOpenAI) -> Ticket:
    return write().ticket


def said(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").values_list("kind", flat=True))


def again(ticket: Ticket) -> None:
    Conversation.objects.filter(pk=ticket.conversation_id, work_due_at__isnull=False).update(work_due_at=Now())
    run(ticket)


@pytest.mark.parametrize("fault", PASSING)
def test_f7_what_may_pass_is_asked_again_within_the_run(fault: str, openai: FakeOpenAI, ticket: Ticket) -> None:
    openai.plan = [PASSING[fault]]
    run(ticket)
    assert said(ticket) == ["answer"]
    assert len(openai.asked_model()) == 2


@pytest.mark.parametrize("fault", PASSING)
def test_f7_what_does_not_pass_is_asked_three_times_and_then_later(
    fault: str, openai: FakeOpenAI, ticket: Ticket
) -> None:
    openai.plan = [PASSING[fault]] * 3
    run(ticket)
    assert said(ticket) == []
    assert len(openai.asked_model()) == 3
    row = Conversation.objects.get()
    assert (row.attempts, row.lease_token) == (1, None)
    assert row.work_due_at is not None
    record = AgentRun.objects.get()
    assert (record.outcome, record.verdict) == ("failed", "")
    assert record.error
    assert provider_row().failures == 1
    again(ticket)
    assert said(ticket) == ["answer"]
    assert provider_row().failures == 0


def test_f7_a_provider_that_stays_broken_ends_in_one_holding_reply(openai: FakeOpenAI, ticket: Ticket) -> None:
    openai.plan = [fails(500)] * 100
    for _ in range(8):
        again(ticket)
    assert said(ticket) == ["hand_over"]
    assert Escalation.objects.get().reason == "processing_error"
    assert DeadLetter.objects.count() == 1
    assert len(openai.asked_model()) == 15
    assert fresh(ticket).status == Status.ESCALATED


def test_f7_a_provider_that_hangs_is_left_after_its_time(openai: FakeOpenAI, ticket: Ticket, settings: Any) -> None:
    settings.OPENAI_TIMEOUT_SECONDS = 0.3
    openai.plan = [HANGS, HANGS]
    run(ticket)
    assert said(ticket) == ["answer"]
    assert len(openai.asked_model()) == 3


def test_f7_one_that_hangs_for_the_whole_run_is_a_failure_that_all_workers_know_of(
    openai: FakeOpenAI, ticket: Ticket, settings: Any
) -> None:
    settings.RUN_DEADLINE_SECONDS = 3.0
    openai.plan = [HANGS]
    run(ticket)
    assert (said(ticket), Conversation.objects.get().attempts) == ([], 1)
    assert (provider_row().failures, provider_row().problem) == (1, "It did not answer in time.")


def test_f7_no_connection_is_a_failure(openai: FakeOpenAI, ticket: Ticket, settings: Any) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
    run(ticket)
    assert (said(ticket), Conversation.objects.get().attempts) == ([], 1)
    assert provider_row().problem == "There is no connection to it."


@pytest.mark.parametrize("status", [400, 413, 422])
def test_f7_a_request_that_is_refused_for_good_goes_to_people_at_once(
    status: int, openai: FakeOpenAI, ticket: Ticket
) -> None:
    openai.plan = [fails(status, message="This model's maximum context length is 8192 tokens.")]
    run(ticket)
    assert said(ticket) == ["hand_over"]
    assert len(openai.asked_model()) == 1
    escalation = Escalation.objects.get()
    assert escalation.reason == "tool_failure"
    assert "maximum context length" in escalation.detail
    other = write(email="ben@example.com").ticket
    run(other)
    assert said(other) == ["answer"], "it was about that request only"


MISBEHAVES = {
    "refusal": Step(refusal="I cannot help with that."),
    "cut off": Step(is_incomplete=True),
    "text only": Step(text="Your password is hunter2."),
}


@pytest.mark.parametrize("how", MISBEHAVES)
def test_f7_a_model_that_ends_without_a_tool_call_ends_with_people_at_once(
    how: str, openai: FakeOpenAI, ticket: Ticket
) -> None:
    openai.plan = [MISBEHAVES[how]]
    run(ticket)
    assert said(ticket) == ["hand_over"]
    assert Escalation.objects.get().reason == "tool_failure"
    assert "hunter2" not in ticket.messages.get(direction="outbound").body
    record = AgentRun.objects.get()
    assert (record.outcome, record.verdict, record.model_calls) == ("stored", "hand_over", 1)
    assert (record.input_tokens, record.output_tokens) == (900, 80), "what it cost is kept"
    assert record.error
    assert not ModelProvider.objects.exclude(failures=0).exists(), "the provider is there"


MENDED = {
    "malformed arguments": [says(("send_response", '{"message": "Choo')), says(SEND)],
    "wrong arguments": [says(("send_response", {"message": "Hello."})), says(SEND)],
    "unknown tool": [says(("refund_customer", {"amount": 100})), says(SEND)],
    "two answers in one turn": [says(SEND, ("send_response", {**SENT, "message": "And another."}))],
    "answer and escalation": [says(SEND, ("escalate_to_human", {"reason": "legal", "urgency": "low"}))],
}


@pytest.mark.parametrize("how", MENDED)
def test_f7_a_model_that_stumbles_gives_exactly_one_answer(how: str, openai: FakeOpenAI, ticket: Ticket) -> None:
    openai.plan = list(MENDED[how])
    run(ticket)
    assert said(ticket) == ["answer"]
    assert not Escalation.objects.exists()
    assert AgentRun.objects.get().model_calls == len(MENDED[how])


def test_f5_a_model_that_stumbles_for_ever_is_asked_six_times(openai: FakeOpenAI, ticket: Ticket) -> None:
    openai.plan = [says(("send_response", "{"))] * 20
    run(ticket)
    assert said(ticket) == ["hand_over"]
    assert len(openai.asked_model()) == 6
    record = AgentRun.objects.get()
    assert (record.model_calls, record.input_tokens) == (6, 5400)
    run(ticket)
    assert Escalation.objects.count() == 1


def test_f5_fifty_calls_in_one_turn_are_none(openai: FakeOpenAI, ticket: Ticket) -> None:
    openai.plan = [says(*[SEND] * 50)]
    run(ticket)
    assert said(ticket) == ["hand_over"]
    assert [call["tool"] for call in AgentRun.objects.get().calls] == [
        "create_ticket",
        "get_customer_history",
        "search_knowledge_base",
    ]


def test_f5_huge_arguments_reach_nothing_and_are_not_kept(openai: FakeOpenAI, ticket: Ticket) -> None:
    openai.plan = [says(("send_response", {**SENT, "message": "x" * 200_000})), says(SEND)]
    run(ticket)
    assert said(ticket) == ["answer"]
    record = AgentRun.objects.get()
    assert max(len(call["arguments"]) for call in record.calls) <= 4000
