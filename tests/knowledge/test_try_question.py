""" "Try a question": what the assistant's search finds, as editors see it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fte_project.markup import to_html
from knowledge import desk_page
from knowledge.embeddings import EmbeddingFailed
from knowledge.evidence import embed_questions, learn
from knowledge.indexing import active_model_id
from knowledge.models import Article
from knowledge.search import search
from tests.factories import browser

TRY = "/admin/knowledge/article/try/"
QUESTION = "I forgot my password, how do I reset it?"


@pytest.fixture
def editor(db: None) -> Client:
    return browser("editor")


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
    assert str(to_html(top.passage)).strip() in page, "the passage, as a reader sees it"
    assert "By words only" not in page


@pytest.mark.usefixtures("articles")
def test_without_the_embedder_it_says_that_words_alone_found_it(
    editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.search.embedder", away)
    page = shown(editor, "reset password")
    assert "By words only." in page
    assert "Not calibrated" not in page
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


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.usefixtures("articles")
def test_it_says_how_sure_the_search_is(editor: Client) -> None:
    page, found = words_of(shown(editor)), search(QUESTION)
    assert found.is_near
    assert "above the floor" in page
    assert f"Nearness {found.nearness:.3f} floor {found.floor:.3f}" in page
    assert f"The first article answers {found.confidence:.0%}".replace("%", " %") in page
    assert f"One of the first three does {found.confidence_top3:.0%}".replace("%", " %") in page
    top = found.hits[0]
    scores = f"Words {top.words:.2f} Resolved questions {top.evidence:.2f} Confidence {top.confidence:.0%}"
    assert scores.replace("%", " %") in page


@pytest.mark.usefixtures("articles")
def test_what_the_articles_know_nothing_about_goes_to_people(editor: Client) -> None:
    strange = "Which wine goes well with a roast duck in autumn?"
    assert not search(strange).is_near
    page = words_of(shown(editor, strange))
    assert "below the floor The articles know nothing about this" in page
    assert "Confidence" not in page
    assert "The first article answers" not in page


@pytest.mark.usefixtures("articles")
def test_a_search_that_is_not_calibrated_says_so(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowledge.search.thresholds", lambda _: None)
    page = words_of(shown(editor))
    assert "Not calibrated. What nearness means for minilm-l6-v2-int8 is not known here" in page
    assert "the floor" not in page
    assert "The first article answers" not in page


@pytest.mark.usefixtures("articles")
def test_resolved_questions_count_and_are_seen(editor: Client) -> None:
    learn(
        source="file:1",
        text="How do I get a new password?",
        slugs=["reset-your-password"],
        approved_by="staff",
        asked_at=timezone.now() - timedelta(days=1),
    )
    embed_questions(active_model_id())
    evidence = search("How do I get a new password?").hits[0].evidence
    assert evidence > 0
    assert f"Resolved questions {evidence:.2f}" in words_of(shown(editor, "How do I get a new password?"))
