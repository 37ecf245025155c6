"""The fixed sentences: complete in every language, and what they tell customers to do works."""

import re
from string import Formatter
from typing import Any

import pytest

from agent_runner.closings import is_closing
from agent_runner.language import sure_language
from agent_runner.triggers import find_trigger
from tickets import phrases
from tickets.phrases import AI_AUTOMATIC, AI_DISCLOSURE, AI_DISCLOSURE_SHORT, LANGUAGES, hand_over_text, phrase

TABLES = {name: table for name, table in vars(phrases).items() if isinstance(table, dict) and name.isupper()}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("name", TABLES)
def test_every_sentence_has_every_language_and_the_same_placeholders(name: str) -> None:
    table = TABLES[name]
    assert tuple(table) == LANGUAGES
    assert all(text.strip() for text in table.values())
    assert {frozenset(placeholders(text)) for text in table.values()} == {frozenset(placeholders(table["en"]))}


def test_the_tables_are_found() -> None:
    assert {"HAND_OVER", "QUESTION", "CLOSING", "AI_DISCLOSURE"} <= set(TABLES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("table", [AI_DISCLOSURE, AI_DISCLOSURE_SHORT, AI_AUTOMATIC])
def test_the_word_that_reaches_a_person_is_understood(table: dict[str, str], language: str) -> None:
    (word,) = re.findall(r'"(\w+)"', table[language])
    trigger = find_trigger(word)
    assert trigger is not None
    assert trigger.reason == "customer_request"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["HAND_OVER", "QUESTION", "AI_DISCLOSURE", "CLOSING"])
def test_a_sentence_is_in_its_language(name: str, language: str) -> None:
    assert sure_language(TABLES[name][language]) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_sentences_come_back_as_no_thanks_of_a_customer(language: str) -> None:
    """Another desk's machine may quote them: it must not be thanked for that for ever."""
    assert not is_closing(phrases.QUESTION[language], is_answered=True)


@pytest.mark.parametrize(
    ("code", "begins"), [("pt-BR", "Agradecemos"), ("DE", "Vielen"), ("xx", "Thank"), ("", "Thank")]
)
def test_a_code_with_a_country_counts_and_an_unknown_one_is_english(code: str, begins: str) -> None:
    assert phrase(phrases.HAND_OVER, code, hours="always", reference="T-1001").startswith(begins)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hand_over_says_when_and_under_which_reference(language: str, settings: Any) -> None:
    settings.SUPPORT_HOURS = "Monday to Friday, 9:00 to 17:00"
    text = hand_over_text("T-1001", language, [{"title": "Reset", "url": "https://x.example/help/reset"}])
    assert "T-1001" in text
    assert "Monday to Friday, 9:00 to 17:00." in text
    assert text.index(phrases.SUGGESTIONS[language]) < text.index("[Reset](https://x.example/help/reset)")
    assert text.endswith(phrases.SUGGESTED_BY_AI[language])
