"""A provider that is asked too much, and one that fails too often: all workers know, and customers hear in time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from agent_runner import asking, provider
from agent_runner.assistant import agent
from agent_runner.faults import named_seconds, span
from agent_runner.health import model_pace
from agent_runner.models import AgentRun, ModelProvider
from fte_project.health import State
from tests.agent_runner.with_openai import a_provider, provider_row, run, run_at_once
from tests.factories import PRICES, write
from tests.fakes.openai import FakeOpenAI, fails
from tickets.models import Conversation, Escalation, Ticket

REFUSES = {"code": "rate_limit_exceeded"}


@pytest.fixture
def openai(settings: Any, db: None) -> Iterator[FakeOpenAI]:
    settings.OPENAI_TIMEOUT_SECONDS = 5.0
    with a_provider(settings, "responses") as server:
        yield server


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking.random, "uniform", lambda low, high: 0.01 if high == 1.5 else high)


def people(count: int) -> list[Ticket]:
    return [write(email=f"c{n}@example.com").ticket for n in range(count)]


def said(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").values_list("kind", flat=True))


def wait_of(ticket: Ticket) -> float:
    row = Conversation.objects.annotate(now=Now()).get(pk=ticket.conversation_id)
    assert row.work_due_at is not None
    return float((row.work_due_at - row.now).total_seconds())


def pass_time(seconds: float) -> None:
    """As if it were so much later for the provider's row."""
    span = timedelta(seconds=seconds)
    ModelProvider.objects.update(
        next_at=F("next_at") - span,
        refused_at=F("refused_at") - span,
        closed_until=F("closed_until") - span,
        probe_at=F("probe_at") - span,
    )


# --- Asked too much ------------------------------------------------------------------------------------------------

NAMED: dict[str, tuple[dict[str, str], float, float]] = {
    "Retry-After": ({"Retry-After": "20"}, 18, 20),
    "milliseconds": ({"retry-after-ms": "21500"}, 20, 21.5),
    "a reset of tokens": ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}, 58, 62.5),
    "a reset of requests": ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12s"}, 11, 12),
    "nothing": ({}, 0.5, 6),
    "nonsense": ({"Retry-After": "soon"}, 0.5, 6),
}


@pytest.mark.parametrize("how", NAMED)
def test_f7_a_run_that_asks_too_much_is_put_off_to_the_named_time_and_loses_no_try(
    how: str, openai: FakeOpenAI
) -> None:
    headers, least, most = NAMED[how]
    openai.plan = [fails(429, headers, **REFUSES)] * 3
    (ticket,) = people(1)
    run(ticket)
    row = Conversation.objects.get()
    assert (said(ticket), row.attempts, row.lease_token, row.rung_at) == ([], 0, None, None)
    if how not in {"nothing", "nonsense"}:
        assert len(openai.asked_model()) == 1
        assert least < wait_of(ticket) <= most
    record = AgentRun.objects.get()
    assert (record.outcome, record.verdict) == ("postponed", "")
    pass_time(100)
    openai.plan.clear()
    run(ticket)
    assert said(ticket) == ["answer"]
    assert not Escalation.objects.exists()
    assert AgentRun.objects.latest("id").attempt == 1


def test_f7_after_a_refusal_nobody_asks_until_the_named_time(openai: FakeOpenAI) -> None:
    first, *others = people(6)
    openai.plan = [fails(429, {"Retry-After": "30"}, **REFUSES)]
    run(first)
    run(*others)
    assert len(openai.asked_model()) == 1
    waits = [wait_of(ticket) for ticket in others]
    assert min(waits) > 25
    assert waits == sorted(waits), "who came first comes back first"
    assert len({round(wait) for wait in waits}) == len(waits), "and they do not all come back at once"
    assert AgentRun.objects.count() == 1, "who did not ask has no run"
    assert set(Conversation.objects.values_list("attempts", flat=True)) == {0}


def test_f7_what_a_rule_decides_does_not_wait_for_the_provider(openai: FakeOpenAI) -> None:
    (first,) = people(1)
    openai.plan = [fails(429, {"Retry-After": "30"}, **REFUSES)]
    run(first)
    prices = write(email="ben@example.com", **PRICES).ticket
    run(prices)
    assert said(prices) == ["hand_over"]


def test_f7_the_pace_shrinks_with_refusals_grows_with_answers_and_is_forgotten(openai: FakeOpenAI) -> None:
    tickets = people(8)
    openai.plan = [fails(429, {"Retry-After": "10"}, **REFUSES)]
    run(tickets[0])
    first = provider_row().tokens_per_second
    assert first is not None
    assert 100 < first < 400, "a request of some 2,000 tokens, after 10 seconds"
    pass_time(100)
    openai.plan = [fails(429, {"Retry-After": "10"}, **REFUSES)]
    run(tickets[0])
    second = provider_row().tokens_per_second
    assert second == pytest.approx(first * provider.SLOWER)
    pass_time(100)
    run(tickets[0])
    assert provider_row().tokens_per_second == pytest.approx(second * provider.FASTER)
    pass_time(provider.FORGET_LIMIT_AFTER.total_seconds())
    run(*tickets[1:])
    assert [said(ticket) for ticket in tickets] == [["answer"]] * 8


def test_f7_many_refusals_of_what_was_asked_together_slow_down_once(openai: FakeOpenAI) -> None:
    openai.plan = [fails(429, {"Retry-After": "10"}, **REFUSES)] * 4
    run_at_once(*people(4))
    row = provider_row()
    assert row.refusals == 1
    asked = [path for path, _ in openai.requests if path != "/v1/embeddings"]  # who comes too late is not let ask
    assert AgentRun.objects.filter(outcome="postponed").count() == len(asked) > 1


def test_f7_limits_in_the_headers_are_the_pace(openai: FakeOpenAI) -> None:
    headers = {
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-tokens": "6000",
        "x-ratelimit-reset-tokens": "48s",
        "Retry-After": "10",
    }
    openai.plan = [fails(429, headers, **REFUSES)]
    run(*people(1))
    assert provider_row().tokens_per_second == pytest.approx(500)
    assert model_pace() == (State.OK, "The provider limits us: we ask for about 30,000 tokens a minute.")


def test_f7_a_turn_that_will_come_soon_is_waited_for(openai: FakeOpenAI) -> None:
    openai.plan = [fails(429, {"Retry-After": "0.2"}, **REFUSES)]
    (ticket,) = people(1)
    run(ticket)
    assert said(ticket) == ["answer"]
    assert AgentRun.objects.get().model_calls == 1


def test_f7_an_account_without_credit_is_no_limit_that_passes(openai: FakeOpenAI) -> None:
    openai.plan = [fails(429, {"Retry-After": "1"}, code="insufficient_quota")]
    (ticket,) = people(1)
    run(ticket)
    assert said(ticket) == ["hand_over"]
    assert "no credit left" in Escalation.objects.get().detail


def test_f7_after_an_hour_of_refusals_it_is_asked_once_a_minute_at_least(openai: FakeOpenAI) -> None:
    for _ in range(60):
        turn = provider.ask(2000, 3)
        provider.refused(turn, 2000, 30.0, None)
        pass_time(100)
    assert provider_row().tokens_per_second == pytest.approx(2000 / provider.SLOWEST_SECONDS)


@pytest.mark.parametrize(
    ("written", "least", "most"), [("7", 7, 7), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0), ("-3", 0, 0)]
)
def test_a_time_to_wait_may_be_seconds_or_a_date(written: str, least: float, most: float) -> None:
    seconds = named_seconds({"retry-after": written})
    assert seconds is not None
    assert least <= seconds <= most


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("6m0s", 360), ("1.5s", 1.5), ("120ms", 0.12), ("1h2m", 3720), ("7", 7), ("soon", 0), ("", 0)],
)
def test_spans_are_read_as_the_provider_writes_them(written: str, seconds: float) -> None:
    assert span(written) == pytest.approx(seconds)


# --- Failing too often ---------------------------------------------------------------------------------------------


def test_f7_after_five_failures_in_a_row_nobody_asks_and_people_take_over(openai: FakeOpenAI) -> None:
    failing, others = people(5), [write(email=f"d{n}@example.com").ticket for n in range(3)]
    openai.plan = [fails(500)] * 15
    run(*failing)
    assert len(openai.asked_model()) == 15
    assert provider_row().probe_at is not None
    run(*others)
    assert len(openai.asked_model()) == 15, "the model is not asked"
    assert [said(ticket) for ticket in others] == [["hand_over"]] * 3
    for escalation in Escalation.objects.all():
        assert escalation.reason == "tool_failure"
        assert "the model cannot be reached" in escalation.detail
    run(*failing)
    assert [said(ticket) for ticket in failing] == [["hand_over"]] * 5
    run(*failing, *others)
    assert Escalation.objects.count() == 8
    state, words = model_pace()
    assert (state, "people get the questions" in words, "status" in words.lower()) == (State.FAILED, True, True)


def test_f7_an_answer_in_between_starts_the_count_again(openai: FakeOpenAI) -> None:
    tickets = people(4)
    for _ in range(2):
        openai.plan = [fails(500)] * 12
        run(*tickets)
        assert provider_row().failures == 4
        run(write(email="eve@example.com", subject="Another person asks").ticket)
        assert provider_row().failures == 0
    assert provider_row().probe_at is None


@pytest.fixture
def broken(openai: FakeOpenAI) -> FakeOpenAI:
    """A provider that nobody asks any more."""
    for _ in range(provider.FAILURES):
        provider.failed("status 500")
    return openai


def test_f7_one_probe_finds_out_whether_it_is_back(broken: FakeOpenAI) -> None:
    tickets = people(3)
    pass_time(provider.FIRST_REST_SECONDS + 1)
    turn = provider.ask(1000, 3)
    assert turn.is_probe
    run(*tickets[:2])
    assert broken.asked_model() == [], "the others do not ask while one probes"
    assert [said(ticket) for ticket in tickets[:2]] == [["hand_over"]] * 2
    provider.answered(1000, None)
    run(tickets[2])
    assert said(tickets[2]) == ["answer"]
    assert provider_row().failures == 0


def test_f7_probes_that_fail_come_after_longer_and_longer_rests(broken: FakeOpenAI) -> None:
    rests = [provider_row().rest_seconds]
    for ticket in people(5):
        pass_time(rests[-1] + 1)
        broken.plan = [fails(500)] * 3
        before = len(broken.asked_model())
        run(ticket)
        assert len(broken.asked_model()) == before + 1, "a probe asks once"
        rests.append(provider_row().rest_seconds)
    assert rests == [30, 60, 120, 240, 300, 300]
    pass_time(301)
    broken.plan.clear()
    ticket = write(email="eve@example.com").ticket
    run(ticket)
    assert said(ticket) == ["answer"]
    row = provider_row()
    assert (row.failures, row.probe_at, row.rest_seconds, row.problem) == (0, None, 0, "")


SETUP = {
    "a key that is refused": (fails(401), "OPENAI_API_KEY is refused (status 401)."),
    "a key that may not": (fails(403), "OPENAI_API_KEY is refused (status 403)."),
    "a model that does not exist": (
        fails(404),
        "The provider has no such OPENAI_MODEL, or OPENAI_BASE_URL is wrong (status 404).",
    ),
    "a parameter": (
        fails(400, code="unsupported_parameter", param="temperature", message="Unsupported parameter: 'temperature'"),
        "The model does not take the parameter temperature: set OPENAI_TEMPERATURE=none.",
    ),
    "a value": (
        fails(400, code="unsupported_value", param="temperature", message="'temperature' does not support 0"),
        "The model does not take the parameter temperature",
    ),
}


@pytest.mark.parametrize("what", SETUP)
def test_f7_what_is_set_up_wrong_is_asked_once_and_said_plainly(what: str, openai: FakeOpenAI) -> None:
    step, words = SETUP[what]
    openai.plan = [step] * 9
    tickets = people(3)
    run(*tickets)
    assert len(openai.asked_model()) == 1
    assert [said(ticket) for ticket in tickets] == [["hand_over"]] * 3
    assert all(words in escalation.detail for escalation in Escalation.objects.all())
    assert {e.reason for e in Escalation.objects.all()} == {"tool_failure"}
    assert words in model_pace()[1]


def test_a_model_that_refuses_a_temperature_is_asked_without_one(openai: FakeOpenAI, settings: Any) -> None:
    run(*people(1))
    settings.OPENAI_TEMPERATURE = None
    agent.cache_clear()
    run(write(email="ben@example.com").ticket)
    first, second = openai.asked_model()
    assert first["temperature"] == 0
    assert "temperature" not in second


def test_without_a_key_nothing_is_known_of_a_provider(settings: Any, articles: None) -> None:
    run(write().ticket)
    assert not ModelProvider.objects.exists()
    assert model_pace() == (State.OK, "The local model is not limited.")


def test_a_row_knows_until_when_by_the_clock_of_the_database(db: None) -> None:
    row = provider.look()
    assert abs((row.now - datetime.now(UTC)).total_seconds()) < 5
