"""What went wrong with each question that was asked, for the rows and the report."""

from typing import Any

from agent_runner.answers import Answered, Handled
from knowledge.question_files import OffTopic, Question

# The most telling first.
PROBLEMS = (
    OFF_TOPIC := "Off topic, and answered",
    UNSUPPORTED := "Answered with a sentence that stands in no passage it cites",
    OTHER_ARTICLE := "Answered from another article",
    HELD_BACK := "Handed over although an article that answers was among the hits",
    OTHER_SUGGESTED := "Suggested, without an article that answers",
    NOT_FOUND := "Handed over, and no article that answers was among the hits",
)


def problem(one: Handled) -> str:
    """What went wrong; empty when nothing did. A suggestion that holds an article that answers is right."""
    verdict = one.verdict
    if isinstance(one.row, OffTopic):
        return OFF_TOPIC if verdict == "answer" else ""
    if verdict == "answer":
        return UNSUPPORTED if one.unsupported() else "" if one.quoted in one.gold else OTHER_ARTICLE
    if verdict == "suggest":
        return OTHER_SUGGESTED if one.gold.isdisjoint(one.slugs) else ""
    return NOT_FOUND if one.gold.isdisjoint(hit["slug"] for hit in one.run.hits) else HELD_BACK


def rows(done: Answered) -> list[dict[str, Any]]:
    """A row for each thing that was asked, with its `problem` and what is needed to see where it comes from."""
    return [_row(one) for one in (*done.questions, *done.offtopic)]


def _row(one: Handled) -> dict[str, Any]:
    asked = {"id": one.row.id} if isinstance(one.row, Question) else {"id": None, "kind": one.row.kind}
    return {
        **asked,
        "verdict": one.verdict,
        "reason": one.run.reason,
        "text": one.reply.body,
        "citations": [{"slug": s["slug"], "passage": s["passage"]} for s in one.reply.sources],
        "gold": sorted(one.gold),
        "findings": one.run.findings,
        "confidence": one.run.confidence,
        "question": one.row.text(),
        "draft": one.run.draft,
        "ms": round(one.ms, 1),
        "problem": problem(one),
        "unsupported": one.unsupported(),
        "hits": [{"slug": hit["slug"], "similarity": round(hit["similarity"], 4)} for hit in one.run.hits],
    }
