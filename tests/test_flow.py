"""The whole flow, once per channel: from the customer's post to the delivered reply."""

from asgiref.sync import async_to_sync
from django.core import mail
from django.test import Client

from agent_runner.models import AgentRun
from agent_runner.worker import answer
from channels_app.delivery import deliver_one
from fte_project.models import OutboxEvent
from tests.factories import PRICES, fields, fresh
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
