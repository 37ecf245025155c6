"""The local model on the sample knowledge base's own labelled questions: what it answers alone is right."""

import json
from dataclasses import dataclass

import pytest

from knowledge.search import search
from tests.factories import SAMPLE


@dataclass(frozen=True)
class Tried:
    """A question, the slugs found for it, and whether the local model is sure enough of the first."""

    gold: tuple[str, ...]
    slugs: tuple[str, ...]
    is_answered: bool


def ask(name: str) -> list[Tried]:
    tried = []
    for line in (SAMPLE.parent / name).read_text().splitlines():
        row = json.loads(line)
        found = search(f"{row['title']}\n{row['body']}")
        is_answered = found.is_clear and found.confidence >= found.answer_from
        tried.append(Tried(tuple(row.get("gold", ())), tuple(h.slug for h in found.hits), is_answered))
    return tried


@pytest.fixture
def questions(articles: None) -> list[Tried]:
    return ask("sample_questions.jsonl")


def test_the_right_article_is_found(questions: list[Tried]) -> None:
    found = [set(q.gold) & set(q.slugs) for q in questions]
    first = [q.slugs[0] in q.gold for q in questions]
    assert sum(map(bool, found)) >= 0.95 * len(questions)
    assert sum(first) >= 0.70 * len(questions)


def test_what_is_answered_alone_is_right_and_enough(questions: list[Tried]) -> None:
    answered = [q for q in questions if q.is_answered]
    assert len(answered) >= 0.40 * len(questions)
    assert sum(q.slugs[0] in q.gold for q in answered) >= 0.95 * len(answered)


def test_questions_that_no_article_answers_are_not_answered(articles: None) -> None:
    assert not [q for q in ask("sample_offtopic.jsonl") if q.is_answered]
