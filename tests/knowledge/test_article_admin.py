"""Articles in the admin: who may do what, write and preview, publish and archive, and the index light."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fte_project.models import TimedJob
from knowledge.keeping_up import index_job
from knowledge.models import Article, Chunk, ResolvedQuestion
from knowledge.search import search
from tests.factories import browser, make_staff

pytestmark = pytest.mark.django_db
LIST = "/admin/knowledge/article/"
PREVIEW = f"{LIST}preview/"
DANGEROUS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "<svg onload=alert(1)>",
    "<a href='https://x.example' onclick='alert(1)'>x</a>",
    "![pixel](https://evil.example/p.png)",
    "<iframe src='https://evil.example'></iframe>",
)


@pytest.fixture
def editor() -> Client:
    """Edda's browser."""
    return browser("editor")


@pytest.fixture(autouse=True)
def _nothing_is_due() -> None:
    TimedJob.objects.get_or_create(name="knowledge.index")
    TimedJob.objects.update(due_at=timezone.now() + timedelta(hours=1))


def is_asked_to_index() -> bool:
    return TimedJob.objects.get(name="knowledge.index").due_at <= timezone.now()


def article(**changes: Any) -> Article:
    """Published and indexed, in its third revision."""
    values = {"slug": "codes", "title": "Codes", "body_md": "Use a code.", "status": "published"}
    return Article.objects.create(**{**values, "revision": 3, "indexed_revision": 3, **changes})


def page(row: Article) -> str:
    return f"{LIST}{row.pk}/change/"


def form(row: Article, **changes: object) -> dict[str, object]:
    """What a browser posts from the article's form."""
    values = {name: getattr(row, name) for name in ("title", "slug", "summary", "body_md", "category", "url")}
    return {**values, "topics": ",".join(row.topics), **changes}


def post(client: Client, row: Article, **changes: object) -> HttpResponse:
    return client.post(page(row), form(row, **changes))


def fresh(row: Article) -> Article:
    return Article.objects.get(pk=row.pk)


def state_of(row: Article) -> str:
    return str(Article.objects.all().with_index_state().get(pk=row.pk).index_state)


def said(response: HttpResponse) -> str:
    return " ".join(str(m) for m in get_messages(response.wsgi_request))


# --- Who may do what


@pytest.mark.parametrize(
    ("group", "form_has_save", "may_preview", "may_see_history"),
    [
        ("agent", False, False, False),
        ("auditor", False, False, True),
        ("editor", True, True, True),
        ("lead", True, True, True),
    ],
)
def test_each_group_may_do_what_it_should(
    group: str, form_has_save: bool, may_preview: bool, may_see_history: bool
) -> None:
    row, client = article(), browser(group)
    row.save()
    shown = client.get(page(row)).content.decode()
    assert ('name="_save"' in shown) is form_has_save
    assert ('value="archive"' in shown) is form_has_save
    assert ("desk-preview" in shown) is form_has_save
    assert (f"{LIST}{row.pk}/history/" in shown) is may_see_history
    record = row.history.first()
    seen = {True: 200, False: 403}
    assert client.get(LIST).status_code == 200
    assert client.get(f"{LIST}try/").status_code == 200
    assert client.get(f"{LIST}{row.pk}/index/").status_code == 200
    assert client.post(PREVIEW, {"body_md": "x"}).status_code == seen[may_preview]
    assert client.get(f"{LIST}{row.pk}/history/").status_code == seen[may_see_history]
    assert client.get(f"{LIST}{row.pk}/history/{record.pk}/").status_code == seen[may_see_history]
    restored = client.post(f"{LIST}{row.pk}/history/{record.pk}/restore/")
    assert restored.status_code == (302 if form_has_save else 403)


@pytest.mark.parametrize("group", ["agent", "auditor"])
def test_who_only_reads_changes_nothing(group: str) -> None:
    row, client = article(), browser(group)
    for changes in ({"body_md": "Mine."}, {"_move": "archive"}, {"_move": "draft"}):
        assert post(client, row, **changes).status_code == 403
    client.post(LIST, {"action": "archive_selected", "_selected_action": row.pk, "confirmed": "yes"})
    assert (fresh(row).body_md, fresh(row).status) == ("Use a code.", "published")


def test_nobody_sees_anything_without_a_login(client: Client) -> None:
    row = article()
    for url in (LIST, page(row), f"{LIST}try/", f"{LIST}{row.pk}/index/", f"{LIST}{row.pk}/history/"):
        answer = client.get(url)
        assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True), url
    assert "/admin/login/" in client.post(PREVIEW, {"body_md": "x"})["Location"]


def test_what_changes_something_is_posted(editor: Client) -> None:
    row = article()
    row.save()
    assert editor.get(PREVIEW).status_code == 405
    assert editor.get(f"{LIST}{row.pk}/history/{row.history.first().pk}/restore/").status_code == 405
    editor.get(page(row), {"_move": "archive"})
    editor.get(LIST, {"action": "archive_selected", "_selected_action": row.pk, "confirmed": "yes"})
    assert fresh(row).status == "published"


def test_forms_are_refused_without_their_token() -> None:
    row, client = article(), Client(enforce_csrf_checks=True)
    client.force_login(make_staff("edda", "editor"))
    assert post(client, row, _move="archive").status_code == 403
    assert client.post(PREVIEW, {"body_md": "x"}).status_code == 403


@pytest.mark.parametrize("address", ["0/history/", "x/history/", f"{'9' * 30}/history/", "0/index/", "0/change/"])
def test_an_address_of_nothing_is_not_found(editor: Client, address: str) -> None:
    assert editor.get(LIST + address).status_code in {302, 404}


@pytest.mark.parametrize("group", ["agent", "auditor"])
def test_who_only_reads_sees_the_text_as_its_page_shows_it(group: str) -> None:
    row = article(body_md="Choose **Reset**. <script>alert(1)</script>")
    shown = browser(group).get(page(row)).content.decode()
    assert "<strong>Reset</strong>" in shown
    assert "<script>alert" not in shown


# --- Preview


@pytest.mark.parametrize("body", DANGEROUS)
def test_the_preview_shows_no_harm(editor: Client, body: str) -> None:
    shown = editor.post(PREVIEW, {"title": body, "summary": body, "body_md": body}).content.decode()
    for harm in ("<script", "<img", "<svg", "<iframe", 'href="javascript', "<a href='https://x.example' onclick"):
        assert harm not in shown


def test_the_preview_shows_what_the_page_will_show_and_stores_nothing(editor: Client, client: Client) -> None:
    row = article(body_md="Choose **Reset**.\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    shown = editor.post(PREVIEW, {"title": "Now", "summary": "Short.", "body_md": row.body_md}).content.decode()
    public = client.get("/help/codes").content.decode()
    for part in ("<strong>Reset</strong>", "<td>1</td>"):
        assert part in shown
        assert part in public
    assert "Now" in shown
    assert "Short." in shown
    assert fresh(row).title == "Codes"


# --- Writing


def test_a_changed_text_is_a_new_revision_and_is_indexed_soon(editor: Client) -> None:
    row = article()
    assert post(editor, row, body_md="Use two codes.").status_code == 302
    row = fresh(row)
    assert (row.body_md, row.revision, row.indexed_revision) == ("Use two codes.", 4, 3)
    assert is_asked_to_index()
    assert "desk-light-waiting" in editor.get(LIST).content.decode()


def test_a_change_that_the_search_does_not_read_makes_no_revision(editor: Client) -> None:
    row = article()
    post(editor, row, category="billing", topics="a, b")
    row = fresh(row)
    assert (row.category, row.topics, row.revision) == ("billing", ["a", "b"], 3)
    assert not is_asked_to_index()


def test_a_browsers_line_ends_are_no_change(editor: Client) -> None:
    row = article(body_md="One.\n\nTwo.")
    at = fresh(row).changed_at
    post(editor, row, body_md="One.\r\n\r\nTwo.\r\n")
    assert (fresh(row).body_md, fresh(row).revision, fresh(row).changed_at) == ("One.\n\nTwo.", 3, at)


def test_an_editors_save_does_not_undo_what_the_index_did_meanwhile(editor: Client) -> None:
    row = article()
    values = form(row, body_md="Use two codes.")
    Article.objects.filter(pk=row.pk).update(revision=7, indexed_revision=6, index_error="the model is away")
    editor.post(page(row), values)
    row = fresh(row)
    assert (row.revision, row.indexed_revision, row.index_error) == (8, 6, "")


def test_an_editor_writes_a_new_article_as_a_draft_first(editor: Client) -> None:
    values = {"title": "New", "slug": "new", "summary": "", "body_md": "", "category": "", "url": "", "topics": ""}
    assert editor.post(f"{LIST}add/", values).status_code == 302
    row = Article.objects.get(slug="new")
    assert (row.status, row.revision) == ("draft", 1)
    assert not is_asked_to_index()


def test_a_new_article_can_be_published_at_once(editor: Client) -> None:
    values = {"title": "New", "slug": "new", "summary": "", "body_md": "Text.", "category": "", "url": "", "topics": ""}
    answer = editor.post(f"{LIST}add/", {**values, "_move": "publish"})
    row = Article.objects.get(slug="new")
    assert (answer["Location"], row.status) == (page(row), "published")
    assert is_asked_to_index()


def test_the_form_takes_no_status(editor: Client) -> None:
    row = article(status="draft")
    post(editor, row, status="published", body_md="More.")
    assert (fresh(row).status, fresh(row).body_md) == ("draft", "More.")


# --- Publishing


def test_an_article_goes_from_draft_to_waiting_to_indexed_and_is_found(editor: Client) -> None:
    row = article(status="draft", indexed_revision=0, revision=1)
    assert search("Which code do I use?").hits == ()
    answer = post(editor, row, _move="publish")
    assert (answer["Location"], fresh(row).status, state_of(row)) == (page(row), "published", "waiting")
    assert "is published" in said(answer)
    assert is_asked_to_index()
    light = editor.get(f"{LIST}{row.pk}/index/").json()
    assert light["state"] == "waiting"
    assert "Until then the article is not found" in light["html"]
    index_job()
    light = editor.get(f"{LIST}{row.pk}/index/").json()
    assert light["state"] == "indexed"
    assert "desk-light-indexed" in light["html"]
    assert [hit.slug for hit in search("Which code do I use?").hits] == ["codes"]


def test_a_button_saves_what_was_typed_with_it(editor: Client) -> None:
    row = article(status="draft")
    post(editor, row, body_md="Use two codes.", _move="publish")
    row = fresh(row)
    assert (row.status, row.body_md, row.revision) == ("published", "Use two codes.", 4)
    assert row.history.count() == 2, "one save, beside the creation"


@pytest.mark.parametrize(("move", "status"), [("archive", "archived"), ("draft", "draft")])
def test_what_is_taken_away_is_neither_online_nor_found(editor: Client, client: Client, move: str, status: str) -> None:
    row = article(indexed_revision=0)
    index_job()
    assert client.get("/help/codes").status_code == 200
    post(editor, row, _move=move)
    assert fresh(row).status == status
    assert client.get("/help/codes").status_code == 404
    assert Chunk.objects.exists()
    assert search("Use a code").hits == ()
    assert editor.get(f"{LIST}{row.pk}/index/").json()["state"] == "off"


@pytest.mark.parametrize(
    ("status", "buttons"),
    [("draft", {"publish", "archive"}), ("published", {"archive", "draft"}), ("archived", {"publish", "draft"})],
)
def test_the_form_has_the_buttons_that_make_sense(editor: Client, status: str, buttons: set[str]) -> None:
    shown = editor.get(page(article(status=status))).content.decode()
    assert {name for name in ("publish", "archive", "draft") if f'value="{name}"' in shown} == buttons


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_article_without_a_text_is_not_published(editor: Client, text: str) -> None:
    row = article(status="draft", body_md="")
    answer = post(editor, row, body_md=text, title="Still typed", _move="publish")
    assert answer.status_code == 200
    assert "cannot be published" in answer.content.decode()
    assert 'value="Still typed"' in answer.content.decode()
    assert (fresh(row).status, fresh(row).title) == ("draft", "Codes")


def test_a_published_article_keeps_a_text(editor: Client) -> None:
    row = article()
    assert "cannot be published" in post(editor, row, body_md="").content.decode()
    assert fresh(row).body_md == "Use a code."
    assert post(editor, row, body_md="", _move="archive").status_code == 302
    assert (fresh(row).body_md, fresh(row).status) == ("", "archived")


def test_what_an_editor_does_is_in_the_log(editor: Client) -> None:
    row = article(status="draft")
    post(editor, row, title="Both", _move="publish")
    post(editor, fresh(row), _move="archive")
    post(editor, fresh(row), body_md="Other.")
    words = [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
    assert words == ["Published. Changed: Title.", "Archived.", "Changed Text (Markdown)."]
    assert {str(entry.user) for entry in LogEntry.objects.all()} == {"some-editor"}


def test_saving_tries_a_failed_text_at_once_also_without_a_change(editor: Client) -> None:
    later = timezone.now() + timedelta(minutes=20)
    row = article(indexed_revision=2, index_error="m: away", index_attempts=6, index_retry_at=later)
    assert "at once when you save" in editor.get(f"{LIST}{row.pk}/index/").json()["html"]
    post(editor, row)
    assert (fresh(row).index_attempts, fresh(row).index_retry_at, fresh(row).revision) == (0, None, 3)
    assert row.history.count() == 1, "nothing was saved"
    assert is_asked_to_index()
    Article.objects.update(index_attempts=6, index_retry_at=later)
    post(editor, row, category="other")
    assert (fresh(row).index_attempts, fresh(row).index_retry_at) == (0, None)


def test_a_model_that_is_being_prepared_may_fail_beside_a_text_that_answers(editor: Client) -> None:
    row = article(index_error="next-model: away")
    light = editor.get(f"{LIST}{row.pk}/index/").json()
    assert light["state"] == "indexed"
    assert "next-model: away" in light["html"]


def test_publishing_again_tries_a_failed_text_again(editor: Client) -> None:
    row = article(status="archived", indexed_revision=2, index_error="the model is away")
    post(editor, row, _move="publish")
    assert state_of(row) == "waiting"
    assert is_asked_to_index()


# --- Several at once


def test_several_are_published_after_a_question(editor: Client) -> None:
    rows = [article(slug=f"a{n}", title=f"Article {n}", status="draft", indexed_revision=0) for n in range(3)]
    empty = article(slug="empty", title="Empty one", status="draft", body_md="")
    chosen = {"action": "publish_selected", "_selected_action": [row.pk for row in (*rows, empty)]}
    question = editor.post(LIST, chosen)
    assert question.status_code == 200
    assert "Yes, publish 4 articles" in question.content.decode()
    assert not Article.objects.all().published().exists()
    answer = editor.post(LIST, {**chosen, "confirmed": "yes"})
    assert set(Article.objects.all().published()) == set(rows)
    assert "Published: 3 articles." in said(answer)
    assert "“Empty one” was left as it is." in said(answer)
    assert LogEntry.objects.count() == 3
    assert is_asked_to_index()


def test_several_are_archived_after_a_question(editor: Client) -> None:
    row, gone = article(), article(slug="b", status="archived")
    chosen = {"action": "archive_selected", "_selected_action": [row.pk, gone.pk], "confirmed": "yes"}
    assert "Archived: 1 article." in said(editor.post(LIST, chosen))
    assert set(Article.objects.values_list("status", flat=True)) == {"archived"}


# --- The index light


def test_the_index_light_says_what_is_wrong_and_only_for_published_articles(editor: Client) -> None:
    failed = article(slug="a", indexed_revision=0, index_error="EmbeddingFailed('the model is away')")
    article(slug="b", status="draft", index_error="old story")
    shown = editor.get(LIST).content.decode()
    assert "desk-light-failed" in shown
    assert "the model is away" in shown
    assert "EmbeddingFailed" not in shown
    assert "old story" not in shown
    light = editor.get(f"{LIST}{failed.pk}/index/").json()
    assert light["state"] == "failed"
    assert "the model is away" in light["html"]
    assert "the article is not found" in light["html"]


def test_an_error_of_the_index_is_text(editor: Client) -> None:
    row = article(indexed_revision=2, index_error="<script>alert(1)</script>")
    assert "<script>alert" not in editor.get(f"{LIST}{row.pk}/index/").json()["html"]
    assert "<script>alert" not in editor.get(page(row)).content.decode()


def test_a_text_that_waits_for_long_says_where_to_look(editor: Client) -> None:
    row = article(indexed_revision=2)
    assert "in a moment" in editor.get(f"{LIST}{row.pk}/index/").json()["html"]
    Article.objects.update(changed_at=timezone.now() - timedelta(minutes=10))
    light = editor.get(f"{LIST}{row.pk}/index/").json()["html"]
    assert "manage.py doctor" in light
    assert "it answers from the text before" in light


def test_the_form_asks_for_its_light_and_its_preview_without_inline_scripts(editor: Client) -> None:
    row = article(indexed_revision=2)
    shown = editor.get(page(row)).content.decode()
    assert f'data-url="{LIST}{row.pk}/index/"' in shown
    assert f'data-preview-url="{PREVIEW}"' in shown
    assert "knowledge/article_form.js" in shown
    assert 'data-state="waiting"' in shown


def test_the_list_is_filtered_by_the_light(editor: Client) -> None:
    article(slug="a", title="Known")
    article(slug="b", title="Waiting one", indexed_revision=0)
    article(slug="c", title="Failed one", indexed_revision=0, index_error="x")
    for value, title in (("indexed", "Known"), ("waiting", "Waiting one"), ("failed", "Failed one")):
        shown = editor.get(LIST, {"index": value}).content.decode()
        assert [t for t in ("Known", "Waiting one", "Failed one") if f">{t}<" in shown] == [title]


def test_the_list_takes_the_same_number_of_queries_however_long_it_is(editor: Client) -> None:
    article()
    editor.get(LIST)
    with CaptureQueriesContext(connection) as few:
        editor.get(LIST)
    for n in range(12):
        article(slug=f"more-{n}")
    with CaptureQueriesContext(connection) as many:
        editor.get(LIST)
    assert len(many) == len(few)


def test_a_published_article_links_to_its_page_and_a_draft_does_not(editor: Client) -> None:
    row = article()
    assert 'href="/help/codes"' in editor.get(page(row)).content.decode()
    Article.objects.update(status="draft")
    assert 'href="/help/codes"' not in editor.get(page(row)).content.decode()


def test_the_form_says_how_many_resolved_questions_point_here(editor: Client) -> None:
    row = article()
    assert "No resolved question points here" in editor.get(page(row)).content.decode()
    asked = ResolvedQuestion.objects.create(source="x", text="Which?", approved_by="staff", asked_at=timezone.now())
    asked.articles.add(row)
    shown = editor.get(page(row)).content.decode()
    assert f"/admin/knowledge/resolvedquestion/?article={row.pk}" in shown
    assert "1 resolved question points here" in shown
    assert "resolved question" not in browser("agent").get(page(row)).content.decode()
