"""From what the assistant did to figures: how much it answers alone, how often it is right, and what it costs."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from agent_runner.answers import Answered, Handled
from agent_runner.rates import percentile, rate, shown
from agent_runner.retrieval_figures import SISTER
from knowledge.question_files import OffTopic


def summary(done: Answered) -> dict[str, Any]:
    """The JSON of INTERFACES. `handed_over` holds drafts and fixed replies; what is off topic has its own figures."""
    answered = [one for one in done.questions if one.verdict == "answer"]
    suggested = [one for one in done.questions if one.verdict == "suggest"]
    sister = [one for one in done.offtopic if _is_sister(one)]
    strange = [one for one in done.offtopic if not _is_sister(one)]
    everything = (*done.questions, *done.offtopic)
    times = sorted(one.ms for one in done.questions)
    return {
        "questions": len(done.questions),
        "answered": len(answered),
        "suggested": len(suggested),
        "handed_over": len(done.questions) - len(answered) - len(suggested),
        "answered_gold": rate([one.quoted in one.gold for one in answered]),
        "answered_gold_any": rate([not one.gold.isdisjoint(one.slugs) for one in answered]),
        "suggested_gold": rate([not one.gold.isdisjoint(one.slugs) for one in suggested]),
        "unsupported_sentences": sum(len(one.unsupported()) for one in everything),
        "model_calls_mean": round(sum(one.run.model_calls for one in done.questions) / len(done.questions), 4),
        "p50_ms": percentile(times, 0.5),
        "p95_ms": percentile(times, 0.95),
        "beside_search_p95_ms": percentile(sorted(one.beside_search_ms for one in done.questions), 0.95),
        "cost_usd": float(sum(one.run.cost_usd or 0 for one in everything)),
        "offtopic": len(done.offtopic),
        "offtopic_answered": rate([one.verdict == "answer" for one in strange]),
        "sister_answered": rate([one.verdict == "answer" for one in sister]),
        "by_reason": _reasons(done.questions),
    }


def table(figures: dict[str, Any]) -> Table:
    """The same for people."""
    found = Table("", "", title=f"{figures['questions']} questions, {figures['offtopic']} messages off topic")
    for name, value in figures.items():
        if name not in {"questions", "offtopic", "by_reason"}:
            found.add_row(name.replace("_", " "), shown(value) if isinstance(value, float | None) else str(value))
    return found


def _is_sister(one: Handled) -> bool:
    return isinstance(one.row, OffTopic) and one.row.kind == SISTER


def _reasons(handled: Sequence[Handled]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in handled:
        if one.verdict != "answer":
            name = f"{one.verdict}: {one.run.reason}"
            found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))
