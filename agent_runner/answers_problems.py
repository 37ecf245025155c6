"""What went wrong with each question that was asked, for the rows and the report."""

from typing import Any

from agent_runner.answers import Answered, Handled, rows
from knowledge.question_files import OffTopic

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
    gold = set(one.row.gold)
    if verdict == "answer":
        return UNSUPPORTED if one.unsupported() else "" if one.quoted in gold else OTHER_ARTICLE
    if verdict == "suggest":
        return OTHER_SUGGESTED if gold.isdisjoint(one.slugs) else ""
    return NOT_FOUND if gold.isdisjoint(hit["slug"] for hit in one.run.hits) else HELD_BACK


def rows_with_problems(done: Answered) -> list[dict[str, Any]]:
    """The rows for --out, each with its `problem` and what is needed to see where it comes from."""
    return [
        {
            **row,
            "problem": problem(one),
            "unsupported": one.unsupported(),
            "hits": [{"slug": hit["slug"], "similarity": round(hit["similarity"], 4)} for hit in one.run.hits],
        }
        for one, row in zip((*done.questions, *done.offtopic), rows(done), strict=True)
    ]
