"""The row as the queue: claimed by one, fenced by its lease, retried, and given up to people."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from agent_runner.worker import open_run
from channels_app.web_form.parsing import FollowUpIn, follow_up
from fte_project.db import LEASE, LeaseLost
from fte_project.models import DeadLetter, OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.factories import fresh, write
from tickets import escalations, work
from tickets.escalations import HandOver, escalate
from tickets.intake import receive
from tickets.lifecycle import Handler, Status
from tickets.models import Conversation, Escalation, Message, Ticket
from tickets.reasons import Reason
from tickets.replies import reply
from tickets.work import Result, Work


@pytest.fixture
def ticket(db: None) -> Ticket:
    return write().ticket


def row(ticket: Ticket) -> Conversation:
    return Conversation.objects.get(pk=ticket.conversation_id)


def take(ticket: Ticket) -> Work:
    claimed = work.claim(ticket.conversation_id)
    assert claimed is not None
    return claimed


def another(ticket: Ticket, text: str = "One more thing.") -> Message:
    return receive(follow_up(FollowUpIn(message=text), ticket, key=text), about=ticket).message


def read(ticket: Ticket) -> list[int]:
    return [m.pk for m in ticket.conversation.messages.all().unanswered()]


def store(ticket: Ticket) -> None:
    reply(ticket, body="The answer.", answers=[m.pk for m in ticket.messages.filter(direction="inbound")][:1])


def run_out(ticket: Ticket) -> None:
    """Let the lease end, by the database's clock."""
    Conversation.objects.filter(pk=ticket.conversation_id).update(lease_expires_at=Now() - timedelta(milliseconds=1))


def outbound() -> int:
    return Message.objects.filter(direction="outbound").count()


def test_a_claim_holds_the_work_for_one_lease(ticket: Ticket) -> None:
    claimed = take(ticket)
    held = row(ticket)
    assert (claimed.ticket_id, claimed.attempts, claimed.handler_epoch) == (ticket.pk, 1, 0)
    assert held.lease_token == claimed.token
    assert LEASE - timedelta(seconds=2) < held.lease_expires_at - timezone.now() <= LEASE + timedelta(seconds=1)


@pytest.mark.parametrize("why", ["not due yet", "nothing to do", "held", "nobody's", "staff's", "closed", "unknown"])
def test_there_is_no_claim_on_what_is_not_due_free_and_the_assistants(why: str, ticket: Ticket, sam: User) -> None:
    rows = Conversation.objects.filter(pk=ticket.conversation_id)
    number = ticket.conversation_id
    match why:
        case "not due yet":
            rows.update(work_due_at=Now() + timedelta(minutes=1))
        case "nothing to do":
            rows.update(work_due_at=None)
        case "held":
            take(ticket)
        case "nobody's":
            escalate(ticket, HandOver(reason=Reason.LEGAL))
            rows.update(work_due_at=Now())
        case "staff's":
            escalations.claim(ticket, sam)
            rows.update(work_due_at=Now())
        case "closed":
            Ticket.objects.update(status=Status.CLOSED)
        case "unknown":
            number = 0
    assert work.claim(number) is None
    if why in {"nobody's", "staff's", "closed"}:
        assert (row(ticket).work_due_at, row(ticket).lease_token) == (None, None)


@real_commits
def test_of_eight_workers_that_claim_at_once_one_wins() -> None:
    ticket = write().ticket
    results = at_once(8, lambda _: work.claim(ticket.conversation_id))
    assert not [r for r in results if isinstance(r, Exception)]
    assert len([r for r in results if r is not None]) == 1
    assert row(ticket).attempts == 1


def test_b6_a_lease_that_ran_out_is_claimed_again_and_the_old_holder_stores_nothing(ticket: Ticket) -> None:
    old = take(ticket)
    run_out(ticket)
    new = take(ticket)
    assert (new.attempts, new.token != old.token) == (2, True)
    assert not work.renew(old)
    with pytest.raises(LeaseLost):
        work.finish(old, read(ticket), store)
    with pytest.raises(LeaseLost):
        work.retry(old, "late")
    assert outbound() == 0
    assert row(ticket).lease_token == new.token
    assert work.finish(new, read(ticket), store) == Result.STORED
    assert outbound() == 1


def test_a_lease_that_ran_out_is_lost_also_when_nobody_else_took_it(ticket: Ticket) -> None:
    claimed = take(ticket)
    run_out(ticket)
    assert not work.renew(claimed)
    with pytest.raises(LeaseLost):
        work.finish(claimed, read(ticket), store)
    assert outbound() == 0


def test_a_renewed_lease_begins_anew(ticket: Ticket) -> None:
    claimed = take(ticket)
    Conversation.objects.update(lease_expires_at=Now() + timedelta(seconds=1))
    assert work.renew(claimed)
    assert row(ticket).lease_expires_at > timezone.now() + timedelta(seconds=8)


def test_a_finished_run_leaves_nothing_due(ticket: Ticket) -> None:
    assert work.finish(take(ticket), read(ticket), store) == Result.STORED
    after = row(ticket)
    assert (after.work_due_at, after.lease_token, after.attempts) == (None, None, 0)
    assert fresh(ticket).status == Status.PENDING


def test_what_fails_while_storing_stores_nothing_and_keeps_the_lease(ticket: Ticket) -> None:
    claimed = take(ticket)

    def half(ticket: Ticket) -> None:
        store(ticket)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        work.finish(claimed, read(ticket), half)
    assert outbound() == 0
    assert row(ticket).lease_token == claimed.token


def test_a_newer_message_means_think_again(ticket: Ticket) -> None:
    claimed, seen = take(ticket), read(ticket)
    another(ticket)
    assert work.finish(claimed, seen, store) == Result.NEWER_MESSAGE
    assert outbound() == 0
    assert row(ticket).lease_token == claimed.token, "the same claim goes on"
    assert work.finish(claimed, read(ticket), store) == Result.STORED


def test_the_last_round_answers_what_it_read_and_leaves_the_rest_due(ticket: Ticket) -> None:
    claimed, seen = take(ticket), read(ticket)
    newer = another(ticket)
    assert work.finish(claimed, seen, store, even_if_newer=True) == Result.STORED
    assert outbound() == 1
    assert read(ticket) == [newer.pk]
    assert row(ticket).rung_at is None
    assert take(ticket).attempts == 1


def test_the_last_round_leaves_nothing_due_when_it_handed_over(ticket: Ticket) -> None:
    claimed, seen = take(ticket), read(ticket)
    another(ticket)

    def hand_over(ticket: Ticket) -> None:
        escalate(ticket, HandOver(reason=Reason.LEGAL), answers=seen)

    assert work.finish(claimed, seen, hand_over, even_if_newer=True) == Result.STORED
    assert row(ticket).work_due_at is None


@pytest.mark.parametrize("how", ["claim", "reply", "resolve", "escalate"])
def test_an_answer_is_discarded_when_people_took_over(how: str, ticket: Ticket, sam: User) -> None:
    claimed, seen = take(ticket), read(ticket)
    match how:
        case "claim":
            escalations.claim(ticket, sam)
        case "reply":
            reply(ticket, body="Sam here.", staff=sam)
        case "resolve":
            escalations.resolve(ticket, sam)
        case "escalate":
            escalate(ticket, HandOver(reason=Reason.LEGAL))
    said, now = outbound(), fresh(ticket)
    assert work.finish(claimed, seen, store) == Result.TAKEN_OVER
    after = fresh(ticket)
    assert (outbound(), after.status, after.handler) == (said, now.status, now.handler)
    assert (row(ticket).work_due_at, row(ticket).lease_token) == (None, None)


def test_an_answer_from_before_taking_over_and_handing_back_is_discarded_and_made_anew(
    ticket: Ticket, sam: User
) -> None:
    claimed, seen = take(ticket), read(ticket)
    escalations.claim(ticket, sam)
    escalations.hand_back(ticket, sam)
    assert work.finish(claimed, seen, store) == Result.TAKEN_OVER
    assert outbound() == 0
    again = take(ticket)
    assert again.handler_epoch == 2
    assert work.finish(again, seen, store) == Result.STORED


def test_a_release_gives_the_work_back_and_does_not_count(ticket: Ticket) -> None:
    work.release(take(ticket))
    after = row(ticket)
    assert (after.lease_token, after.attempts, after.rung_at) == (None, 0, None)
    assert take(ticket).attempts == 1


def test_a_release_after_a_newer_message_works(ticket: Ticket) -> None:
    claimed = take(ticket)
    another(ticket)
    work.release(claimed)
    assert row(ticket).attempts == 0
    assert row(ticket).lease_token is None


def test_a_stale_release_takes_nothing_from_the_new_holder(ticket: Ticket) -> None:
    old = take(ticket)
    run_out(ticket)
    new = take(ticket)
    work.release(old)
    assert row(ticket).lease_token == new.token


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
def test_a_failed_try_waits_twice_as_long_as_the_one_before(attempt: int, ticket: Ticket) -> None:
    Conversation.objects.update(attempts=attempt - 1)
    work.retry(take(ticket), "the model is away")
    after = row(ticket)
    wait = (after.work_due_at - timezone.now()).total_seconds()
    assert 0.74 * 2**attempt - 1 < wait < 1.26 * 2**attempt
    assert (after.lease_token, after.rung_at, after.attempts) == (None, None, attempt)
    assert work.claim(ticket.conversation_id) is None
    assert not DeadLetter.objects.exists()


def given_up(ticket: Ticket) -> None:
    """Exactly one of everything that giving up means."""
    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.conversation_id) == ("conversation", ticket.conversation_id)
    event = OutboxEvent.objects.get(topic="fte.dlq")
    assert event.payload["dead_letter_id"] == letter.pk
    escalation = Escalation.objects.get()
    assert (escalation.reason, escalation.urgency) == ("processing_error", "high")
    text = Message.objects.get(direction="outbound")
    assert text.kind == "hand_over"
    assert ticket.messages.get(direction="inbound").answered_by == text
    after = row(ticket)
    assert (after.work_due_at, after.lease_token, after.attempts) == (None, None, 0)
    assert (fresh(ticket).status, fresh(ticket).handler) == (Status.ESCALATED, Handler.NOBODY)


def test_after_the_last_try_there_is_a_dead_letter_and_one_text(ticket: Ticket) -> None:
    for attempt in range(1, settings.MAX_ATTEMPTS + 1):
        Conversation.objects.update(work_due_at=Now())
        claimed = take(ticket)
        assert claimed.attempts == attempt
        work.retry(claimed, "RuntimeError('poison')")
    given_up(ticket)
    assert "poison" in DeadLetter.objects.get().error
    assert work.claim(ticket.conversation_id) is None


def test_a_worker_that_died_in_every_try_is_given_up_at_the_next_claim(ticket: Ticket) -> None:
    for _ in range(settings.MAX_ATTEMPTS):
        take(ticket)
        run_out(ticket)
    assert work.claim(ticket.conversation_id) is None
    given_up(ticket)


def test_nothing_is_given_up_to_people_who_have_it_already(ticket: Ticket, sam: User) -> None:
    Conversation.objects.update(attempts=settings.MAX_ATTEMPTS - 1)
    claimed = take(ticket)
    escalations.claim(ticket, sam)
    work.retry(claimed, "too late")
    assert not DeadLetter.objects.exists()
    assert not Escalation.objects.exists()
    assert outbound() == 0
    assert (row(ticket).lease_token, row(ticket).attempts) == (None, 0)


def test_b11_giving_up_one_conversation_leaves_the_others(ticket: Ticket) -> None:
    other = write(email="ben@example.com").ticket
    Conversation.objects.filter(pk=ticket.conversation_id).update(attempts=settings.MAX_ATTEMPTS - 1)
    work.retry(take(ticket), "poison")
    assert take(other).attempts == 1


@real_commits
def test_a_claim_by_staff_and_a_finished_answer_at_once_never_both_speak() -> None:
    """The answer is stored before the claim, or discarded after it: never stored by an assistant without the ticket."""
    from tests.factories import make_staff

    sam = make_staff("sam", "agent")
    for n in range(10):
        ticket = write(email=f"c{n}@example.com").ticket
        claimed, seen = take(ticket), read(ticket)

        def act(number: int, ticket: Ticket = ticket, claimed: Work = claimed, seen: list[int] = seen) -> Any:
            if number:
                return escalations.claim(Ticket.objects.get(pk=ticket.pk), sam)
            return work.finish(claimed, seen, store)

        result, claim_result = at_once(2, act)
        assert claim_result is None
        after = fresh(ticket)
        assert after.handler == Handler.STAFF
        said = ticket.messages.filter(direction="outbound").count()
        assert (result, said, after.status) in {
            (Result.STORED, 1, Status.PENDING),
            (Result.TAKEN_OVER, 0, Status.OPEN),
        }


@pytest.mark.django_db
def test_what_an_older_ticket_left_unanswered_is_not_the_new_tickets_work(sam: User) -> None:
    old = write().ticket
    escalations.resolve(old, sam)
    Ticket.objects.filter(pk=old.pk).update(status="closed")
    new = receive(
        follow_up(FollowUpIn(message="Something else, please."), Ticket.objects.get(pk=old.pk), key="k"), about=old
    ).ticket
    assert new.pk != old.pk
    claimed = work.claim(new.conversation_id)
    assert claimed is not None
    run = open_run(claimed)
    assert run is not None
    assert run.context.question == "Something else, please."
    assert work.finish(claimed, list(run.context.message_ids), lambda _: None) == Result.STORED
