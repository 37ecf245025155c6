"""Whether what must go to people goes to people, and nothing else: measured on rows with a known verdict."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table

from agent_runner.rates import rate, shown
from agent_runner.sentiment import feel, is_negative
from agent_runner.triggers import find_trigger
from fte_project.events import Channel
from knowledge.question_files import BadQuestion, json_rows
from tickets.reasons import Reason

# The most telling first.
PROBLEMS = (
    MISSED := "Had to go to people, and did not",
    OTHER_REASON := "Went to people for another reason",
    NEEDLESS := "Went to people needlessly",
)
ASKING_PROBLEMS = (
    NOT_UNDERSTOOD := "Asks for a person, and was not understood",
    NOT_ASKED := "Asks for no person, and was taken to",
)
SOURCES = ("nlupp", "bitext", "hint3")


def judged(text: str) -> Reason | None:
    """Why this message goes to people before the knowledge base is asked, or None."""
    if found := find_trigger(text):
        return found.reason
    return Reason.NEGATIVE_SENTIMENT if is_negative(feel(text)) else None


def add_escalation(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="rows {channel, text, must_escalate, reason}")
    parser.add_argument("--articles", type=Path, help="taken for the sake of one interface; the rules need no articles")


def add_wants_human(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="rows {text, wants_human, source?}")


def escalation_figures(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The figures and a row for each message. Raises BadQuestion."""
    rows = [_judged_row(row) for row in _escalation_rows(path)]
    must = [row for row in rows if row["must_escalate"]]
    figures = {
        "n": len(rows),
        "must": len(must),
        "recall": rate([bool(row["got"]) for row in must]),
        "over_escalation": rate([bool(row["got"]) for row in rows if not row["must_escalate"]]),
        "reason_accuracy": rate([row["got"] == row["expected"] for row in must if row["got"]]),
        "misses": [
            {name: row[name] for name in ("text", "expected", "got")} for row in rows if row["got"] != row["expected"]
        ],
    }
    return figures, rows


def wants_human_figures(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The figures and a row for each message. Raises BadQuestion."""
    rows = [_asking_row(row) for row in _wants_human_rows(path)]
    per_source = {name: _of_asking([row for row in rows if row["source"].startswith(name)]) for name in SOURCES}
    return {**_of_asking(rows), "per_source": per_source}, rows


def escalation_tables(figures: dict[str, Any]) -> Group:
    """The same for people, with what went wrong."""
    table = Table(title=f"{figures['n']} messages, {figures['must']} of them for people")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name in ("recall", "over_escalation", "reason_accuracy"):
        table.add_row(name, shown(figures[name]))
    wrong = Table(title="Wrong")
    for name in ("text", "expected", "got"):
        wrong.add_column(name)
    for miss in figures["misses"]:
        wrong.add_row(miss["text"][:100], miss["expected"], miss["got"])
    return Group(table, wrong) if figures["misses"] else Group(table)


def wants_human_tables(figures: dict[str, Any]) -> Table:
    """The same for people."""
    table = Table(title="Asks for a person")
    for name in ("source", "precision", "recall"):
        table.add_column(name)
    for source, part in {"all": figures, **figures["per_source"]}.items():
        table.add_row(source, shown(part["precision"]), shown(part["recall"]))
    return table


def _judged_row(row: dict[str, Any]) -> dict[str, Any]:
    expected, got = row["reason"] or "", judged(row["text"]) or ""
    return {
        "channel": row["channel"],
        "text": row["text"],
        "must_escalate": row["must_escalate"],
        "expected": expected,
        "got": got,
        "problem": "" if got == expected else MISSED if not got else OTHER_REASON if expected else NEEDLESS,
    }


def _asking_row(row: dict[str, Any]) -> dict[str, Any]:
    got = judged(row["text"]) == Reason.CUSTOMER_REQUEST
    problem = "" if got == row["wants_human"] else NOT_ASKED if got else NOT_UNDERSTOOD
    return {**row, "got": got, "problem": problem}


def _of_asking(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    return {
        "precision": rate([row["wants_human"] for row in rows if row["got"]]),
        "recall": rate([row["got"] for row in rows if row["wants_human"]]),
    }


def _escalation_rows(path: Path) -> Iterator[dict[str, Any]]:
    for where, row in json_rows(path):
        _need_text(row, where)
        if row.get("channel") not in Channel.values:
            raise BadQuestion(f"{where}: channel must be one of {', '.join(Channel.values)}.")
        must = _truth(row, "must_escalate", where)
        reason = row.get("reason") or ""
        if must and reason not in Reason.values:
            raise BadQuestion(f"{where}: reason must be one of {', '.join(Reason.values)}.")
        if reason and not must:
            raise BadQuestion(f"{where}: a row that need not go to people has no reason.")
        yield {**row, "reason": reason}


def _wants_human_rows(path: Path) -> Iterator[dict[str, Any]]:
    for where, row in json_rows(path):
        _need_text(row, where)
        source = row.get("source") or ""
        if not isinstance(source, str):
            raise BadQuestion(f"{where}: source must be a text.")
        yield {"text": row["text"], "wants_human": _truth(row, "wants_human", where), "source": source}


def _need_text(row: dict[str, Any], where: str) -> None:
    if not isinstance(row.get("text"), str) or not row["text"].strip():
        raise BadQuestion(f"{where} has no text.")


def _truth(row: dict[str, Any], name: str, where: str) -> bool:
    value = row.get(name)
    if not isinstance(value, bool):
        raise BadQuestion(f"{where}: {name} must be true or false.")
    return value
