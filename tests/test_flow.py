"""The whole flow, once per channel: from the customer's post to the delivered reply."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db.models.functions import Now
from django.test import Client

from agent_runner.models import AgentRun
from agent_runner.worker import answer
from channels_app.delivery import deliver_one
from channels_app.gmail import push
from channels_app.gmail.models import GmailMailbox
from channels_app.gmail.webhook import READ
from fte_project import schedule
from fte_project.models import OutboxEvent, TimedJob
from tests.channels_app.mailbox import OURS, a_mail, text_of
from tests.factories import PRICES, fields, fresh
from tests.fakes.gmail import gmail_server
from tests.fakes.google import ACCOUNT, AUDIENCE, Signer, google_keys
from tickets.lifecycle import Handler, Status
from tickets.models import Delivery, Message, Ticket


def submit(client: Client, **changes: object) -> dict[str, str]:
    response = client.post("/api/support/submit", fields(**changes), content_type="application/json")
    assert response.status_code == 201, response.content
    return response.json()


def deliver_all() -> None:
    for delivery in Delivery.objects.all().due():
        async_to_sync(deliver_one)(delivery.pk)


def test_a_form_question_is_answered_with_its_source_and_mailed(client: Client, articles: None) -> None:
    said = submit(client)
    ticket = Ticket.objects.get()
    assert said["reference"] == ticket.reference
    assert OutboxEvent.objects.filter(topic="fte.channels.web_form.inbound").count() == 1

    async_to_sync(answer)(ticket.conversation_id)
    deliver_all()

    ticket = fresh(ticket)
    assert (ticket.status, ticket.handler) == (Status.PENDING, Handler.ASSISTANT)
    view = client.get(f"/api/support/ticket/{said['token']}").json()
    reply = view["messages"][-1]
    assert reply["author"] == "assistant"
    assert reply["kind"] == "answer"
    assert reply["citations"][0]["slug"] == "reset-your-password"
    assert reply["citations"][0]["passage"] in reply["text"]
    assert "AI assistant" in reply["text"]
    assert [d.status for d in Delivery.objects.order_by("channel")] == ["sent", "sent"]
    (copy,) = mail.outbox
    assert copy.to == ["ann@example.com"]
    assert said["token"] in copy.body
    assert copy.extra_headers["Auto-Submitted"] == "auto-replied"
    run = AgentRun.objects.get()
    assert run.verdict == "answer"
    assert run.model_calls == 1
    assert [c["tool"] for c in run.calls] == [
        "create_ticket",
        "get_customer_history",
        "search_knowledge_base",
        "send_response",
    ]
    assert Message.objects.get(direction="inbound").answered_by == run.reply


def test_a_question_about_prices_goes_to_people_with_one_text(client: Client, articles: None) -> None:
    submit(client, **PRICES)
    ticket = Ticket.objects.get()
    async_to_sync(answer)(ticket.conversation_id)
    ticket = fresh(ticket)
    assert (ticket.status, ticket.handler) == (Status.ESCALATED, Handler.NOBODY)
    escalation = ticket.escalations.get()
    assert escalation.reason == "pricing_inquiry"
    texts = ticket.messages.filter(direction="outbound")
    assert [t.kind for t in texts] == ["hand_over"]
    assert ticket.reference in texts[0].body
    assert OutboxEvent.objects.filter(topic="fte.escalations").count() == 1


def test_a_mail_is_answered_in_its_thread_from_the_push_to_the_delivered_reply(
    client: Client, articles: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    google = Signer("google-1")
    monkeypatch.setattr(schedule, "_jobs", {})
    settings.GMAIL_ADDRESS, settings.GMAIL_PUSH_AUDIENCE, settings.GMAIL_PUSH_ACCOUNT = OURS, AUDIENCE, ACCOUNT
    push.keys.forget()
    with gmail_server(OURS) as gmail, google_keys(google) as keys:
        settings.GMAIL_API_URL, settings.GOOGLE_KEYS_URL = gmail.url, keys.url
        schedule.register(READ, "channels_app.gmail.sync.read_mailboxes", every=timedelta(hours=1))
        schedule._plan()
        async_to_sync(schedule.run_job)(READ)  # connected
        inbox = gmail.mailboxes[OURS]

        def pushed() -> None:
            """Pub/Sub tells, and the schedule role does what is due."""
            data = base64.b64encode(json.dumps({"emailAddress": OURS, "historyId": inbox.history_id}).encode()).decode()
            headers = {"Authorization": f"Bearer {google.token()}"}
            about = {"message": {"data": data, "messageId": "1"}, "subscription": "projects/p/subscriptions/s"}
            said = client.post("/api/webhooks/gmail", about, content_type="application/json", headers=headers)
            assert said.status_code == 204
            assert TimedJob.objects.filter(pk=READ, due_at__lte=Now()).exists()
            assert async_to_sync(schedule.run_job)(READ)

        inbox.receive(a_mail("I forgot my password. How do I reset it?", Subject="Password"))
        pushed()
        ticket = Ticket.objects.get()
        assert OutboxEvent.objects.filter(topic="fte.channels.email.inbound").count() == 1
        async_to_sync(answer)(ticket.conversation_id)
        deliver_all()
        (sent,) = inbox.sent
        assert "AI assistant" in text_of(sent.raw)
        assert ticket.reference in text_of(sent.raw)
        assert Delivery.objects.get().status == "sent"

        # The customer answers what Gmail has sent, under the id that Gmail has given it.
        names = {"In_Reply_To": sent.message_id, "References": f"<1@example.com> {sent.message_id}"}
        inbox.receive(a_mail("And where is dark mode?", Subject="Re: Password", Message_ID="<2@example.com>", **names))
        pushed()
        assert Message.objects.latest("pk").ticket == ticket
        async_to_sync(answer)(ticket.conversation_id)
        deliver_all()
        assert {mail.thread_id for mail in inbox.sent} == {sent.thread_id}
        assert len(inbox.sent) == 2
        assert GmailMailbox.objects.get().error == ""
    push.keys.forget()
