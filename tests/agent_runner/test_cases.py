"""The labelled cases have the shape that the evaluation reads. What the assistant does with them is measured elsewhere.

`actions` are the right ones, any of which counts: answer (an article answers it fully), suggest (a person answers,
articles are suggested meanwhile), draft (for staff), hand_over, ask (one clarifying question), thanks (a closing gets a
short fixed word or nothing, and no search), none (automatic mail gets nothing). `reason` is set where a rule decides.
The labels hold without a key: whoever writes in another language than the articles is handed over.
"""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.factories import SAMPLE
from tickets.reasons import Reason

CASES = Path(__file__).parent / "cases"
FIELDS = {
    "questions": {"id", "channel", "title", "body", "gold", "actions"},
    "tickets": {"id", "channel", "subject", "messages", "actions", "gold", "reason"},
    "edge_cases": {"id", "channel", "title", "body", "actions", "gold", "reason", "note"},
}
CHANNELS = {"email", "whatsapp", "web_form"}
ACTIONS = {"answer", "suggest", "draft", "hand_over", "ask", "thanks", "none"}
Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows(name: str) -> list[Row]:
    return read(CASES / f"{name}.jsonl")


def text(row: Row) -> str:
    if "messages" in row:
        return "\n".join([row["subject"], *(m["text"] for m in row["messages"])])
    return f"{row['title']}\n{row['body']}"


def words(row: Row) -> set[str]:
    return set("".join(c if c.isalnum() else " " for c in text(row).casefold()).split())


def too_alike(one: Row, other: Row) -> bool:
    a, b = words(one), words(other)
    return text(one) == text(other) or (min(len(a), len(b)) >= 5 and len(a & b) > 0.7 * len(a | b))


everything = pytest.mark.parametrize("name", FIELDS)


@everything
def test_every_case_has_its_fields_and_known_labels(name: str) -> None:
    slugs = {path.stem for path in SAMPLE.glob("*.md")}
    for row in rows(name):
        assert set(row) == FIELDS[name], row["id"]
        assert row["channel"] in CHANNELS, row["id"]
        assert set(row["gold"]) <= slugs, row["id"]
        assert row["actions"], row["id"]
        assert set(row["actions"]) <= ACTIONS, row["id"]
        assert len(set(row["actions"])) == len(row["actions"]) <= 3, row["id"]
        assert row.get("reason", "") in {"", *Reason.values}, row["id"]


@everything
def test_the_labels_of_a_case_agree(name: str) -> None:
    for row in rows(name):
        actions = set(row["actions"])
        assert bool(row["gold"]) == bool(actions & {"answer", "suggest", "draft"}), row["id"]
        assert not {"answer", "hand_over"} <= actions, row["id"]
        if row.get("reason"):
            assert actions <= {"hand_over", "suggest", "draft"}, row["id"]
        if row["channel"] == "whatsapp":
            assert row.get("title", row.get("subject")) == "", row["id"]


def test_there_are_as_many_as_promised() -> None:
    questions = rows("questions")
    assert Counter(row["channel"] for row in questions) == dict.fromkeys(CHANNELS, 40)
    assert sum("answer" in row["actions"] for row in questions) == 90
    assert len(rows("tickets")) == 50
    assert {row["channel"] for row in rows("tickets")} == CHANNELS
    assert Counter(row["channel"] for row in rows("edge_cases")) == dict.fromkeys(CHANNELS, 20)


def test_every_article_is_asked_about_two_to_four_times() -> None:
    asked = Counter(slug for row in rows("questions") for slug in row["gold"])
    assert set(asked) == {path.stem for path in SAMPLE.glob("*.md")}
    assert set(asked.values()) <= {2, 3, 4}


def test_a_ticket_has_several_messages_and_the_customer_spoke_last() -> None:
    for row in rows("tickets"):
        assert len(row["messages"]) > 1, row["id"]
        assert all(set(m) == {"author", "text"} and m["text"].strip() for m in row["messages"]), row["id"]
        assert {m["author"] for m in row["messages"]} <= {"customer", "assistant", "staff"}, row["id"]
        assert row["messages"][0]["author"] == row["messages"][-1]["author"] == "customer", row["id"]


def test_every_edge_case_says_what_makes_it_one() -> None:
    assert all(row["note"].strip() for row in rows("edge_cases"))


def test_no_id_and_no_text_occurs_twice() -> None:
    found = [row for name in FIELDS for row in rows(name)]
    assert len({row["id"] for row in found}) == len(found)
    known = [row for name in ("sample_questions", "sample_offtopic") for row in read(SAMPLE.parent / f"{name}.jsonl")]
    alike = [(text(a), text(b)) for a, b in combinations(found + known, 2) if too_alike(a, b)]
    assert alike == []
