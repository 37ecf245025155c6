"""Resolved questions in the admin: editors see them, correct their articles, and remove them."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from knowledge.models import DIMENSIONS, Article, QuestionVector, ResolvedQuestion
from tests.factories import browser

pytestmark = pytest.mark.django_db
LIST = "/admin/knowledge/resolvedquestion/"


@pytest.fixture
def editor() -> Client:
    return browser("editor")


def article(slug: str) -> Article:
    return Article.objects.create(slug=slug, title=f"About {slug}", body_md="x", status="published")


def question(text: str, *articles: Article, **changes: Any) -> ResolvedQuestion:
    values = {"source": f"file:{text}", "approved_by": "import", "asked_at": timezone.now()}
    row = ResolvedQuestion.objects.create(text=text, **{**values, **changes})
    row.articles.set(articles)
    QuestionVector.objects.create(question=row, model_id="m", embedding=[1.0] + [0.0] * (DIMENSIONS - 1))
    return row


def address(row: ResolvedQuestion, door: str = "change") -> str:
    return f"{LIST}{row.pk}/{door}/"


def test_the_list_shows_question_articles_approval_and_source(editor: Client) -> None:
    codes, keys = article("codes"), article("keys")
    question("Lost phone\nHow do I get in?", codes, keys, approved_by="customer", source="ticket:1a2b3c4d-0000-1111")
    shown = editor.get(LIST).content.decode()
    for words in ("Lost phone", "How do I get in?", "About codes", "About keys", "The customer", "Ticket 1a2b3c4d"):
        assert words in shown
    assert f'href="/admin/knowledge/article/{codes.pk}/change/"' in shown


def test_a_customers_words_are_only_text(editor: Client) -> None:
    row = question("<script>alert(1)</script>\n<img src=x onerror=alert(1)>", article("a"))
    for url in (LIST, address(row), address(row, "delete")):
        shown = editor.get(url).content.decode()
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown


def test_it_is_searched_by_words_and_article_and_filtered_by_approval_and_article(editor: Client) -> None:
    codes, keys = article("codes"), article("keys")
    question("Lost phone", codes, approved_by="staff")
    question("Lost badge", keys)
    for query, expected in (
        ({"q": "phone"}, ["Lost phone"]),
        ({"q": "keys"}, ["Lost badge"]),
        ({"approved_by__exact": "staff"}, ["Lost phone"]),
        ({"article": str(keys.pk)}, ["Lost badge"]),
        ({"article": "x"}, ["Lost phone", "Lost badge"]),
        ({"article": "9" * 40}, ["Lost phone", "Lost badge"]),
    ):
        shown = editor.get(LIST, query).content.decode()
        assert [t for t in ("Lost phone", "Lost badge") if f">{t}<" in shown] == expected, query


def test_removing_one_asks_first_and_takes_its_vectors(editor: Client) -> None:
    codes = article("codes")
    gone, stays = question("Lost phone", codes), question("Lost badge", codes)
    asked = editor.get(address(gone, "delete")).content.decode()
    assert "Lost phone (points to About codes)" in asked
    assert "relationship" not in asked
    assert ResolvedQuestion.objects.count() == 2
    assert editor.post(address(gone, "delete"), {"post": "yes"})["Location"] == LIST
    assert list(ResolvedQuestion.objects.all()) == [stays]
    assert [v.question for v in QuestionVector.objects.all()] == [stays]
    assert Article.objects.filter(pk=codes.pk).exists()
    assert LogEntry.objects.get().object_repr == "Lost phone"


def test_several_are_removed_after_a_question(editor: Client) -> None:
    rows = [question(f"Q{n}", article(f"a{n}")) for n in range(3)]
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows[:2]]}
    assert editor.post(LIST, chosen).status_code == 200
    assert ResolvedQuestion.objects.count() == 3
    editor.post(LIST, {**chosen, "post": "yes"})
    assert list(ResolvedQuestion.objects.all()) == [rows[2]]


def test_only_the_articles_of_a_question_can_be_changed(editor: Client) -> None:
    codes, keys = article("codes"), article("keys")
    row = question("Lost phone", codes)
    changes = {"articles": [keys.pk], "text": "Mine", "approved_by": "staff", "source": "x", "whole_question": "Mine"}
    assert editor.post(address(row), changes).status_code == 302
    row.refresh_from_db()
    assert list(row.articles.all()) == [keys]
    assert (row.text, row.approved_by, row.source) == ("Lost phone", "import", "file:Lost phone")
    assert editor.post(address(row), {"articles": []}).status_code == 200
    assert list(row.articles.all()) == [keys], "a question of no article is removed, not emptied"


def test_none_is_added_by_hand(editor: Client) -> None:
    assert editor.get(f"{LIST}add/").status_code == 403
    assert editor.post(f"{LIST}add/", {"text": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("group", "sees", "removes"), [("agent", 403, 403), ("auditor", 200, 403), ("editor", 200, 302), ("lead", 200, 302)]
)
def test_each_group_may_do_what_it_should(group: str, sees: int, removes: int) -> None:
    row, client = question("Lost phone", article("codes")), browser(group)
    assert client.get(LIST).status_code == sees
    assert client.get(address(row)).status_code == sees
    assert client.post(address(row), {"articles": [article("other").pk]}).status_code == removes
    assert client.post(address(row, "delete"), {"post": "yes"}).status_code == removes
    assert ResolvedQuestion.objects.exists() is (removes == 403)
    links = client.get("/admin/knowledge/article/").content.decode()
    assert (f'href="{LIST}"' in links) is (sees == 200)


def test_nobody_sees_them_without_a_login(client: Client) -> None:
    row = question("Lost phone", article("codes"))
    for url in (LIST, address(row), address(row, "delete")):
        assert "/admin/login/" in client.get(url)["Location"]
    client.post(address(row, "delete"), {"post": "yes"})
    assert ResolvedQuestion.objects.exists()


def test_the_list_takes_the_same_number_of_queries_however_long_it_is(editor: Client) -> None:
    codes = article("codes")
    question("Q", codes)
    editor.get(LIST)
    with CaptureQueriesContext(connection) as few:
        editor.get(LIST)
    for n in range(12):
        question(f"Q{n}", codes)
    with CaptureQueriesContext(connection) as many:
        editor.get(LIST)
    assert len(many) == len(few)
