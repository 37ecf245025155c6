"""The other pages of the admin: they answer, and they are as closed as they should be."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from agent_runner.metrics import meter_runs
from agent_runner.worker import answer
from channels_app.staff_notify import tell
from fte_project.models import DeadLetter
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
