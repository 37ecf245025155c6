"""The language of short support messages, and above all: English is never taken for another one."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_runner.language import SURE_FROM, language_name, language_of, sure_language
from agent_runner.language_words import WORDS
from tests.agent_runner.language_examples import EXAMPLES
from tests.agent_runner.test_cases import rows

SHARED = Path(__file__).parents[3] / "shared" / "data"
ROOT = Path(__file__).parents[2]


def guessed(text: str) -> str:
    return sure_language(text) or "en"  # what is not sure is treated as English


def test_at_least_95_of_100_short_messages_in_ten_languages_are_told() -> None:
    wrong = [(code, guessed(text), text) for code, text in EXAMPLES if guessed(text) != code]
    assert len(EXAMPLES) >= 150
    assert len({code for code, _ in EXAMPLES}) >= 10
    assert len(wrong) <= 0.05 * len(EXAMPLES), wrong
    assert [row for row in wrong if row[0] == "en"] == []


def english_rows() -> Iterator[str]:
    """Real questions in English, and ours."""
    for name in ("thunderbird", "aws"):
        path = SHARED / name / "questions_dev.jsonl"
        if path.exists():
            yield from (f"{row['title']}\n{row['body']}" for row in read(path))
    yield from (f"{row['title']}\n{row['body']}" for row in read(ROOT / "knowledge" / "sample_questions.jsonl"))
    yield from (row["text"] for row in read(ROOT / "agent_runner" / "data" / "sentiment.jsonl"))
    yield from (row["body"] for row in rows("questions") if "answer" in row["actions"])


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_no_english_question_is_called_foreign() -> None:
    assert [text for text in english_rows() if guessed(text) != "en"] == []


def test_every_case_in_another_language_is_told() -> None:
    notes = {row["note"]: row["body"] for row in rows("edge_cases")}
    assert guessed(notes["German"]) == "de"
    assert guessed(notes["Spanish and English mixed"]) == "es"
    assert guessed(notes["a language that the desk does not know (Finnish)"]) == "fi"


@pytest.mark.parametrize("text", ["", "  \n", "42", "???", "👍", "https://example.com/de/seite", "> Danke schön"])
def test_there_may_be_too_little_to_tell(text: str) -> None:
    assert language_of(text) is None


def test_a_doubt_stays_below_what_may_be_relied_on() -> None:
    guess = language_of("merci for the export button")
    assert guess is None or guess.code == "en" or guess.confidence < SURE_FROM


def test_the_first_text_that_is_sure_decides() -> None:
    assert sure_language("42", "Passwort vergessen, was tun?") == "de"
    assert sure_language("How do I do this?", "Passwort vergessen, was tun?") == "en"
    assert sure_language("42", "???") == ""


def test_only_the_customers_own_words_count() -> None:
    quoted = "How do I stop this?\n\n-----Original Message-----\nGuten Tag, Ihre Aufgabe wurde geändert. Viele Grüße"
    assert guessed(quoted) == "en"
    assert guessed("Wie stelle ich das ab?\n> You have a new task. Open it here to see what it is about.") == "de"


def test_every_language_has_a_name_for_people() -> None:
    assert all(language_name(code) != code for code in WORDS)
    assert language_name("xx") == "xx"


def test_whatever_is_written_has_an_answer_in_bounded_time() -> None:
    chance = random.Random(7)
    letters = "aeä ß\n>\"'`{};:=.-[](]عב中あ한ก한क🙂\u0301\u202e" * 2
    for _ in range(300):
        text = "".join(chance.choices(letters, k=chance.randrange(400)))
        guess = language_of(text)
        assert guess is None or 0 <= guess.confidence <= 1
    assert guessed("On " + "a" * 200_000) == "en"
