"""Messages that say nothing to go by, and short ones that do."""

import pytest

from agent_runner.vague import is_vague
from tests.agent_runner.test_cases import rows

VAGUE = [
    "",
    " \n\t ",
    "hi",
    "Hello there",
    "heyyy",
    "help",
    "HELP!!!",
    "help pls",
    "???",
    "problem",
    "it does not work",
    "It doesn't work.",
    "doesnt work anymore",
    "I have a question about Tidewater.",
    "Something is wrong with my account",
    "is anybody there?",
    "error",
    "there is an error",
    "😩😩",
    "42",
    "test",
    "asdf",
    "qwertz asdfgh",
    "invoice_2026-11.pdf",
    "https://app.tidewater.example/p/4821/board",
    "-- \nHelga Brinkmann\nHead of Operations\nTel. +44 20 7946 0112",
    "Best regards,\nMilan Horvat\nSent from my tablet",
    "(no subject)\n(no text)",
    "Re:\n",
    "hilfe bitte",
    "no funciona",
    "ça ne marche pas",
    "2026-11-20T08:14:02Z ERROR worker[7] ConnectionResetError: [Errno 104]",
    "hi, this is Ann Lee",
]
CLEAR = [
    "dark mode",
    "password",
    "How do I log in?",
    "cant get in",
    "where are my invoices",
    "export does not work",
    "the calendar is empty",
    "sync broken",
    "dark mode\n(no text)",
    "https://app.tidewater.example does not load",
    "Excel file import fails",
    "15 to 19",
    "invoice_2026-11.pdf has the wrong address",
    "Can I undo this?",
    "Passwort vergessen",
    "the button is grey",
]


@pytest.mark.parametrize("text", VAGUE)
def test_nobody_could_tell_what_this_is_about(text: str) -> None:
    assert is_vague(text, ["Tidewater", "Ann Lee"])


@pytest.mark.parametrize("text", CLEAR)
def test_few_words_can_be_enough(text: str) -> None:
    assert not is_vague(text, ["Tidewater", "Ann Lee"])


def test_no_case_that_has_an_answer_is_taken_for_a_vague_one() -> None:
    answered = {"answer", "suggest", "draft"}
    asked = [f"{row['title']}\n{row['body']}" for row in rows("questions") if answered & set(row["actions"])]
    asked += [row["body"] for row in rows("questions") if answered & set(row["actions"])]
    asked += [row["body"] for row in rows("edge_cases") if answered & set(row["actions"])]
    asked += [row["messages"][-1]["text"] for row in rows("tickets") if answered & set(row["actions"])]
    assert [text for text in asked if is_vague(text, ["Tidewater"])] == []
