"""What `manage.py evaluate` measured as one HTML page: the figures, and every row with a problem."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from agent_runner.evaluation import Kind, Measured
from agent_runner.rates import shown

CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")
FOLDED_FROM = 700  # characters
SURE = ("confidence", "top3_confidence")  # of what was decided: the surest mistakes come first


@dataclass(frozen=True, kw_only=True)
class Line:
    """One of several things that a part of a failure holds: an article, a finding, a sentence."""

    text: str
    code: str = ""
    passage: str = ""
    is_expected: bool = False


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a failure under its label: lines, a short `text`, or a long one that keeps its line ends."""

    label: str
    text: str = ""
    lines: tuple[Line, ...] = ()

    @property
    def is_long(self) -> bool:
        return len(self.text) > 60 or "\n" in self.text

    @property
    def is_essay(self) -> bool:
        """Too much to be set in bold."""
        return len(self.text) > 160 or "\n" in self.text

    @property
    def is_folded(self) -> bool:
        return len(self.text) > FOLDED_FROM


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One row with a problem: what was asked, and then everything else that is known about it."""

    name: str
    asked: Part
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Figures that belong together: a column of values, or several columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def report(name: str, kind: Kind, files: Mapping[str, Path], measured: Measured, at: datetime) -> str:
    """The page. It needs nothing else: no script, no file beside it, no network. Every text in it is escaped."""
    groups = [(words, _failures(words, kind, measured)) for words in kind.problems]
    found = [(words, failures) for words, failures in groups if failures]
    return render_to_string(
        "evaluation/report.html",
        {
            "name": name,
            "help": kind.help,
            "at": at,
            "ran_with": measured.ran_with,
            "files": [(what, path.name) for what, path in files.items()],
            "tried": len(measured.rows),
            "failed": sum(len(failures) for _, failures in found),
            "groups": found,
            "figures": list(_figures(measured.summary)),
        },
    )


def _failures(problem: str, kind: Kind, measured: Measured) -> list[Failure]:
    rows = [row for row in measured.rows if row["problem"] == problem]
    return [_failure(row, kind, measured.titles) for row in sorted(rows, key=_how_unsure)]


def _how_unsure(row: Mapping[str, Any]) -> float:
    return -max(row.get(name) or 0.0 for name in SURE)


def _failure(row: Mapping[str, Any], kind: Kind, titles: Mapping[str, str]) -> Failure:
    asked, *others = (_part(label, row.get(key), row, titles) for key, label in kind.shows.items())
    parts: list[Part] = []
    for part in others:
        # A draft that was sent stands in what was said.
        if part.lines or (part.text and not (part.is_long and any(part.text in known.text for known in parts))):
            parts.append(part)
    name = row.get("id")
    return Failure(name="" if name is None else str(name), asked=asked, parts=tuple(parts))


def _part(label: str, value: Any, row: Mapping[str, Any], titles: Mapping[str, str]) -> Part:
    if not isinstance(value, list):
        return Part(label=label, text=_words(value))
    gold = row.get("gold", [])
    return Part(label=label, lines=tuple(_line(one, gold, titles, is_gold=value is gold) for one in value))


def _line(one: Any, gold: list[str], titles: Mapping[str, str], *, is_gold: bool) -> Line:
    """An article with its title, its slug and the passage that is quoted of it; any other value as it is."""
    if not is_gold and not isinstance(one, dict):
        return Line(text=_words(one))
    slug = one if is_gold else one["slug"]
    return Line(
        text=titles.get(slug, "Not among the articles"),
        code=slug,
        passage="" if is_gold else one.get("passage") or "",
        is_expected=not is_gold and slug in gold,
    )


def _words(value: Any) -> str:
    """A value for people; codes lose their underscores."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return shown(value)
    text = "" if value is None else str(value).strip()
    return text.replace("_", " ") if CODE.fullmatch(text) else text


def _figures(summary: Mapping[str, Any]) -> Iterable[Figures]:
    """The plain figures first, then every table; lists of rows that went wrong are the rest of the page."""
    plain = {name: value for name, value in summary.items() if not isinstance(value, dict | list)}
    yield Figures(title="Figures", columns=(), rows=_pairs(plain))
    for name, value in summary.items():
        title = _label(name)
        if isinstance(value, list) and value and name != "misses":
            yield _table(title, [("", row) for row in value])
        elif isinstance(value, dict) and value and all(isinstance(row, dict) for row in value.values()):
            yield _table(title, [(_label(row), figures) for row, figures in value.items()])
        elif isinstance(value, dict) and value:
            yield Figures(title=title, columns=(), rows=_pairs(value))


def _pairs(figures: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    return tuple((_label(name), _figure(value)) for name, value in figures.items() if value != "")


def _table(title: str, rows: list[tuple[str, Mapping[str, Any]]]) -> Figures:
    columns = tuple(_label(name) for name in rows[0][1])
    is_named = any(name for name, _ in rows)
    return Figures(
        title=title,
        columns=("", *columns) if is_named else columns,
        rows=tuple((*((name,) if is_named else ()), *map(_figure, figures.values())) for name, figures in rows),
    )


def _figure(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float) and value > 1:  # milliseconds and seconds; the others are shares
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _words(value)


def _label(name: str) -> str:
    words = name[:1].upper() + name[1:].replace("_", " ")
    return f"{words.removesuffix(' ms')}, ms" if words.endswith(" ms") else words
