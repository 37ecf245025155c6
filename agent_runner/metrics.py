"""Runs become metrics: every run is counted once, whoever counts and however often it is rung."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from agent_runner.models import AgentRun, RunMetric
from fte_project.db import unit_of_work
from fte_project.events import Event, RunFinished, topic
from fte_project.inbox import OVERDUE, work_through

BATCH = 500
Bucket = tuple[datetime, str, str, str]  # hour, channel, outcome, verdict
SUMS = ("runs", "model_calls", "input_tokens", "output_tokens", "cost_usd", "latency_ms")


def meter_runs() -> None:
    """Add every run that is not in the metrics yet to its bucket, and mark it, in one transaction a batch."""
    while _meter_batch():
        pass


def _meter_batch() -> int:
    with transaction.atomic():
        runs = list(
            AgentRun.objects.filter(metered_at=None)
            .select_related("ticket")
            .only("outcome", "verdict", "started_at", "finished_at", *SUMS[1:5], "ticket__channel")
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("id")[:BATCH]
        )
        AgentRun.objects.filter(pk__in=[run.pk for run in runs]).update(metered_at=Now())
        for (hour, channel, outcome, verdict), sums in sorted(_sums(runs).items()):  # one order: no deadlock
            bucket, _ = RunMetric.objects.get_or_create(hour=hour, channel=channel, outcome=outcome, verdict=verdict)
            RunMetric.objects.filter(pk=bucket.pk).update(**{name: F(name) + sums[name] for name in SUMS})
    return len(runs)


def _sums(runs: Iterable[AgentRun]) -> dict[Bucket, dict[str, int | Decimal]]:
    found: dict[Bucket, dict[str, int | Decimal]] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    for run in runs:
        hour = run.finished_at.replace(minute=0, second=0, microsecond=0)
        sums = found[hour, run.ticket.channel, run.outcome, run.verdict]
        values = (1, run.model_calls, run.input_tokens, run.output_tokens, run.cost_usd or 0, run.latency_ms)
        for name, value in zip(SUMS, values, strict=True):
            sums[name] += value
    return found


async def _meter(_: str) -> None:
    await unit_of_work(meter_runs)()


def _pick(event: Event) -> str | None:
    return "runs" if isinstance(event, RunFinished) else None  # one ring for all: whoever hears it counts everything


def _is_overdue() -> bool:
    return AgentRun.objects.filter(metered_at=None, finished_at__lt=Now() - OVERDUE).exists()


async def count_runs(stop: asyncio.Event) -> None:
    """Count what is rung, until told to stop; a part of the agent role."""
    await work_through(
        stop,
        group="fte.metrics",
        topics=[topic("fte.metrics")],
        pick=_pick,
        work=_meter,
        overdue=_is_overdue,
        at_once=1,
    )
