"""`evaluate gate`: whether the gate lets faithful sentences through and keeps back those with a fault."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from agent_runner.entailment import KINDS
from agent_runner.rates import rate, shown
from agent_runner.support import unsupported
from fte_project.text import clean_text
from knowledge.question_files import BadQuestion, json_rows

FAITHFUL = KINDS[0]
# The most telling first.
PROBLEMS = (
    LET_THROUGH := "Let through, with a fault",
    KEPT_BACK := "Kept back, without a fault",
)


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A sentence about a passage, and what is wrong with it."""

    passage: str
    sentence: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A labelled sentence with what the gate found: nothing when it lets it through."""

    row: Labelled
    finding: str | None

    @property
    def is_right(self) -> bool:
        return (self.finding is None) == (self.row.label == FAITHFUL)

    @property
    def problem(self) -> str:
        """What went wrong; empty when nothing did."""
        return "" if self.is_right else LET_THROUGH if self.finding is None else KEPT_BACK


def add_arguments(parser: ArgumentParser) -> None:
    """What `evaluate gate` takes."""
    parser.add_argument(
        "--data", type=Path, required=True, help=f"rows {{passage, sentence, label}}, label one of {', '.join(KINDS)}"
    )


def read_labelled(path: Path) -> list[Labelled]:
    """The rows of a .jsonl file, at least one. Raises BadQuestion with the file and the line."""
    return [_labelled(row, where) for where, row in json_rows(path)]


def _labelled(row: dict[str, Any], where: str) -> Labelled:
    for name in ("passage", "sentence", "label"):
        if not isinstance(row.get(name), str) or not clean_text(row[name]):
            raise BadQuestion(f"{where}: {name} must be a text.")
    if row["label"] not in KINDS:
        raise BadQuestion(f"{where}: label must be one of {', '.join(KINDS)}.")
    return Labelled(passage=clean_text(row["passage"]), sentence=clean_text(row["sentence"]), label=row["label"])


def judge_rows(rows: list[Labelled]) -> list[Judged]:
    """What the gate finds about each sentence."""
    return [Judged(row=r, finding=unsupported(r.sentence, [r.passage])) for r in rows]


def summary(judged: list[Judged]) -> dict[str, Any]:
    """The figures. A share of no rows is null."""
    by_label = {label: [j for j in judged if j.row.label == label] for label in KINDS}
    return {
        "n": len(judged),
        "caught": _share([j for j in judged if j.row.label != FAITHFUL]),
        "passed": _share(by_label[FAITHFUL]),
        "by_label": {label: {"n": len(some), "right": _share(some)} for label, some in by_label.items()},
    }


def _share(judged: list[Judged]) -> float | None:
    return rate([j.is_right for j in judged])


def table(figures: dict[str, Any]) -> Table:
    """The figures for people."""
    found = Table("Sentences", "Rows", "Judged rightly")
    for label, of_it in figures["by_label"].items():
        found.add_row(label, str(of_it["n"]), shown(of_it["right"]))
    return found


def rows(judged: list[Judged]) -> list[dict[str, Any]]:
    """One object for each sentence."""
    return [
        {
            "sentence": j.row.sentence,
            "label": j.row.label,
            "verdict": "passed" if j.finding is None else "caught",
            "reason": j.finding,
            "passage": j.row.passage,
            "problem": j.problem,
        }
        for j in judged
    ]
