"""`manage.py evaluate sentiment`: how well the mood of messages is told without a key, and how often wrongly angry."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from agent_runner.rates import rate
from agent_runner.retrieval import Progress
from agent_runner.sentiment import SENTIMENTS, Feeling, feel, is_negative
from fte_project.text import clean_text
from knowledge.question_files import BadQuestion, json_rows

POSITIVE_ABOVE = 0.65
# The most telling first.
PROBLEMS = (
    NOT_ANGRY := "Taken for an angry one",
    ANGRY := "Angry, and not noticed",
    MIXED_UP := "Neutral and positive mixed up",
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A message, what it is labelled and what was felt in it."""

    text: str
    sentiment: str
    feeling: Feeling

    @property
    def told(self) -> str:
        """The label that the feeling stands for."""
        if is_negative(self.feeling):
            return "negative"
        return "positive" if self.feeling.score > POSITIVE_ABOVE else "neutral"

    @property
    def problem(self) -> str:
        """What went wrong; empty when nothing did."""
        if self.told == self.sentiment:
            return ""
        return NOT_ANGRY if self.told == "negative" else ANGRY if self.sentiment == "negative" else MIXED_UP


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="rows {text, sentiment: negative|neutral|positive}")


def read_labelled(path: Path) -> list[tuple[str, str]]:
    """The rows of a .jsonl file as pairs of text and sentiment. Raises BadQuestion, naming file and line."""
    return [_labelled(row, where) for where, row in json_rows(path)]


def judge_rows(labelled: Sequence[tuple[str, str]], progress: Progress) -> list[Judged]:
    """What the product feels in each message. Needs no database."""
    step = progress("Messages", len(labelled))
    judged = []
    for text, sentiment in labelled:
        judged.append(Judged(text=text, sentiment=sentiment, feeling=feel(text)))
        step()
    return judged


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """The figures; a rate over no rows is null."""
    return {
        "n": len(judged),
        "accuracy": rate([one.told == one.sentiment for one in judged]),
        "negative_recall": rate([one.told == "negative" for one in judged if one.sentiment == "negative"]),
        "negative_false_positive": rate([one.told == "negative" for one in judged if one.sentiment != "negative"]),
    }


def rows(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """One row for each message, for --out."""
    return [
        {
            "text": one.text,
            "sentiment": one.sentiment,
            "got": one.told,
            "score": one.feeling.score,
            "confidence": one.feeling.confidence,
            "problem": one.problem,
        }
        for one in judged
    ]


def table(figures: dict[str, Any]) -> Table:
    """The figures for people."""
    shown = Table("Sentiment", "")
    for name, value in figures.items():
        shown.add_row(name.replace("_", " "), "–" if value is None else str(value))
    return shown


def _labelled(row: dict[str, Any], where: str) -> tuple[str, str]:
    text, sentiment = row.get("text"), row.get("sentiment")
    if not isinstance(text, str) or not clean_text(text):
        raise BadQuestion(f"{where} has no text.")
    if sentiment not in SENTIMENTS:
        raise BadQuestion(f"{where}: sentiment must be negative, neutral or positive.")
    return clean_text(text), sentiment
