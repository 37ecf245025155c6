"""Revisions: what is kept of every save, how it is shown, and how a text comes back."""

import re
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from fte_project.models import TimedJob
from knowledge.indexing import index_waiting
from knowledge.loading import ArticleText, load
from knowledge.models import Article
from knowledge.publishing import EmptyText, archive, publish, save
from knowledge.revisions import Line, changes, compare, restore, revision, revisions
from knowledge.search import search
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def edda() -> User:
    return make_staff("edda", "editor")


@pytest.fixture
def editor(edda: User) -> Client:
    client = Client()
    client.force_login(edda)
    return client


def article(**changes: Any) -> Article:
    values = {"slug": "codes", "title": "Codes", "body_md": "Use a code.", "status": "published"}
    return Article.objects.create(**{**values, **changes})


def edit(row: Article, **changes: Any) -> Article:
    for name, value in changes.items():
        setattr(row, name, value)
    save(row)
    return row


def address(row: Article, record: Any, door: str = "") -> str:
    return f"/admin/knowledge/article/{row.pk}/history/{record.pk}/{door}"


def words_of(row: Article) -> list[list[str]]:
    return [r.words for r in revisions(row)]


def said(response: HttpResponse) -> str:
    return " ".join(str(m) for m in get_messages(response.wsgi_request))


# --- What is kept


def test_every_save_is_kept_with_its_text(edda: User) -> None:
    row = edit(article(), body_md="Use two codes.")
    edit(row, category="billing", topics=["a", "b"])
    archive(row)
    assert [(r.record.revision, r.record.body_md, r.record.status) for r in revisions(row)] == [
        (2, "Use two codes.", "archived"),
        (2, "Use two codes.", "published"),
        (2, "Use two codes.", "published"),
        (1, "Use a code.", "published"),
    ]
    assert words_of(row) == [["Archived"], ["Category: billing", "Topics: a, b"], ["Text changed"], ["First revision"]]


def test_the_index_leaves_no_trace() -> None:
    row = article()
    index_waiting()
    Article.objects.filter(pk=row.pk).update(index_error="x")
    assert row.history.count() == 1
    kept = {field.name for field in row.history.model._meta.fields}
    assert not any(name.startswith("index") for name in kept)


def test_loading_from_files_keeps_history_too() -> None:
    first = ArticleText(slug="a", title="A", body_md="One.")
    load(iter([first]))
    load(iter([first]))
    load(iter([ArticleText(slug="a", title="A", body_md="Two.")]))
    row = Article.objects.get()
    assert [(r.record.body_md, r.who) for r in revisions(row)] == [("Two.", "A command"), ("One.", "A command")]


def test_who_saved_is_known_from_the_request(editor: Client) -> None:
    row = article()
    values = {"title": "Codes", "slug": "codes", "body_md": "New.", "summary": "", "category": "", "url": ""}
    editor.post(f"/admin/knowledge/article/{row.pk}/change/", {**values, "topics": ""})
    assert [r.who for r in revisions(row)] == ["edda", "A command"]


def test_what_is_there_before_the_history_is_its_first_revision() -> None:
    row = article()
    row.history.all().delete()
    at = datetime(2026, 1, 2, tzinfo=UTC)
    Article.objects.update(changed_at=at)
    import_module("knowledge.migrations.0004_editors").keep_first_revisions(apps, None)
    edit(row, body_md="New.")
    assert [r.record.body_md for r in revisions(row)] == ["New.", "Use a code."]
    assert row.history.last().history_date == at


def test_pages_of_revisions_fit_together() -> None:
    row = article()
    for n in range(6):
        edit(row, body_md=f"Text {n}.")
    whole = [(r.record.pk, r.words, r.compared) for r in revisions(row)]
    pages = [revisions(row, start=start, limit=3) for start in (0, 3, 6)]
    assert [(r.record.pk, r.words, r.compared) for page in pages for r in page] == whole
    for one in revisions(row):
        assert revision(row, one.record) == one


# --- Comparing


def line(kind: str, *parts: tuple[str, bool]) -> Line:
    return Line(kind=kind, parts=parts)


def test_changed_words_are_marked_in_their_line() -> None:
    assert compare("  The link is valid for one hour.", "  The link is valid for two hours.") == [
        line("gone", ("  The link is valid for ", False), ("one hour", True), (".", False)),
        line("new", ("  The link is valid for ", False), ("two hours", True), (".", False)),
    ]


def test_lines_far_from_a_change_are_left_out() -> None:
    old = [f"Line {n}" for n in range(20)]
    new = [*old[:10], "Between", *old[10:]]
    lines = compare("\n".join(old), "\n".join(new))
    assert [one.kind for one in lines] == ["gap", "same", "new", "same", "gap"]
    assert lines[2].parts == (("Between", True),)


def test_lines_that_have_nothing_in_common_are_marked_whole() -> None:
    assert compare("Choose Reset.", "Nothing of it, at all, stays here") == [
        line("gone", ("Choose Reset.", True)),
        line("new", ("Nothing of it, at all, stays here", True)),
    ]


@pytest.mark.parametrize(("before", "after"), [("", "New."), ("Old.", ""), ("a\n\nb", "a\nb"), ("x", "x")])
def test_a_comparison_holds_every_line_that_changed(before: str, after: str) -> None:
    lines = compare(before, after)
    text = {kind: ["".join(t for t, _ in one.parts) for one in lines if one.kind == kind] for kind in ("gone", "new")}
    assert set(before.split("\n")) - set(after.split("\n")) <= {*text["gone"], ""}
    assert set(after.split("\n")) - set(before.split("\n")) <= {*text["new"], ""}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("words", [20, 190, 900])
@pytest.mark.parametrize("word", ["same", "word{n}x{m}"])
def test_long_texts_are_compared_in_time(words: int, word: str) -> None:
    old = "\n".join(" ".join(word.format(n=n, m=m) for m in range(words)) for n in range(120))
    new = re.sub(r"\b(\w+) (\w+) (\w+)\b", r"\1 changed \3", old)
    kinds = [one.kind for one in compare(old, new)]
    assert (kinds.count("gone"), kinds.count("new")) == (120, 120)


# --- Looking and restoring


def test_the_list_shows_who_changed_what(editor: Client, edda: User) -> None:
    edda.first_name, edda.last_name = "Edda", "Berg"
    edda.save()
    row = article()
    row._history_user = edda
    edit(row, body_md="Use two codes.", title="Codes & keys")
    shown = editor.get(f"/admin/knowledge/article/{row.pk}/history/").content.decode()
    for words in (
        "Edda Berg",
        "Title changed · Text changed",
        "<ins>two codes</ins>",
        "<del>a code</del>",
        "Codes &amp; keys",
    ):
        assert words in shown
    assert shown.count("current text<") == 1


def test_a_hostile_text_is_only_text_among_the_revisions(editor: Client) -> None:
    row = edit(article(), body_md="<script>alert(1)</script> x", title="<b>B</b>", summary="<i>i</i>")
    for record in row.history.all():
        for url in (address(row, record), f"/admin/knowledge/article/{row.pk}/history/"):
            shown = editor.get(url).content.decode().split('<article class="desk"')[1]
            for harm in ("<script>alert", "<b>B</b>", "<i>i</i>"):
                assert harm not in shown


def test_a_text_is_restored_as_a_new_revision_and_indexed(editor: Client) -> None:
    TimedJob.objects.get_or_create(name="knowledge.index")
    row = article(summary="Old summary.", category="one")
    index_waiting()
    old = row.history.get()
    edit(row, body_md="Something else entirely.", summary="New.", title="Other", category="two")
    index_waiting()
    answer = editor.post(address(row, old, "restore/"))
    assert answer["Location"] == f"/admin/knowledge/article/{row.pk}/change/"
    assert "The text of revision 1 is back, as revision 3." in said(answer)
    row.refresh_from_db()
    assert (row.title, row.summary, row.body_md) == ("Codes", "Old summary.", "Use a code.")
    assert (row.category, row.status, row.revision, row.indexed_revision) == ("two", "published", 3, 2)
    newest = revisions(row)[0]
    assert newest.words[0] == "Text of revision 1 restored"
    assert newest.who == "edda"
    assert row.history.count() == 3
    index_waiting()
    assert search("Which code do I use?").hits[0].passage == "Use a code."


def test_the_page_of_a_revision_shows_what_restoring_would_change(editor: Client) -> None:
    row = edit(article(), body_md="Use two codes.")
    old = row.history.last()
    shown = editor.get(address(row, old)).content.decode()
    assert "Restore the text of revision 1" in shown
    assert re.search(r"<del>two codes</del>.*<ins>a code</ins>", shown, re.DOTALL)
    assert changes(row, old)
    assert "Restore the text" not in editor.get(address(row, row.history.first())).content.decode()


def test_restoring_the_text_of_now_changes_nothing(editor: Client) -> None:
    row = article()
    answer = editor.post(address(row, row.history.get(), "restore/"))
    assert "Nothing to restore" in said(answer)
    row.refresh_from_db()
    assert (row.revision, row.history.count()) == (1, 1)


def test_an_empty_text_is_not_restored_into_a_published_article(editor: Client) -> None:
    row = edit(article(status="draft", body_md=""), body_md="Text.")
    publish(row)
    empty = row.history.last()
    with pytest.raises(EmptyText):
        restore(Article.objects.get(), empty)
    answer = editor.post(address(row, empty, "restore/"))
    assert "Not restored. An article without a text" in said(answer)
    row.refresh_from_db()
    assert (row.body_md, row.status) == ("Text.", "published")


def test_a_revision_of_another_article_is_not_found(editor: Client) -> None:
    row, other = article(), article(slug="b", body_md="Other.")
    record = other.history.get()
    assert editor.get(address(row, record)).status_code == 404
    assert editor.post(address(row, record, "restore/")).status_code == 404
