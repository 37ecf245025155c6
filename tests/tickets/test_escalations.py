"""To people and back: one text, one open escalation, one holder."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from fte_project.models import OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.factories import fresh, make_staff, write
from tickets.escalations import HandOver, claim, escalate, hand_back, resolve
from tickets.lifecycle import Event, Handler, NotAllowed, Status
from tickets.models import Conversation, Escalation, Message, Ticket, TicketEvent
from tickets.reasons import Reason, Urgency

ARTICLE = {"slug": "reset", "title": "Reset your password", "url": "https://desk.example/help/reset", "line": "How."}


@pytest.fixture
def ticket(db: None) -> Ticket:
    return write().ticket


def texts(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").values_list("kind", flat=True))


def test_an_escalation_comes_with_one_text_that_answers(ticket: Ticket) -> None:
    escalation = escalate(
        ticket, HandOver(reason=Reason.LEGAL, urgency=Urgency.HIGH, detail="said lawyer"), actor="assistant"
    )
    after = fresh(ticket)
    assert (after.status, after.handler, after.handler_epoch) == (Status.ESCALATED, Handler.NOBODY, 1)
    assert (escalation.reason, escalation.urgency, escalation.detail) == ("legal", "high", "said lawyer")
    text = ticket.messages.get(direction="outbound")
    assert (text.kind, text.author) == ("hand_over", "system")
    assert ticket.reference in text.body
    assert "Monday to Friday" in text.body
    assert ticket.messages.get(direction="inbound").answered_by == text
    assert Conversation.objects.get().work_due_at is None
    event = OutboxEvent.objects.get(topic="fte.escalations")
    assert event.payload["escalation_id"] == escalation.pk
    said = TicketEvent.objects.get(code="escalated")
    assert (said.actor, said.data) == ("assistant", {"escalation": escalation.pk, "reason": "legal"})


def test_suggestions_are_in_the_same_text_and_say_who_chose_them(ticket: Ticket) -> None:
    escalate(ticket, HandOver(reason=Reason.LOW_CONFIDENCE, suggestions=(ARTICLE,)))
    text = ticket.messages.get(direction="outbound")
    assert (text.kind, text.author, text.sources) == ("suggestion", "assistant", [ARTICLE])
    assert "- [Reset your password](https://desk.example/help/reset): How." in text.body
    assert "AI assistant" in text.body


def test_a_draft_is_for_staff_and_never_for_the_customer(ticket: Ticket) -> None:
    escalation = escalate(
        ticket, HandOver(reason=Reason.POLICY, draft="We will pay you.", draft_sources=(ARTICLE,), detail="a promise")
    )
    assert (escalation.draft, escalation.draft_sources) == ("We will pay you.", [ARTICLE])
    text = ticket.messages.get(direction="outbound")
    assert "pay you" not in text.body
    assert "a promise" not in text.body
    assert text.sources == []


def test_a_second_escalation_is_the_first_one_and_sends_nothing(ticket: Ticket) -> None:
    first = escalate(ticket, HandOver(reason=Reason.LEGAL))
    second = escalate(ticket, HandOver(reason=Reason.ABUSE))
    assert second == first
    assert texts(ticket) == ["hand_over"]
    assert Escalation.objects.get().reason == "legal"


@real_commits
def test_escalations_at_once_send_one_text() -> None:
    ticket = write().ticket
    results = at_once(6, lambda _: escalate(Ticket.objects.get(pk=ticket.pk), HandOver(reason=Reason.LEGAL)).pk)
    assert len(set(results)) == 1, results
    assert texts(ticket) == ["hand_over"]
    assert Escalation.objects.count() == 1


@pytest.mark.parametrize("state", ["escalated", "closed"])
def test_a_ticket_that_cannot_be_escalated_stays_as_it_is(state: str, ticket: Ticket) -> None:
    for event in {"escalated": (Event.ESCALATE,), "closed": (Event.RESOLVE, Event.TIMER)}[state]:
        ticket.apply(event)
    with pytest.raises(NotAllowed):
        escalate(ticket, HandOver(reason=Reason.LEGAL))
    assert fresh(ticket).status == state
    assert texts(ticket) == []
    assert not Escalation.objects.exists()


def test_a_claim_takes_the_ticket_and_stops_the_assistant(ticket: Ticket, sam: User) -> None:
    escalation = escalate(ticket, HandOver(reason=Reason.LEGAL))
    claim(ticket, sam)
    after = fresh(ticket)
    escalation.refresh_from_db()
    assert (after.status, after.handler, after.assignee) == (Status.ESCALATED, Handler.STAFF, sam)
    assert (escalation.claimed_by, escalation.closed_at) == (sam, None)
    assert escalation.claimed_at is not None
    assert texts(ticket) == ["hand_over"], "a claim says nothing to the customer"


def test_a_claim_ends_work_that_is_due(ticket: Ticket, sam: User) -> None:
    assert Conversation.objects.all().due().exists()
    claim(ticket, sam)
    assert not Conversation.objects.all().due().exists()


def test_nobody_takes_a_ticket_from_a_colleague_by_claiming(ticket: Ticket, sam: User) -> None:
    claim(ticket, sam)
    with pytest.raises(NotAllowed, match="sam"):
        claim(ticket, make_staff("kim", "agent"))
    claim(ticket, sam)
    assert fresh(ticket).assignee == sam


@real_commits
def test_of_two_people_who_claim_at_once_one_has_the_ticket() -> None:
    ticket = write().ticket
    people = [make_staff("sam", "agent"), make_staff("kim", "agent")]
    results = at_once(2, lambda n: claim(Ticket.objects.get(pk=ticket.pk), people[n]))
    assert sorted(type(r).__name__ for r in results) == ["NoneType", "NotAllowed"]
    assert fresh(ticket).assignee == people[results.index(None)]


def test_handing_back_closes_the_escalation_and_wakes_the_assistant_for_what_waits(ticket: Ticket, sam: User) -> None:
    escalation = escalate(ticket, HandOver(reason=Reason.LEGAL))
    claim(ticket, sam)
    waiting = Message.objects.create(
        conversation=ticket.conversation, ticket=ticket, direction="inbound", author="customer",
        channel="web_form", external_id="2", body="Hello?",
    )  # fmt: skip
    OutboxEvent.objects.all().delete()
    hand_back(ticket, sam)
    after = fresh(ticket)
    escalation.refresh_from_db()
    assert (after.status, after.handler, after.assignee) == (Status.OPEN, Handler.ASSISTANT, None)
    assert escalation.closed_at is not None
    assert Conversation.objects.all().due().get() == ticket.conversation
    assert OutboxEvent.objects.get().payload["message_id"] == waiting.pk


def test_handing_back_without_anything_unanswered_rings_nobody(ticket: Ticket, sam: User) -> None:
    escalate(ticket, HandOver(reason=Reason.LEGAL))
    claim(ticket, sam)
    OutboxEvent.objects.all().delete()
    hand_back(ticket, sam)
    assert not Conversation.objects.all().due().exists()
    assert not OutboxEvent.objects.exists()


def test_after_handing_back_a_second_escalation_sends_its_own_text(ticket: Ticket, sam: User) -> None:
    escalate(ticket, HandOver(reason=Reason.LEGAL))
    hand_back(ticket, sam)
    escalate(ticket, HandOver(reason=Reason.ABUSE))
    assert texts(ticket) == ["hand_over", "hand_over"]
    assert Escalation.objects.all().still_open().get().reason == "abuse"


@pytest.mark.parametrize("first", [None, "escalate", "claim"])
def test_resolving_ends_escalation_and_work_without_a_text(first: str | None, ticket: Ticket, sam: User) -> None:
    if first == "escalate":
        escalate(ticket, HandOver(reason=Reason.LEGAL))
    if first == "claim":
        claim(ticket, sam)
    said = texts(ticket)
    resolve(ticket, sam, notes="Sent the form.")
    after = fresh(ticket)
    assert (after.status, after.resolution_notes) == (Status.RESOLVED, "Sent the form.")
    assert after.handler == (Handler.ASSISTANT if first is None else Handler.STAFF)
    assert after.resolved_at is not None
    assert not Escalation.objects.all().still_open().exists()
    assert not Conversation.objects.all().due().exists()
    assert texts(ticket) == said


def test_who_resolves_what_nobody_held_hears_the_customers_answer(ticket: Ticket, sam: User) -> None:
    escalate(ticket, HandOver(reason=Reason.LEGAL))
    resolve(ticket, sam)
    assert fresh(ticket).assignee == sam


@pytest.mark.parametrize("act", [claim, hand_back, resolve])
def test_a_closed_ticket_is_left_alone(act: Any, ticket: Ticket, sam: User) -> None:
    ticket.apply(Event.RESOLVE)
    ticket.apply(Event.TIMER)
    with pytest.raises(NotAllowed):
        act(ticket, sam)
    assert fresh(ticket).status == Status.CLOSED
