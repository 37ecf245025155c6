"""What is searched for: the matter, without what people write around it."""

import pytest

from agent_runner.query import without_courtesies


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
