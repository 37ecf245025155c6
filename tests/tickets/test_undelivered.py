"""A reply that did not arrive, or perhaps did not: people hear of it once, and what they decide happens once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection, connections, transaction
from django.db.models.functions import Now

import channels_app.delivery
from channels_app import registry
from channels_app.delivery import claim as take
from channels_app.delivery import deliver_one, record_error
from channels_app.registry import Provider, SendError, Sent, provider_of
from channels_app.web_form.parsing import FollowUpIn, follow_up
from fte_project.db import LeaseLost
from fte_project.events import Channel
from fte_project.models import DeadLetter, OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.factories import fresh, make_staff, write, write_by_mail
from tests.fakes.smtp import DROP, smtp
from tickets import work
from tickets.escalations import HandOver, claim, escalate, hand_back, resolve
from tickets.intake import receive
from tickets.lifecycle import Handler, NotAllowed, Status
from tickets.models import Conversation, Delivery, Escalation, Message, Ticket, TicketEvent
from tickets.reasons import Reason
from tickets.replies import reply
from tickets.undelivered import confirm_arrived, send_again

REFUSED = {"RCPT": "550 no such user"}
LOST = {"message": DROP}


@pytest.fixture
def ticket(db: None) -> Ticket:
    return write_by_mail()


def texts(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").order_by("id").values_list("kind", flat=True))


def by_mail(message: Message) -> Delivery:
    return message.deliveries.get(channel="email")


def now(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_related("reply__ticket").get(pk=delivery.pk)


def deliver(delivery: Delivery, settings: Any, plan: dict[str, str]) -> Delivery:
    """Send it to a mail server with this plan."""
    kept = settings.MAILERS
    with smtp(**plan) as server:
        settings.MAILERS = server.mailers
        Delivery.objects.filter(pk=delivery.pk).update(due_at=Now())
        async_to_sync(deliver_one)(delivery.pk)
    settings.MAILERS = kept
    return now(delivery)


def answered(ticket: Ticket) -> Delivery:
    return by_mail(reply(ticket, body="The answer.", kind="answer"))


def recorded() -> list[tuple[str, str]]:
    codes = ["delivery_failed", "delivery_unknown", "delivery_confirmed", "sent_again"]
    return list(TicketEvent.objects.filter(code__in=codes).order_by("id").values_list("code", "actor"))


# --- People hear of it


def test_c5_a_reply_that_is_refused_for_good_goes_to_people_with_one_text(ticket: Ticket, settings: Any) -> None:
    delivery = answered(ticket)
    assert deliver(delivery, settings, REFUSED).status == "failed"
    after, escalation = fresh(ticket), Escalation.objects.get()
    assert (after.status, after.handler) == (Status.ESCALATED, Handler.NOBODY)
    assert (escalation.reason, escalation.urgency) == ("delivery_failed", "high")
    assert escalation.detail == (
        "A reply was not delivered (E-mail): The mail server refused the address: 550 no such user"
    )
    assert texts(ticket) == ["answer", "hand_over"]
    assert DeadLetter.objects.get().subject_id == delivery.pk
    assert recorded() == [("delivery_failed", "system")]
    assert TicketEvent.objects.get(code="delivery_failed").data == {"delivery": delivery.pk}
    assert OutboxEvent.objects.filter(topic="fte.escalations").count() == 1
    async_to_sync(deliver_one)(delivery.pk)
    assert texts(ticket) == ["answer", "hand_over"]


def test_c11_a_reply_of_which_nobody_knows_whether_it_arrived_goes_to_people(ticket: Ticket, settings: Any) -> None:
    delivery = answered(ticket)
    after = deliver(delivery, settings, LOST)
    assert (after.status, after.look_up_at) == ("unknown", None)
    assert Escalation.objects.get().reason == "delivery_failed"
    assert Escalation.objects.get().detail.startswith("Nobody knows if a reply arrived (E-mail): ")
    assert texts(ticket) == ["answer", "hand_over"]
    assert recorded() == [("delivery_unknown", "system")]
    assert not DeadLetter.objects.exists()


def scripted_send(delivery: Delivery, check: Callable[[], None]) -> Sent:
    raise SendError("reset")


def scripted_look_up(delivery: Delivery) -> Sent | None:
    raise SendError("the list cannot be read")


SCRIPTED = Provider(send=scripted_send, look_up=scripted_look_up)


def test_c11_people_hear_of_a_doubtful_reply_only_when_nothing_is_left_to_look_up(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.PROVIDERS, Channel.EMAIL, f"{__name__}.SCRIPTED")
    delivery = answered(ticket)
    for _ in range(3):
        async_to_sync(deliver_one)(delivery.pk)
        assert now(delivery).status == "unknown"
        assert not Escalation.objects.exists()
        Delivery.objects.update(look_up_at=Now())
    Delivery.objects.update(changed_at=Now() - timedelta(minutes=16))
    async_to_sync(deliver_one)(delivery.pk)
    assert now(delivery).look_up_at is None
    assert Escalation.objects.get().detail == "Nobody knows if a reply arrived (E-mail): the list cannot be read"


@pytest.mark.parametrize("plan", [REFUSED, LOST], ids=["failed", "unknown"])
@pytest.mark.parametrize("handed_back", [False, True])
def test_c5_the_holding_text_that_is_lost_too_starts_nothing_new(
    plan: dict[str, str], handed_back: bool, ticket: Ticket, sam: User, settings: Any
) -> None:
    deliver(answered(ticket), settings, plan)
    holding = by_mail(ticket.messages.get(kind="hand_over"))
    if handed_back:
        hand_back(fresh(ticket), sam)
    assert deliver(holding, settings, plan).status == ("failed" if plan is REFUSED else "unknown")
    assert texts(ticket) == ["answer", "hand_over"]
    assert Escalation.objects.count() == 1
    assert len(recorded()) == 2
    assert DeadLetter.objects.count() == (2 if plan is REFUSED else 0)
    assert not Delivery.objects.filter(status__in=["queued", "sending"]).exists()


@pytest.mark.parametrize("plan", [REFUSED, LOST], ids=["failed", "unknown"])
@pytest.mark.django_db
def test_the_mail_copy_of_a_reply_to_the_form_is_no_matter_for_an_escalation(
    plan: dict[str, str], settings: Any
) -> None:
    ticket = write().ticket
    assert deliver(answered(ticket), settings, plan).status != "sent"
    assert fresh(ticket).status == Status.PENDING
    assert not Escalation.objects.exists()
    assert recorded() == []


@pytest.mark.parametrize("plan", [REFUSED, LOST], ids=["failed", "unknown"])
def test_on_a_ticket_that_is_closed_while_it_is_sent_it_is_recorded_and_nothing_else(
    plan: dict[str, str], ticket: Ticket, sam: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = answered(ticket)
    resolve(ticket, sam)

    def closes(delivery: Delivery) -> Provider:
        Ticket.objects.update(status=Status.CLOSED)
        return provider_of(delivery)

    monkeypatch.setattr(channels_app.delivery, "provider_of", closes)
    after = deliver(delivery, settings, plan)
    assert (after.status, after.lease_token) == ("failed" if plan is REFUSED else "unknown", None)
    assert len(recorded()) == 1
    assert fresh(ticket).status == Status.CLOSED
    assert texts(ticket) == ["answer"]


def test_an_escalation_that_waits_for_people_is_kept_as_it_is(ticket: Ticket, settings: Any) -> None:
    delivery = answered(ticket)
    escalation = escalate(ticket, HandOver(reason=Reason.LEGAL))
    deliver(delivery, settings, REFUSED)
    assert Escalation.objects.get() == escalation
    assert Escalation.objects.get().reason == "legal"
    assert texts(ticket) == ["answer", "hand_over"]
    assert recorded() == [("delivery_failed", "system")]


def test_a_reply_of_staff_that_is_lost_after_they_had_answered_is_a_matter_of_its_own(
    ticket: Ticket, sam: User, settings: Any
) -> None:
    first = escalate(ticket, HandOver(reason=Reason.LEGAL))
    claim(ticket, sam)
    sent = by_mail(reply(fresh(ticket), body="Sam here.", staff=sam))
    Delivery.objects.exclude(pk=sent.pk).update(status="sent")
    deliver(sent, settings, REFUSED)
    first.refresh_from_db()
    after, second = fresh(ticket), Escalation.objects.all().still_open().get()
    assert first.closed_at is not None
    assert (second.reason, second.claimed_by) == ("delivery_failed", None)
    assert (after.status, after.handler, after.assignee) == (Status.ESCALATED, Handler.NOBODY, None)
    kim = make_staff("kim", "agent")
    claim(fresh(ticket), kim)
    assert fresh(ticket).assignee == kim


def test_an_answer_that_is_thought_of_meanwhile_is_overtaken(ticket: Ticket, settings: Any) -> None:
    delivery = answered(ticket)
    receive(follow_up(FollowUpIn(message="Hello?"), ticket, key="2"), about=ticket)
    thinking = work.claim(ticket.conversation_id)
    assert thinking is not None
    deliver(delivery, settings, REFUSED)
    assert work.finish(thinking, [], lambda _: pytest.fail("stored")) == work.Result.TAKEN_OVER
    assert not Message.objects.all().unanswered().exists(), "the holding text answers it"
    assert not Conversation.objects.all().due().exists()


def test_who_lost_the_lease_tells_nobody(ticket: Ticket) -> None:
    delivery = answered(ticket)
    old = take(delivery.pk)
    assert old is not None
    Delivery.objects.update(status="queued", lease_token=None, lease_expires_at=None)
    assert take(delivery.pk) is not None
    for error in (SendError("550", permanent=True, refused=True), SendError("reset")):
        with pytest.raises(LeaseLost):
            record_error(old, error)
    assert not Escalation.objects.exists()
    assert texts(ticket) == ["answer"]
    assert recorded() == []


@real_commits
def test_failing_deliveries_and_people_at_once_do_not_lock_each_other_out() -> None:
    ticket, people = write_by_mail(), [make_staff(name, "agent") for name in ("sam", "kim", "ola")]
    deliveries = [by_mail(reply(ticket, body=f"Reply {n}.", staff=people[0])) for n in range(3)]
    taken = []
    for delivery in deliveries:
        Delivery.objects.filter(pk__lt=delivery.pk).update(status="sent")
        taken.append(take(delivery.pk))
    Delivery.objects.filter(pk=deliveries[2].pk).update(status="sending")
    gone = SendError("550", permanent=True, refused=True)
    calls: list[Callable[[], object]] = [
        lambda: record_error(taken[0], gone),  # type: ignore[arg-type]
        lambda: record_error(taken[1], gone),  # type: ignore[arg-type]
        lambda: record_error(taken[2], SendError("reset")),  # type: ignore[arg-type]
        lambda: claim(fresh(ticket), people[1]),
        lambda: reply(fresh(ticket), body="One more.", staff=people[2]),
        lambda: send_again(deliveries[0], people[2]),
        lambda: escalate(fresh(ticket), HandOver(reason=Reason.LEGAL)),
    ]
    results = at_once(len(calls), lambda n: calls[n]())
    assert not [r for r in results if isinstance(r, Exception) and not isinstance(r, NotAllowed)], results
    assert Escalation.objects.all().still_open().count() <= 1
    assert Escalation.objects.count() == texts(ticket).count("hand_over")


@real_commits
@pytest.mark.parametrize("error", [SendError("550", permanent=True, refused=True), SendError("reset")])
def test_a_failing_delivery_waits_for_whoever_holds_the_conversation_before_it_locks_its_row(error: SendError) -> None:
    delivery = answered(write_by_mail())
    taken = take(delivery.pk)
    assert taken is not None
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Conversation.objects.lock(delivery.reply.conversation_id)
            recording = pool.submit(record_and_close, taken, error)
            assert somebody_waits()
            Delivery.objects.select_for_update(nowait=True).get(pk=delivery.pk)
        recording.result(20)
    assert Escalation.objects.exists()


def record_and_close(delivery: Delivery, error: SendError) -> None:
    try:
        record_error(delivery, error)
    finally:
        connections.close_all()


def somebody_waits() -> bool:
    """Whether a transaction waits for a lock, after at most some seconds."""
    until = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return True
    return False


# --- They decide


def undecided(settings: Any) -> Delivery:
    return deliver(answered(write_by_mail()), settings, LOST)


def failed(settings: Any) -> Delivery:
    return deliver(answered(write_by_mail()), settings, REFUSED)


@pytest.mark.django_db
def test_c11_what_a_person_found_to_have_arrived_is_sent_and_never_again(sam: User, settings: Any) -> None:
    delivery = undecided(settings)
    confirm_arrived(delivery, sam)
    after = now(delivery)
    assert (after.status, after.error) == ("sent", "")
    assert recorded()[-1] == ("delivery_confirmed", f"staff:{sam.pk}")
    async_to_sync(deliver_one)(delivery.pk)
    assert mail.outbox == []
    for decide in (confirm_arrived, send_again):
        with pytest.raises(NotAllowed, match="was sent by now"):
            decide(delivery, sam)
    assert len(recorded()) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("state", [undecided, failed])
def test_c11_what_a_person_has_sent_again_is_sent_once(
    state: Callable[[Any], Delivery], sam: User, settings: Any
) -> None:
    delivery = state(settings)
    OutboxEvent.objects.all().delete()
    Delivery.objects.filter(pk=delivery.pk).update(queued_at=Now() - timedelta(hours=30), external_id="old")
    send_again(delivery, sam)
    after = now(delivery)
    assert (after.status, after.attempts, after.error, after.external_id) == ("queued", 0, "", "")
    assert after.queued_at > delivery.queued_at
    assert OutboxEvent.objects.get().payload["delivery_id"] == delivery.pk
    assert recorded()[-1] == ("sent_again", f"staff:{sam.pk}")
    with pytest.raises(NotAllowed, match="is queued by now"):
        send_again(delivery, sam)
    async_to_sync(deliver_one)(delivery.pk)
    assert now(delivery).status == "sent"
    assert len(mail.outbox) == 1
    assert len(recorded()) == 2
    assert not DeadLetter.objects.filter(replayed_at=None).exists()


@pytest.mark.django_db
def test_a_failed_reply_cannot_be_said_to_have_arrived(sam: User, settings: Any) -> None:
    delivery = failed(settings)
    with pytest.raises(NotAllowed, match="has failed by now"):
        confirm_arrived(delivery, sam)
    assert now(delivery).status == "failed"


@pytest.mark.django_db
@pytest.mark.parametrize("decide", [confirm_arrived, send_again])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"look_up_at": Now() + timedelta(seconds=5)}, "still being asked"),
        ({"lease_expires_at": Now() + timedelta(seconds=5)}, "still being asked"),
        ({"status": "queued"}, "is queued by now"),
        ({"status": "sending", "lease_expires_at": Now() + timedelta(seconds=5)}, "is being sent by now"),
        ({"status": "delivered"}, "was delivered by now"),
    ],
)
def test_c11_nobody_decides_about_what_is_not_theirs_to_decide(
    changes: dict[str, Any], words: str, decide: Callable[[Delivery, User], None], sam: User, settings: Any
) -> None:
    delivery = undecided(settings)
    Delivery.objects.filter(pk=delivery.pk).update(**changes)
    before = now(delivery)
    with pytest.raises(NotAllowed, match=words):
        decide(delivery, sam)
    assert now(delivery).__dict__ | {"_state": 0} == before.__dict__ | {"_state": 0}
    assert len(recorded()) == 1


@pytest.mark.django_db
def test_on_a_closed_ticket_nothing_is_sent_again_and_the_doubt_can_still_be_settled(sam: User, settings: Any) -> None:
    delivery = undecided(settings)
    Ticket.objects.update(status=Status.CLOSED)
    with pytest.raises(NotAllowed, match="is closed"):
        send_again(delivery, sam)
    confirm_arrived(delivery, sam)
    assert now(delivery).status == "sent"


@real_commits
def test_c11_of_people_who_decide_at_once_one_does(settings: Any) -> None:
    delivery = undecided(settings)
    people = [make_staff(f"person{n}", "agent") for n in range(4)]
    decisions = [confirm_arrived, send_again] * 2
    results = at_once(4, lambda n: decisions[n](delivery, people[n]))
    assert sorted(type(r).__name__ for r in results) == ["NoneType", *["NotAllowed"] * 3], results
    winner = results.index(None)
    assert now(delivery).status == ("sent" if winner % 2 == 0 else "queued")
    assert [actor for _, actor in recorded()] == ["system", f"staff:{people[winner].pk}"]


@pytest.mark.django_db
def test_what_people_must_look_at_is_what_is_undecided_or_failed_on_a_ticket_that_is_not_settled(
    sam: User, settings: Any
) -> None:
    doubtful, gone = undecided(settings), failed(settings)
    waiting = Delivery.objects.all().for_people()
    assert set(waiting) == {doubtful, gone}
    Delivery.objects.filter(pk=doubtful.pk).update(look_up_at=Now())
    assert set(waiting.all()) == {gone}
    resolve(gone.reply.ticket, sam)
    assert set(waiting.all()) == set()
