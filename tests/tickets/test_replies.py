"""A stored reply: what it answers, what it does to the ticket, and where it goes from here."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from fte_project.models import OutboxEvent
from tests.factories import fresh, make_staff, write
from tickets.escalations import HandOver, claim, escalate
from tickets.lifecycle import Handler, NotAllowed, Status
from tickets.models import Conversation, Delivery, Message, Ticket, TicketEvent
from tickets.reasons import Reason
from tickets.replies import NothingToSend, reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket() -> Ticket:
    return write().ticket


def more(ticket: Ticket, text: str) -> Message:
    return Message.objects.create(
        conversation=ticket.conversation, ticket=ticket, direction="inbound", author="customer",
        channel="web_form", mailbox="more", external_id=text, body=text,
    )  # fmt: skip


def test_an_answer_of_the_assistant_waits_for_the_customer(ticket: Ticket) -> None:
    stored = reply(ticket, body="Choose **Forgot password**.", kind=Message.Kind.ANSWER, sources=[{"slug": "x"}])
    after = fresh(ticket)
    assert (after.status, after.handler, after.handler_epoch) == (Status.PENDING, Handler.ASSISTANT, 0)
    assert (stored.author, stored.kind, stored.sources) == ("assistant", "answer", [{"slug": "x"}])
    assert TicketEvent.objects.filter(ticket_id=ticket.pk, code="replied", actor="assistant").count() == 1


def test_a_reply_on_the_form_is_on_the_status_page_at_once_and_mailed_as_a_copy(ticket: Ticket) -> None:
    stored = reply(ticket, body="Yes.")
    page, copy = stored.deliveries.order_by("id")
    assert (page.channel, page.status, page.address) == ("web_form", "sent", str(ticket.public_id))
    assert (copy.channel, copy.status, copy.address) == ("email", "queued", "ann@example.com")
    event = OutboxEvent.objects.get(topic="fte.channels.email.outbound")
    assert event.payload["delivery_id"] == copy.pk
    assert event.key == str(ticket.conversation_id)


def test_a_reply_answers_everything_unanswered(ticket: Ticket) -> None:
    more(ticket, "second")
    stored = reply(ticket, body="Both.")
    assert set(stored.answers.values_list("body", flat=True)) == {ticket.messages.first().body, "second"}
    assert not ticket.conversation.messages.all().unanswered().exists()


def test_a_reply_answers_only_what_was_read_when_that_is_said(ticket: Ticket) -> None:
    first, second = ticket.messages.get(), more(ticket, "second")
    stored = reply(ticket, body="The first.", answers=[first.pk])
    assert list(stored.answers.all()) == [first]
    assert list(ticket.conversation.messages.all().unanswered()) == [second]


def test_an_answered_message_keeps_its_first_answer(ticket: Ticket) -> None:
    first = reply(ticket, body="One.")
    reply(ticket, body="Two.")
    assert ticket.messages.get(direction="inbound").answered_by == first


def test_a_reply_of_staff_takes_the_ticket_and_ends_the_assistants_work(ticket: Ticket, sam: User) -> None:
    stored = reply(ticket, body="Sam here.", staff=sam)
    after = fresh(ticket)
    assert (after.status, after.handler, after.assignee) == (Status.PENDING, Handler.STAFF, sam)
    assert after.handler_epoch == 1
    assert (stored.author, stored.staff) == ("staff", sam)
    assert Conversation.objects.get().work_due_at is None
    assert TicketEvent.objects.filter(code="replied", actor=f"staff:{sam.pk}").exists()


def test_a_reply_of_staff_claims_the_open_escalation(ticket: Ticket, sam: User) -> None:
    escalation = escalate(ticket, HandOver(reason=Reason.LEGAL))
    reply(ticket, body="Sam here.", staff=sam)
    escalation.refresh_from_db()
    assert (escalation.claimed_by, escalation.closed_at) == (sam, None)


def test_a_colleagues_reply_leaves_the_ticket_to_who_has_it(ticket: Ticket, sam: User) -> None:
    claim(ticket, sam)
    reply(ticket, body="Kim here.", staff=make_staff("kim", "agent"))
    assert fresh(ticket).assignee == sam


@pytest.mark.parametrize("held_by", ["staff", "nobody"])
def test_the_assistant_never_replies_while_people_hold_the_ticket(held_by: str, ticket: Ticket, sam: User) -> None:
    if held_by == "staff":
        claim(ticket, sam)
    else:
        escalate(ticket, HandOver(reason=Reason.LEGAL))
    before = Message.objects.count(), Delivery.objects.count(), fresh(ticket).status
    with pytest.raises(NotAllowed):
        reply(ticket, body="Let me help with that.")
    assert (Message.objects.count(), Delivery.objects.count(), fresh(ticket).status) == before


def test_a_stale_copy_of_the_ticket_decides_nothing(ticket: Ticket, sam: User) -> None:
    stale = fresh(ticket)
    claim(ticket, sam)
    assert stale.handler == Handler.ASSISTANT
    with pytest.raises(NotAllowed):
        reply(stale, body="Too late.")


@pytest.mark.parametrize("body", ["", "   ", "\n\t"])
def test_a_reply_needs_words(body: str, ticket: Ticket, sam: User) -> None:
    staff: Any
    for staff in (None, sam):
        with pytest.raises(NothingToSend):
            reply(ticket, body=body, staff=staff)
    assert (fresh(ticket).status, fresh(ticket).handler, fresh(ticket).assignee) == ("open", "assistant", None)
    assert not Message.objects.filter(direction="outbound").exists()
