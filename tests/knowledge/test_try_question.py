""" "Try a question": what the assistant's search finds, as editors see it."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from knowledge import desk_page
from knowledge.embeddings import EmbeddingFailed
from knowledge.models import Article
from knowledge.search import search
from tests.factories import make_staff

TRY = "/admin/knowledge/article/try/"
QUESTION = "I forgot my password, how do I reset it?"


@pytest.fixture
def editor(db: None) -> Client:
    client = Client()
    client.force_login(make_staff("edda", "editor"))
    return client


def shown(client: Client, question: str = QUESTION, **query: str) -> str:
    answer = client.get(TRY, {"q": question, **query})
    assert answer.status_code == 200
    return answer.content.decode()


def titles(page: str) -> list[str]:
    return re.findall(r'class="desk-link" href="/admin/[^"]+"><strong>([^<]+)</strong>', page)


def away(*_: Any) -> Any:
    raise EmbeddingFailed("away")


@pytest.mark.usefixtures("articles")
def test_the_page_shows_the_articles_in_the_order_of_the_search(editor: Client) -> None:
    page, found = shown(editor), search(QUESTION)
    assert titles(page) == [hit.title for hit in found.hits]
    top = found.hits[0]
    for words in (f"{top.similarity:.2f}", f"{top.score:.2f}", f"Revision {top.revision}", top.url):
        assert words in page
    assert f"/admin/knowledge/article/{top.article_id}/change/" in page
    assert "<strong>Forgot password?</strong>" in page, "the passage, as a reader sees it"
    assert "By words only" not in page


@pytest.mark.usefixtures("articles")
def test_without_the_embedder_it_says_that_words_alone_found_it(
    editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.search.embedder", away)
    page = shown(editor, "reset password")
    assert "By words only." in page
    assert titles(page)[0] == "Reset your password"
    assert "Similarity" not in page


@pytest.mark.usefixtures("articles")
def test_a_category_narrows_it_and_comes_back(editor: Client) -> None:
    category = Article.objects.get(slug="reset-your-password").category
    page = shown(editor, category=category)
    found = Article.objects.filter(title__in=titles(page))
    assert {row.category for row in found} == {category}
    assert f"<option selected>{category}</option>" in page
    assert "Nothing was found in nowhere" in shown(editor, category="nowhere")


@pytest.mark.usefixtures("articles")
def test_a_newer_text_that_is_not_indexed_is_named(editor: Client) -> None:
    assert "a newer text waits" not in shown(editor)
    Article.objects.filter(slug="reset-your-password").update(revision=9)
    assert "Revision 1; a newer text waits" in shown(editor)


@pytest.mark.usefixtures("articles")
@pytest.mark.parametrize(
    "question", ["", " ", "\x00", "'; DROP TABLE x; --", "%s", "a " * 5000, "<script>alert(1)</script>"]
)
def test_whatever_is_asked_is_only_text(editor: Client, question: str) -> None:
    assert "<script>alert" not in shown(editor, question)


def test_nothing_is_searched_before_something_is_asked(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_page, "search", away)
    assert titles(shown(editor, "  ")) == []


def test_an_empty_knowledge_base_says_that_a_person_will_answer(editor: Client) -> None:
    assert "Nothing was found. A question like this goes to people" in shown(editor)


@pytest.mark.django_db
def test_the_page_is_only_read(editor: Client) -> None:
    assert editor.post(TRY, {"q": QUESTION}).status_code == 405


def test_the_list_and_the_form_lead_to_it(editor: Client) -> None:
    row = Article.objects.create(slug="a", title="A", body_md="x")
    for url in ("/admin/knowledge/article/", f"/admin/knowledge/article/{row.pk}/change/"):
        assert f'href="{TRY}"' in editor.get(url).content.decode()


def found_page(similarity: float, **found: Any) -> str:
    """The page's result with one hit, as a calibrated search gives it."""
    hit = {"article_id": 1, "title": "A", "url": "/help/a", "revision": 1, "section": "A", "score": 0.41}
    row = SimpleNamespace(**hit, similarity=similarity, confidence=0.734, words=0.25, evidence=0.5)
    context = {"words_only": False, "is_calibrated": True, "floor": 0.47, "model_id": "m", **found}
    rows = [{"hit": row, "passage": "x", "is_behind": False}]
    shown = render_to_string("admin/knowledge/article/found.html", {"found": SimpleNamespace(**context), "rows": rows})
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())


def test_what_a_calibrated_search_knows_is_shown() -> None:
    page = found_page(0.52, confidence=0.734, confidence_top3=0.9)
    assert "The first article answers 73 % One of the first three does 90 % Floor of similarity 0.47" in page
    assert "Similarity 0.52 Score 0.41 Words 0.25 Resolved questions 0.50 Confidence 73 %" in page
    assert "above the floor" in page
    assert "below the floor" in found_page(0.46, confidence=0.1, confidence_top3=0.2)


def test_a_search_that_is_not_calibrated_says_so() -> None:
    page = found_page(0.52, is_calibrated=False, floor=None, confidence=None, confidence_top3=None)
    assert "Not calibrated." in page
    assert "the floor" not in page
    assert "The first article answers" not in page
