"""What is searched for: the matter, without what people write around it."""

import pytest

from agent_runner.context import RunContext
from agent_runner.query import first_query, without_courtesies


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hello,\n\nhow do I export a project?\n\nKind regards\nMarianne Holt", "how do I export a project?"),
        ("Hi! How do I export?\nThanks, Oskar", "How do I export?\nThanks, Oskar"),
        ("Dear support team,\nHow do I export?\n\nBest,\nJ. Okafor", "How do I export?"),
        ("Good morning. Where is it?\nSent from my phone", "Where is it?"),
        ("<img src=x onerror=alert(1)> How do I export?", "How do I export?"),
        ("See https://a.example/b?c=d and tell me why.", "See   and tell me why."),
        ("Hello my export fails, why?", "Hello my export fails, why?"),
        ("Hi Everyone, it fails.", "it fails."),
        ("It fails.\nThank you\nAnd does it sync?", "It fails.\nThank you\nAnd does it sync?"),
        ("Hello", "Hello"),
        ("Kind regards\nMarianne", "Kind regards\nMarianne"),
        ("", ""),
        ("How are you different from the other tool?", "How are you different from the other tool?"),
    ],
)
def test_courtesies_are_no_part_of_the_matter(text: str, kept: str) -> None:
    assert without_courtesies(text) == kept


def context(question: str, *asked_before: str, has_history: bool = True) -> RunContext:
    found = RunContext(
        conversation_id=1, ticket_id=1, reference="T-1001", channel="email", customer_id=1, customer_name="Ann",
        subject="Exports", question=question, priority="low", category="general", message_ids=(1,),
    )  # fmt: skip
    found.asked_before, found.has_history = asked_before, has_history
    return found


def test_the_first_question_is_asked_with_its_subject_and_a_later_one_without() -> None:
    assert first_query(context("Hi,\nhow do I export?", has_history=False)) == "Exports\nhow do I export?"
    later = "How do I change the colour of all my boards?"
    assert first_query(context(later, "How do I export a project?")) == later


def test_a_follow_up_of_few_words_brings_as_many_words_before_it_as_it_needs() -> None:
    before = ("And on my phone?", "How do I reset the password of my account?", "Where is it?")
    assert first_query(context("And on my tablet?", *before)) == "\n".join(["And on my tablet?", *before[:2]])


def test_a_query_is_cut() -> None:
    assert len(first_query(context("word " * 5000))) == 2000
