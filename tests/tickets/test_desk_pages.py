"""The other pages of the admin: they answer, they are as closed as they should be, and editors can write articles."""

import re
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agent_runner.metrics import meter_runs
from agent_runner.worker import answer
from channels_app.staff_notify import tell
from fte_project.models import DeadLetter, TimedJob
from knowledge.models import Article
from tests.factories import PRICES, make_staff, write
from tickets.escalations import HandOver, escalate
from tickets.models import Ticket
from tickets.reasons import Reason


def page_of(ticket: Ticket) -> str:
    return reverse("admin:tickets_ticket_change", args=[ticket.pk])


def test_every_registered_page_answers(admin_client: Client, articles: None) -> None:
    ticket = write(**PRICES).ticket
    async_to_sync(answer)(ticket.conversation_id)
    DeadLetter.objects.create(kind="delivery", subject_id=1, error="x")
    async_to_sync(tell)(("escalation", ticket.escalations.get().pk))
    meter_runs()
    for model, model_admin in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert admin_client.get(base).status_code == 200, base
        assert admin_client.get(base, {"q": "a"}).status_code == 200, base
        first = model._default_manager.first()
        if first is not None:
            assert admin_client.get(f"{base}{first.pk}/change/").status_code == 200, base
            assert admin_client.get(f"{base}{first.pk}/history/").status_code == 200, base
        may_add = model_admin.has_add_permission(admin_client.get(base).wsgi_request)
        assert admin_client.get(f"{base}add/").status_code == (200 if may_add else 403), base


def test_the_desk_loosens_the_csp_only_as_far_as_its_theme_needs(desk: Client) -> None:
    csp = desk.get(page_of(write().ticket)).headers["Content-Security-Policy"]
    scripts = next(d for d in csp.split(";") if d.strip().startswith("script-src"))
    assert scripts.split() == ["script-src", "'self'", "'unsafe-eval'"]


def test_pages_hold_no_inline_script(desk: Client) -> None:
    ticket = write().ticket
    escalate(ticket, HandOver(reason=Reason.POLICY, draft="x"))
    body = desk.get(page_of(ticket)).content.decode()
    article = body.split('<article class="desk"')[1].split("</article>")[0]
    assert "<script" not in article
    assert not re.search(r"\son\w+=", article)


@pytest.fixture
def editor(db: None) -> Client:
    client = Client()
    client.force_login(make_staff("edda", "editor"))
    return client


def article_form(article: Article, **changes: object) -> dict[str, object]:
    values = {
        name: getattr(article, name) for name in ("title", "slug", "summary", "body_md", "category", "url", "status")
    }
    return {**values, "topics": ",".join(article.topics), **changes}


def indexed_article() -> Article:
    TimedJob.objects.get_or_create(name="knowledge.index")
    TimedJob.objects.update(due_at=timezone.now() + timedelta(hours=1))
    return Article.objects.create(
        slug="codes", title="Codes", body_md="Use a code.", status="published", revision=3, indexed_revision=3
    )


def is_asked_to_index() -> bool:
    return TimedJob.objects.get(name="knowledge.index").due_at <= timezone.now()


def test_a_changed_text_is_a_new_revision_and_is_indexed_soon(editor: Client) -> None:
    article = indexed_article()
    url = f"/admin/knowledge/article/{article.pk}/change/"
    assert editor.post(url, article_form(article, body_md="Use two codes.")).status_code == 302
    article.refresh_from_db()
    assert (article.body_md, article.revision, article.indexed_revision) == ("Use two codes.", 4, 3)
    assert is_asked_to_index()
    assert "desk-light-waiting" in editor.get("/admin/knowledge/article/").content.decode()


def test_a_change_that_the_search_does_not_read_makes_no_revision(editor: Client) -> None:
    article = indexed_article()
    url = f"/admin/knowledge/article/{article.pk}/change/"
    editor.post(url, article_form(article, category="billing", topics="a, b"))
    article.refresh_from_db()
    assert (article.category, article.topics, article.revision) == ("billing", ["a", "b"], 3)
    assert not is_asked_to_index()


def test_an_editors_save_does_not_undo_what_the_index_did_meanwhile(editor: Client) -> None:
    article = indexed_article()
    form = article_form(article, body_md="Use two codes.")
    Article.objects.filter(pk=article.pk).update(revision=7, indexed_revision=6, index_error="the model is away")
    editor.post(f"/admin/knowledge/article/{article.pk}/change/", form)
    article.refresh_from_db()
    assert (article.revision, article.indexed_revision, article.index_error) == (8, 6, "")


def test_publishing_a_draft_has_it_indexed(editor: Client) -> None:
    article = indexed_article()
    Article.objects.update(status="draft", indexed_revision=0)
    editor.post(f"/admin/knowledge/article/{article.pk}/change/", article_form(article, status="published"))
    assert is_asked_to_index()


def test_the_index_light_says_what_is_wrong_and_only_for_published_articles(editor: Client) -> None:
    Article.objects.create(slug="a", title="A", body_md="x", status="published", index_error="the model is away")
    Article.objects.create(slug="b", title="B", body_md="x", status="draft", index_error="old story")
    body = editor.get("/admin/knowledge/article/").content.decode()
    assert "desk-light-failed" in body
    assert "the model is away" in body
    assert "old story" not in body


def test_a_published_article_links_to_its_page_and_a_draft_does_not(editor: Client) -> None:
    article = indexed_article()
    url = f"/admin/knowledge/article/{article.pk}/change/"
    assert 'href="/help/codes"' in editor.get(url).content.decode()
    Article.objects.update(status="draft")
    assert 'href="/help/codes"' not in editor.get(url).content.decode()


@pytest.mark.django_db
def test_leads_change_a_channels_settings_and_agents_do_not() -> None:
    url = "/admin/tickets/channelsettings/email/change/"
    lead, agent = Client(), Client()
    lead.force_login(make_staff("lea", "lead"))
    agent.force_login(make_staff("ola", "agent"))
    assert agent.get(url).status_code == 403
    values = {"is_enabled": "on", "signature": "Kind regards", "max_words": 120, "quiet_seconds": 5}
    assert lead.post(url, values).status_code == 302
    assert "Kind regards" in lead.get(url).content.decode()
    assert lead.get("/admin/tickets/channelsettings/add/").status_code == 403
