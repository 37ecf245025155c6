"""Questions from files: what a row may be, and a mistake is told with file, line and reason."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from knowledge.question_files import BadQuestion, read_offtopic, read_questions, read_resolved


def write(folder: Path, *rows: Any, name: str = "q.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def test_a_question_is_what_a_customer_wrote(tmp_path: Path) -> None:
    row = {"id": 7, "title": "Hi", "body": " How?\r\nSo. ", "gold": ["a", "b", "a"], "answer": "…", "url": "https://x"}
    (question,) = read_questions(write(tmp_path, row, ""))
    assert (question.id, question.text(), question.gold) == (7, "Hi\nHow?\nSo.", ("a", "b"))
    assert question.asked_at is None


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-05-01T12:00:00Z", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2026-05-01T14:00:00+02:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
    ],
)
def test_a_row_may_say_when_it_was_asked(written: str, moment: datetime, tmp_path: Path) -> None:
    (question,) = read_questions(write(tmp_path, {"id": "a", "body": "x", "gold": ["a"], "asked_at": written}))
    assert question.asked_at == moment


def test_a_resolved_question_needs_no_id(tmp_path: Path) -> None:
    row = {"title": "T", "body": "x", "gold": ["a"]}
    one, other, long = read_resolved(write(tmp_path, row, {**row, "id": "n-1"}, {**row, "id": "n" * 200}))
    assert one.source() == read_resolved(write(tmp_path, row))[0].source() != other.source() == "file:n-1"
    assert len(long.source()) <= 80


def test_what_is_off_topic_has_a_kind(tmp_path: Path) -> None:
    (row,) = read_offtopic(write(tmp_path, {"title": "", "body": "My card was declined", "kind": "bank"}))
    assert (row.text(), row.kind) == ("\nMy card was declined", "bank")


GOOD = {"id": 1, "title": "T", "body": "x", "gold": ["a"]}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("{", "line 2 is not valid JSON"),
        ("[]", "line 2 is not a JSON object"),
        ({**GOOD, "gold": []}, "line 2: gold must be a list"),
        ({**GOOD, "gold": "a"}, "line 2: gold must be a list"),
        ({**GOOD, "gold": [1]}, "line 2: gold must be a list"),
        ({**GOOD, "id": 2, "body": 5}, "line 2: body must be a text"),
        ({"id": 2, "gold": ["a"]}, "line 2 has no body"),
        ({"body": "x", "gold": ["a"]}, "line 2 has no id"),
        ({**GOOD, "id": 1.5}, "line 2: id must be"),
        ({**GOOD, "id": "1"}, "line 2: the id 1 stands twice"),
        ({**GOOD, "id": 2, "asked_at": "yesterday"}, "line 2: asked_at must be"),
        ({**GOOD, "id": 2, "asked_at": 5}, "line 2: asked_at must be"),
    ],
)
def test_a_mistake_is_told_with_its_line(row: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(BadQuestion, match=rf"^q\.jsonl, {why}"):
        read_questions(write(tmp_path, GOOD, row))


def test_off_topic_without_a_kind_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(BadQuestion, match="line 1 has no kind"):
        read_offtopic(write(tmp_path, {"body": "x"}))


@pytest.mark.parametrize("read", [read_questions, read_resolved, read_offtopic])
def test_a_file_that_cannot_be_read_is_named(read: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(BadQuestion, match=r"none\.jsonl cannot be read: No such file"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(BadQuestion, match=r"q\.jsonl holds no rows"):
        read(write(tmp_path, ""))
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe{}")
    with pytest.raises(BadQuestion, match=r"b\.jsonl is not UTF-8"):
        read(tmp_path / "b.jsonl")
