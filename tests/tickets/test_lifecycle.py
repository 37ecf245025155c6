"""The table of statuses, written a second time by hand: what may happen to a ticket, and what comes of it."""

from itertools import product

import pytest

from tests.factories import fresh, write
from tickets.lifecycle import Event, Handler, NotAllowed, Status, Text, outcome
from tickets.models import Ticket

# status, event → new status, new handler (= stays), text to the customer. What is not here must be refused.
EXPECTED = """
open       inbound          open       =          none
open       assistant_reply  pending    assistant  reply
open       staff_reply      pending    staff      reply
open       escalate         escalated  nobody     hand_over
open       claim            open       staff      none
open       hand_back        open       assistant  none
open       resolve          resolved   =          none
pending    inbound          open       =          none
pending    assistant_reply  pending    assistant  reply
pending    staff_reply      pending    staff      reply
pending    escalate         escalated  nobody     hand_over
pending    claim            pending    staff      none
pending    hand_back        pending    assistant  none
pending    resolve          resolved   =          none
pending    timer            resolved   =          none
escalated  inbound          escalated  =          none
escalated  staff_reply      pending    staff      reply
escalated  claim            escalated  staff      none
escalated  hand_back        open       assistant  none
escalated  resolve          resolved   =          none
resolved   inbound          open       =          none
resolved   staff_reply      pending    staff      reply
resolved   escalate         escalated  nobody     hand_over
resolved   timer            closed     =          none
"""
TABLE = {(s, e): rest for s, e, *rest in (line.split() for line in EXPECTED.strip().splitlines())}


@pytest.mark.parametrize(("status", "event", "handler"), list(product(Status.values, Event.values, Handler.values)))
def test_every_pair_of_status_and_event_does_what_the_table_says(status: str, event: str, handler: str) -> None:
    now = (Status(status), Handler(handler), Event(event))
    expected = TABLE.get((status, event))
    if expected is None or (event == "assistant_reply" and handler != "assistant"):
        with pytest.raises(NotAllowed):
            outcome(*now)
        return
    new_status, new_handler, text = expected
    if new_handler == "=":
        new_handler = "staff" if (event, handler) == ("resolve", "nobody") else handler
    assert outcome(*now) == (Status(new_status), Handler(new_handler), Text(text))


def test_nothing_reopens_a_closed_ticket() -> None:
    assert not [pair for pair in TABLE if pair[0] == "closed"]
    for event, handler in product(Event, Handler):
        with pytest.raises(NotAllowed):
            outcome(Status.CLOSED, handler, event)


def test_a_refusal_says_what_was_tried_in_words() -> None:
    with pytest.raises(NotAllowed, match="closed") as refused:
        outcome(Status.CLOSED, Handler.STAFF, Event.CLAIM)
    assert str(refused.value) == "A ticket that is closed cannot be claimed."


def moved(*events: Event) -> Ticket:
    ticket = write().ticket
    for event in events:
        ticket.apply(event)
    return fresh(ticket)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "event", "bumps"),
    [
        ((), Event.INBOUND, 0),
        ((), Event.ASSISTANT_REPLY, 0),
        ((), Event.STAFF_REPLY, 1),
        ((), Event.CLAIM, 1),
        ((), Event.ESCALATE, 1),
        ((), Event.HAND_BACK, 1),
        ((), Event.RESOLVE, 1),
        ((Event.CLAIM,), Event.STAFF_REPLY, 1),
        ((Event.CLAIM,), Event.CLAIM, 1),
        ((Event.CLAIM,), Event.INBOUND, 0),
        ((Event.ESCALATE,), Event.RESOLVE, 1),
    ],
)
def test_whatever_people_do_outdates_the_answer_being_thought_of(
    before: tuple[Event, ...], event: Event, bumps: int
) -> None:
    ticket = moved(*before)
    epoch = ticket.handler_epoch
    ticket.apply(event)
    assert fresh(ticket).handler_epoch == epoch + bumps


@pytest.mark.django_db
def test_a_resolved_ticket_knows_when_also_once_it_is_closed() -> None:
    ticket = moved(Event.RESOLVE)
    assert ticket.resolved_at is not None
    ticket.apply(Event.TIMER)
    assert fresh(ticket).status == Status.CLOSED
    assert fresh(ticket).resolved_at is not None


@pytest.mark.django_db
def test_a_reopened_ticket_is_not_resolved_any_more() -> None:
    assert moved(Event.RESOLVE, Event.INBOUND).resolved_at is None


@pytest.mark.django_db
def test_a_refused_event_changes_nothing() -> None:
    ticket = moved(Event.RESOLVE)
    with pytest.raises(NotAllowed):
        ticket.apply(Event.CLAIM)
    after = fresh(ticket)
    assert (after.status, after.handler, after.handler_epoch) == (ticket.status, ticket.handler, ticket.handler_epoch)
