"""What time does: silence resolves and closes, and what waited too long goes to people."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import DateTimeField, F, Model
from django.db.models.functions import Now
from django.db.models.signals import post_save

from tests.factories import fresh, write
from tickets import timers
from tickets.escalations import HandOver, claim, escalate, hand_back
from tickets.lifecycle import Event, Handler, Status
from tickets.models import Escalation, Message, Ticket, TicketEvent
from tickets.reasons import Reason
from tickets.replies import reply

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PENDING = settings.RESOLVE_PENDING_AFTER_DAYS * DAY
RESOLVED = settings.CLOSE_RESOLVED_AFTER_DAYS * DAY
PATIENCE = timedelta(minutes=settings.WATCHDOG_MINUTES)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ticket() -> Ticket:
    return write().ticket


def pass_time(span: timedelta) -> None:
    """Everything that is stored happened `span` earlier."""
    models: list[type[Model]] = [Ticket, Message, Escalation, TicketEvent]
    for model in models:
        names = [f.name for f in model._meta.concrete_fields if isinstance(f, DateTimeField)]
        model._default_manager.update(**{name: F(name) - span for name in names})


@pytest.mark.parametrize(
    ("events", "waited", "becomes"),
    [
        ([], 99 * DAY, Status.OPEN),
        ([Event.ESCALATE], 99 * DAY, Status.ESCALATED),
        ([Event.CLAIM], 99 * DAY, Status.OPEN),
        ([Event.ASSISTANT_REPLY], PENDING - MINUTE, Status.PENDING),
        ([Event.ASSISTANT_REPLY], PENDING + MINUTE, Status.RESOLVED),
        ([Event.STAFF_REPLY], PENDING + MINUTE, Status.RESOLVED),
        ([Event.RESOLVE], RESOLVED - MINUTE, Status.RESOLVED),
        ([Event.RESOLVE], RESOLVED + MINUTE, Status.CLOSED),
    ],
)
def test_silence_resolves_and_closes(events: list[Event], waited: timedelta, becomes: Status, ticket: Ticket) -> None:
    for event in events:
        ticket.apply(event)
    before = fresh(ticket)
    pass_time(waited)
    timers.let_time_pass()
    after = fresh(ticket)
    assert (after.status, after.handler) == (becomes, before.handler)
    assert TicketEvent.objects.filter(code="time_passed").count() == (before.status != becomes)


def test_a_pending_ticket_is_not_closed_in_the_same_moment(ticket: Ticket) -> None:
    ticket.apply(Event.ASSISTANT_REPLY)
    pass_time(PENDING + RESOLVED + DAY)
    timers.let_time_pass()
    assert fresh(ticket).status == Status.RESOLVED


def test_a_ticket_that_silence_resolved_has_no_open_escalation(ticket: Ticket, sam: User) -> None:
    escalate(ticket, HandOver(reason=Reason.LEGAL))
    reply(ticket, body="Sam here.", staff=sam)
    pass_time(PENDING + MINUTE)
    timers.let_time_pass()
    assert fresh(ticket).status == Status.RESOLVED
    assert not Escalation.objects.all().still_open().exists()


def test_a_customer_who_writes_between_the_list_and_the_lock_keeps_the_ticket_open(ticket: Ticket) -> None:
    ticket.apply(Event.ASSISTANT_REPLY)
    pass_time(PENDING + MINUTE)
    listed = list(Ticket.objects.all())
    fresh(ticket).apply(Event.INBOUND)
    timers._expire(listed)
    assert fresh(ticket).status == Status.OPEN


# --- The watchdog ----------------------------------------------------------------------------------------------


def test_what_waited_too_long_for_the_assistant_goes_to_people(ticket: Ticket) -> None:
    pass_time(PATIENCE - MINUTE)
    timers.watch_waiting()
    assert not Escalation.objects.exists()
    pass_time(2 * MINUTE)
    timers.watch_waiting()
    timers.watch_waiting()
    escalation = Escalation.objects.get()
    assert (escalation.reason, escalation.urgency) == ("processing_error", "high")
    assert [m.kind for m in ticket.messages.filter(direction="outbound")] == ["hand_over"]
    assert fresh(ticket).handler == Handler.NOBODY


def test_two_messages_that_wait_are_one_escalation(ticket: Ticket) -> None:
    Message.objects.create(
        conversation=ticket.conversation, ticket=ticket, direction="inbound", author="customer",
        channel="web_form", external_id="2", body="Hello?",
    )  # fmt: skip
    pass_time(PATIENCE + MINUTE)
    timers.watch_waiting()
    assert Escalation.objects.count() == 1
    assert not Message.objects.all().unanswered().exists()


@pytest.mark.parametrize("state", ["answered", "claimed"])
def test_the_watchdog_leaves_what_is_answered_or_held(state: str, ticket: Ticket, sam: User) -> None:
    reply(ticket, body="Yes.") if state == "answered" else claim(ticket, sam)
    pass_time(PATIENCE + MINUTE)
    timers.watch_waiting()
    assert not Escalation.objects.exists()


def test_the_watchdog_takes_nothing_from_people_who_came_between_its_list_and_its_lock(sam: User) -> None:
    first, second = write().ticket, write().ticket
    pass_time(PATIENCE + MINUTE)

    def claim_the_other(**kwargs: Any) -> None:
        claim(second if kwargs["instance"].ticket_id == first.pk else first, sam)
        post_save.disconnect(claim_the_other, sender=Escalation)

    post_save.connect(claim_the_other, sender=Escalation)
    try:
        timers.watch_waiting()
    finally:
        post_save.disconnect(claim_the_other, sender=Escalation)
    assert Escalation.objects.count() == 1
    assert sorted(Ticket.objects.values_list("status", "handler")) == [("escalated", "nobody"), ("open", "staff")]


def test_an_old_message_that_was_handed_back_gets_the_assistants_time_first(ticket: Ticket, sam: User) -> None:
    claim(ticket, sam)
    pass_time(PATIENCE + MINUTE)
    hand_back(ticket, sam)
    timers.watch_waiting()
    assert not Escalation.objects.exists()
    assert fresh(ticket).handler == Handler.ASSISTANT
    pass_time(PATIENCE + MINUTE)
    timers.watch_waiting()
    assert Escalation.objects.count() == 1


def test_time_is_the_databases(ticket: Ticket) -> None:
    Message.objects.update(created_at=Now() - PATIENCE - MINUTE)
    timers.watch_waiting()
    assert Escalation.objects.count() == 1
