"""Every run is counted once."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from agent_runner import metrics
from agent_runner.metrics import meter_runs
from agent_runner.models import AgentRun, RunMetric
from tests.concurrency import at_once, real_commits
from tests.factories import write
from tickets.models import Ticket


def a_run(ticket: Ticket, *, outcome: str = "stored", verdict: str = "answer", hours_ago: int = 0) -> AgentRun:
    run = AgentRun.objects.create(
        conversation=ticket.conversation,
        ticket=ticket,
        outcome=outcome,
        verdict=verdict,
        model_calls=1,
        input_tokens=100,
        output_tokens=20,
        started_at=Now(),
    )
    finished = run.started_at + timedelta(milliseconds=250) - timedelta(hours=hours_ago)
    AgentRun.objects.filter(pk=run.pk).update(started_at=finished - timedelta(milliseconds=250), finished_at=finished)
    return run


@pytest.fixture
def ticket(db: None) -> Ticket:
    return write().ticket


def counted() -> dict[tuple[str, str, str], int]:
    return {(m.channel, m.outcome, m.verdict): m.runs for m in RunMetric.objects.all()}


def test_runs_are_summed_by_hour_channel_outcome_and_verdict(ticket: Ticket) -> None:
    for _ in range(3):
        a_run(ticket)
    a_run(ticket, verdict="hand_over")
    a_run(ticket, outcome="failed", verdict="")
    meter_runs()
    assert counted() == {
        ("web_form", "stored", "answer"): 3,
        ("web_form", "stored", "hand_over"): 1,
        ("web_form", "failed", ""): 1,
    }
    found = RunMetric.objects.get(verdict="answer")
    assert (found.model_calls, found.input_tokens, found.output_tokens, found.latency_ms) == (3, 300, 60, 750)
    assert (found.hour.minute, found.hour.second, found.hour.microsecond) == (0, 0, 0)


def test_a_run_of_another_hour_goes_into_its_own_row(ticket: Ticket) -> None:
    a_run(ticket)
    a_run(ticket, hours_ago=5)
    meter_runs()
    assert sorted(RunMetric.objects.values_list("runs", flat=True)) == [1, 1]


def test_a_run_that_is_rung_again_is_not_counted_again(ticket: Ticket) -> None:
    a_run(ticket)
    for _ in range(3):
        meter_runs()
    a_run(ticket)
    meter_runs()
    assert counted() == {("web_form", "stored", "answer"): 2}


def test_more_runs_than_a_batch_are_all_counted(ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BATCH", 2)
    for _ in range(5):
        a_run(ticket)
    meter_runs()
    assert counted() == {("web_form", "stored", "answer"): 5}


@real_commits
def test_several_counters_at_once_count_each_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BATCH", 3)
    ticket = write().ticket
    for number in range(30):
        a_run(ticket, verdict=("answer", "suggest", "draft")[number % 3])
    assert at_once(4, lambda _: meter_runs()) == [None] * 4
    assert set(counted().values()) == {10}


def test_a_run_that_ended_before_it_began_by_another_clock_took_no_time(ticket: Ticket) -> None:
    run = a_run(ticket)
    AgentRun.objects.filter(pk=run.pk).update(finished_at=Now() - timedelta(seconds=5), started_at=Now())
    meter_runs()
    assert RunMetric.objects.get().latency_ms == 0
