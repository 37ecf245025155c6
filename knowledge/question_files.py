"""Questions from .jsonl files: with the articles that answer them, as customers asked them, or off the topic."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fte_project.text import clean_line, clean_text
from knowledge.loading import json_object

LONGEST_ID = 70


class BadQuestion(ValueError):
    """A file or line that holds no question; the text says where and what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question as a customer wrote it. `gold` are the slugs of the articles that answer it: any of them does.

    `id` is what the file says; without one it is empty in a file of resolved questions, which need none.
    """

    id: int | str
    title: str
    body: str
    gold: tuple[str, ...]
    asked_at: datetime | None = None

    def text(self) -> str:
        """What the search is asked; it cuts it itself."""
        return f"{self.title}\n{self.body}"

    def source(self) -> str:
        """Where it comes from, as ResolvedQuestion.source: its id, or a hash of its words."""
        name = str(self.id)
        if not name or len(name) > LONGEST_ID:
            name = hashlib.sha256((name or self.text()).encode()).hexdigest()[:40]
        return f"file:{name}"


@dataclass(frozen=True, kw_only=True)
class OffTopic:
    """Something that the articles do not answer. `kind`: what it is in place of that."""

    title: str
    body: str
    kind: str

    def text(self) -> str:
        return f"{self.title}\n{self.body}"


def read_questions(path: Path) -> list[Question]:
    """Rows `{id, title?, body, gold: [slug], asked_at?}`. Raises BadQuestion, also for an id that stands twice."""
    found: list[Question] = []
    ids: set[str] = set()
    for where, row in json_rows(path):
        question = _question(row, where)
        if question.id == "":
            raise BadQuestion(f"{where} has no id.")
        if str(question.id) in ids:
            raise BadQuestion(f"{where}: the id {question.id} stands twice.")
        ids.add(str(question.id))
        found.append(question)
    return found


def read_resolved(path: Path) -> list[Question]:
    """Rows `{title?, body, gold: [slug], id?, asked_at?}` of questions that were answered. Raises BadQuestion."""
    return [_question(row, where) for where, row in json_rows(path)]


def read_offtopic(path: Path) -> list[OffTopic]:
    """Rows `{title?, body, kind}`. Raises BadQuestion."""
    return [
        OffTopic(title=_text(row, "title", where), body=_body(row, where), kind=_required(row, "kind", where))
        for where, row in json_rows(path)
    ]


def json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a .jsonl file, each with the words for where it stands. At least one."""
    is_empty = True
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    is_empty = False
                    where = f"{path.name}, line {number}"
                    yield where, json_object(line, where, BadQuestion)
    except UnicodeDecodeError as error:
        raise BadQuestion(f"{path.name} is not UTF-8 text: {error}") from error
    except OSError as error:
        raise BadQuestion(f"{path} cannot be read: {error.strerror or error}") from error
    if is_empty:
        raise BadQuestion(f"{path.name} holds no rows.")


def _question(row: dict[str, Any], where: str) -> Question:
    gold = row.get("gold")
    if not isinstance(gold, list) or not gold or not all(isinstance(s, str) and clean_text(s) for s in gold):
        raise BadQuestion(f"{where}: gold must be a list of the slugs of the articles that answer it.")
    name = row.get("id")
    if name is None:
        name = ""
    if isinstance(name, bool) or not isinstance(name, int | str):
        raise BadQuestion(f"{where}: id must be a number or a text.")
    return Question(
        id=clean_line(name) if isinstance(name, str) else name,
        title=_text(row, "title", where),
        body=_body(row, where),
        gold=tuple(dict.fromkeys(clean_text(slug) for slug in gold)),
        asked_at=_moment(row.get("asked_at"), where),
    )


def _text(row: dict[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise BadQuestion(f"{where}: {name} must be a text.")
    return clean_text(value or "")


def _required(row: dict[str, Any], name: str, where: str) -> str:
    found = _text(row, name, where)
    if not found:
        raise BadQuestion(f"{where} has no {name}.")
    return found


def _body(row: dict[str, Any], where: str) -> str:
    """The body; one without words is no mistake while there is a title."""
    return _text(row, "body", where) if _text(row, "title", where) else _required(row, "body", where)


def _moment(value: object, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise BadQuestion(f"{where}: asked_at must be a moment like 2026-05-01T12:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
