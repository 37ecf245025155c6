"""From what was found to figures: recall, the floor, confidence and time, as JSON and as tables."""

from collections.abc import Collection, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table

from agent_runner.rates import percentile, rate
from agent_runner.retrieval import DEPTH, SHOWN, Asked, Evaluated
from knowledge.search import Found

SHARES = (0.2, 0.4, 0.6, 1.0)
# The most telling first.
PROBLEMS = (
    NOT_FOUND := f"No article that answers among the first {DEPTH}",
    TOO_LOW := f"An article that answers, but not among the first {SHOWN}",
)
SISTER = "not_our_product"  # near enough to our own that a floor cannot tell it apart


def place(slugs: Sequence[str], gold: Collection[str]) -> int | None:
    """Where the first article that answers stands, from 1; None when none does."""
    return next((n for n, slug in enumerate(slugs, 1) if slug in gold), None)


def summary(done: Evaluated) -> dict[str, Any]:
    """The figures; rates are 0-1, and None where there is nothing to count or no floor is known."""
    per_recipe = {name: _ranking(done.asked, name) for name in ("vector", "words", "hybrid", "hybrid_resolved")}
    ms = sorted(one.ms for one in done.asked)
    first = done.asked[0].found
    return {
        "questions": len(done.asked),
        **_ranking(done.asked, done.recipe),
        "ontopic_above_floor": _above_floor([one.found for one in done.asked]),
        **_offtopic(done),
        "p50_ms": percentile(ms, 0.50),
        "p95_ms": percentile(ms, 0.95),
        "per_recipe": {name: figures for name, figures in per_recipe.items() if figures["recall_at_5"] is not None},
        "confidence": _confidence(done.asked),
        "model_id": done.model_id,
        "is_calibrated": first.is_calibrated,
        "floor": first.floor,
        "words_only": sum(one.found.words_only for one in done.asked),
        "articles": done.articles,
        "chunks": done.chunks,
        "index": done.index,
        "index_error": done.index_error,
        "embedded": done.embedded,
        "embed_seconds": round(done.embed_seconds, 1),
        "resolved": done.learned and {"learned": done.learned.new, "left_out": done.learned.left_out},
    }


def rows(done: Evaluated) -> list[dict[str, Any]]:
    """One row for each question: what was found, best first, and how sure the search is of it."""
    return [
        {
            "id": one.question.id,
            "question": one.question.text(),
            "gold": sorted(one.question.gold),
            "hits": [
                {"slug": hit.slug, "similarity": _round(hit.similarity), "confidence": _round(hit.confidence)}
                for hit in one.found.hits
            ],
            "top3_confidence": _round(one.found.confidence_top3),
            "is_above_floor": one.found.is_near,
            "gold_place": place(one.slugs[done.recipe], one.question.gold),
            "problem": _problem(place(one.slugs[done.recipe], one.question.gold)),
            "ms": round(one.ms, 1),
        }
        for one in done.asked
    ]


def _problem(found_at: int | None) -> str:
    if found_at is None:
        return NOT_FOUND
    return "" if found_at <= SHOWN else TOO_LOW


def _ranking(asked: Sequence[Asked], recipe: str) -> dict[str, float | None]:
    places = [place(one.slugs[recipe], one.question.gold) for one in asked if recipe in one.slugs]
    return {
        "recall_at_1": rate([p is not None and p <= 1 for p in places]),
        "recall_at_5": rate([p is not None and p <= 5 for p in places]),
        "mrr_at_10": _round(sum(1 / p for p in places if p is not None and p <= 10) / len(places)) if places else None,
    }


def _offtopic(done: Evaluated) -> dict[str, Any]:
    by_kind: dict[str, list[Found]] = {}
    for row, found in done.offtopic or ():
        by_kind.setdefault(row.kind, []).append(found)
    return {
        "offtopic_above_floor": _above_floor([f for kind, some in by_kind.items() if kind != SISTER for f in some]),
        "offtopic_by_kind": {kind: _above_floor(some) for kind, some in sorted(by_kind.items())},
        "offtopic": sum(map(len, by_kind.values())),
    }


def _above_floor(found: Sequence[Found]) -> float | None:
    return rate([one.is_near for one in found if one.is_calibrated])


def _confidence(asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """Of the most confident questions: how often the top article answers, and how often one of the top three does.

    Each by its own confidence; `top3_by_top1` takes the questions whose top article is most confident.
    """
    found = []
    by_top1 = sorted(asked, key=lambda one: -one.found.confidence)
    by_top3 = sorted(asked, key=lambda one: -one.found.confidence_top3)
    for share in SHARES:
        size = max(1, round(share * len(asked)))
        figures = {
            name: rate([_in_top(one, top) for one in some[:size]])
            for name, some, top in (("top1", by_top1, 1), ("top3", by_top3, 3), ("top3_by_top1", by_top1, 3))
        }
        found.append({"share": share, "questions": size, **figures})
    return found


def _in_top(one: Asked, top: int) -> bool:
    return place([hit.slug for hit in one.found.hits[:top]], one.question.gold) is not None


def _round(value: float) -> float:
    return round(value, 4)


def tables(figures: dict[str, Any]) -> Group:
    """The summary for people."""
    recipes = Table("recipe", "recall@1", "recall@5", "MRR@10", title=f"{figures['questions']} questions")
    for name, some in figures["per_recipe"].items():
        recipes.add_row(name.replace("_", " + "), *(f"{value:.3f}" for value in some.values()))
    confident = Table("most confident", "questions", "top article answers", "one of three does", title="Confidence")
    for one in figures["confidence"]:
        confident.add_row(f"{one['share']:.0%}", str(one["questions"]), f"{one['top1']:.2f}", f"{one['top3']:.2f}")
    floor = Table("above the floor", "share", title=f"Floor {figures['floor']:.3f}")
    above = {"the questions": figures["ontopic_above_floor"]}
    above |= {f"off topic: {kind}": share for kind, share in figures["offtopic_by_kind"].items()}
    for what, share in above.items():
        floor.add_row(what, "not calibrated" if share is None else f"{share:.1%}")
    closing = (
        f"{figures['articles']} articles, {figures['chunks']} passages, {figures['model_id']}, "
        f"{figures['index']} search; "
        f"{figures['embedded']} texts embedded in {figures['embed_seconds']} s; "
        f"a search takes {figures['p50_ms']} ms (p50), {figures['p95_ms']} ms (p95)."
    )
    return Group(recipes, confident, floor, closing)
