"""A delivery's way: queued, sending, and sent, failed or unknown — and never twice."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db.models.functions import Now
from django.utils import timezone

from channels_app import registry, sending
from channels_app.delivery import claim, deliver_one, record_error, record_no_word, record_sent
from channels_app.registry import Provider, SendError, Sent
from fte_project.db import LeaseLost
from fte_project.events import Channel
from fte_project.models import DeadLetter, OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.factories import BEN, write
from tests.fakes.smtp import DROP, smtp
from tickets.models import Delivery, Ticket
from tickets.replies import reply

behaviour: list[Callable[[Delivery], Sent]] = []
known: list[Callable[[Delivery], Sent | None]] = []


def scripted_send(delivery: Delivery, check: Callable[[], None]) -> Sent:
    check()
    return behaviour[0](delivery)


def scripted_look_up(delivery: Delivery) -> Sent | None:
    return known[0](delivery)


SCRIPTED = Provider(send=scripted_send)
SCRIPTED_WITH_LOOK_UP = Provider(send=scripted_send, look_up=scripted_look_up)


@pytest.fixture
def sends(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Delivery], Sent]], None]:
    """Put a provider with this behaviour in place of the mail server."""
    monkeypatch.setitem(registry.PROVIDERS, Channel.EMAIL, f"{__name__}.SCRIPTED")
    behaviour.clear()
    return lambda fn: behaviour.insert(0, fn)


@pytest.fixture
def knows(sends: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Delivery], Sent | None]], None]:
    """The scripted provider can be asked what it accepted, and answers like this."""
    monkeypatch.setitem(registry.PROVIDERS, Channel.EMAIL, f"{__name__}.SCRIPTED_WITH_LOOK_UP")
    known.clear()
    return lambda fn: known.insert(0, fn)


def queue(ticket: Ticket | None = None, body: str = "The answer.") -> Delivery:
    return reply(ticket or write().ticket, body=body).deliveries.get(channel="email")


def fresh(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def deliver(delivery: Delivery) -> Delivery:
    async_to_sync(deliver_one)(delivery.pk)
    return fresh(delivery)


def make_due(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(due_at=Now())
    Delivery.objects.filter(pk=delivery.pk, look_up_at__isnull=False).update(look_up_at=Now())


def dies_while_sending(delivery: Delivery) -> None:
    """A process claims it, marks it right before its words leave, and is gone."""
    assert claim(delivery.pk) is not None
    Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.SENDING)


def lease_runs_out(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(lease_expires_at=Now() - timedelta(milliseconds=1))


@pytest.mark.django_db
def test_a_delivery_is_sent_once() -> None:
    delivery = queue()
    after = deliver(delivery)
    assert (after.status, after.attempts, after.error, after.lease_token) == ("sent", 1, "", None)
    assert after.external_id == mail.outbox[0].extra_headers["Message-ID"]
    deliver(delivery)
    deliver(delivery)
    assert len(mail.outbox) == 1


@real_commits
def test_workers_that_hear_the_same_ring_send_once() -> None:
    delivery = queue()
    results = at_once(6, lambda _: async_to_sync(deliver_one)(delivery.pk))
    assert not [r for r in results if r is not None]
    assert len(mail.outbox) == 1
    assert fresh(delivery).status == "sent"


@pytest.mark.django_db
def test_a_refusal_for_good_is_failed_with_a_dead_letter(settings: Any) -> None:
    delivery = queue()
    with smtp(RCPT="550 no such user") as server:
        settings.MAILERS = server.mailers
        after = deliver(delivery)
        make_due(delivery)
        deliver(delivery)
    assert server.connections == 1
    assert (after.status, after.lease_token) == ("failed", None)
    assert "no such user" in after.error
    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.subject_id, letter.conversation_id) == (
        "delivery", delivery.pk, delivery.reply.conversation_id,
    )  # fmt: skip
    event = OutboxEvent.objects.get(topic="fte.dlq")
    assert event.payload["dead_letter_id"] == letter.pk


@pytest.mark.django_db
def test_a_refusal_for_now_is_queued_again_for_later_and_then_sent(settings: Any) -> None:
    delivery = queue()
    with smtp(RCPT="450 greylisted") as server:
        settings.MAILERS = server.mailers
        after = deliver(delivery)
        assert (after.status, after.lease_token, after.rung_at) == ("queued", None, None)
        assert 1.4 - 0.5 < (after.due_at - timezone.now()).total_seconds() < 2.6
        deliver(delivery)
        assert server.connections == 1, "it is not due yet"
        server.plan.clear()
        make_due(delivery)
        assert deliver(delivery).status == "sent"
        assert len(server.accepted) == 1
    assert not DeadLetter.objects.exists()


@pytest.mark.django_db
def test_refusals_wait_longer_each_time_and_after_a_day_end_in_one_dead_letter(settings: Any) -> None:
    delivery, waits = queue(), []
    with smtp(MAIL="451 try later") as server:
        settings.MAILERS = server.mailers
        for _ in range(12):
            make_due(delivery)
            waits.append((deliver(delivery).due_at - timezone.now()).total_seconds())
        assert fresh(delivery).status == "queued"
        Delivery.objects.filter(pk=delivery.pk).update(queued_at=Now() - timedelta(hours=25))
        make_due(delivery)
        assert deliver(delivery).status == "failed"
        deliver(delivery)
    assert server.connections == 13
    assert DeadLetter.objects.get().attempts == 13
    for number, wait in enumerate(waits, 1):
        longest = min(2**number, 300)
        assert 0.75 * longest - 1 < wait < 1.25 * longest + 0.1


@pytest.mark.django_db
def test_c4_the_wait_that_a_provider_asks_for_is_kept(sends: Any) -> None:
    delivery = queue()

    def busy(_: Delivery) -> Sent:
        raise SendError("429", refused=True, retry_after=90)

    sends(busy)
    wait = (deliver(delivery).due_at - timezone.now()).total_seconds()
    assert 88 < wait < 91


@pytest.mark.django_db
def test_an_accepted_mail_whose_answer_got_lost_is_unknown_and_never_sent_again(settings: Any) -> None:
    delivery = queue()
    with smtp(message=DROP) as server:
        settings.MAILERS = server.mailers
        assert deliver(delivery).status == "unknown"
        server.plan.clear()
        for _ in range(3):
            make_due(delivery)
            deliver(delivery)
        assert len(server.accepted) == 1
        assert server.connections == 1
    after = fresh(delivery)
    assert (after.status, after.lease_token) == ("unknown", None)
    assert after.error
    assert not DeadLetter.objects.exists()


@pytest.mark.django_db
def test_a_delivery_whose_process_died_before_its_words_left_is_sent_once_by_another() -> None:
    delivery = queue()
    assert claim(delivery.pk) is not None
    assert deliver(delivery).status == "queued", "its lease still holds"
    lease_runs_out(delivery)
    assert deliver(delivery).status == "sent"
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_delivery_whose_process_died_while_its_words_left_is_unknown_and_never_sent_again() -> None:
    delivery = queue()
    dies_while_sending(delivery)
    deliver(delivery)
    assert fresh(delivery).status == "sending", "its lease still holds"
    lease_runs_out(delivery)
    after = deliver(delivery)
    assert (after.status, after.lease_token) == ("unknown", None)
    make_due(delivery)
    deliver(delivery)
    assert mail.outbox == []


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", ["sent", "refused", "broken"])
def test_who_lost_the_lease_while_sending_settles_nothing(outcome: str, sends: Any) -> None:
    delivery = queue()

    def slow(_: Delivery) -> Sent:
        lease_runs_out(delivery)
        other = claim(delivery.pk)
        assert other is not None
        record_no_word(other, SendError("another process gives it up"))
        if outcome == "sent":
            return Sent(external_id="late")
        raise SendError("too late", refused=outcome == "refused")

    sends(slow)
    after = deliver(delivery)
    assert (after.status, after.external_id) == ("unknown", "")
    assert not DeadLetter.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("accepted", [True, False])
def test_c1_an_ambiguous_send_is_looked_up_before_anything_is_sent_again(
    accepted: bool, sends: Any, knows: Any
) -> None:
    delivery, posted = queue(), []

    def first_breaks(_: Delivery) -> Sent:
        posted.append(1)
        if len(posted) == 1:
            raise SendError("reset after the words were sent")
        return Sent(external_id="second")

    sends(first_breaks)
    knows(lambda _: Sent(external_id="first") if accepted else None)
    after = deliver(delivery)
    assert (after.status, after.look_up_at is not None) == ("unknown", True)
    assert deliver(delivery).status == "unknown", "not yet: a slow provider may be about to accept it"
    make_due(delivery)
    after = deliver(delivery)
    if not accepted:
        assert (after.status, after.due_at > timezone.now()) == ("queued", True), "not again and again at once"
        make_due(delivery)
        after = deliver(delivery)
    assert (after.status, after.look_up_at, after.error) == ("sent", None, "")
    assert (after.external_id, len(posted)) == (("first", 1) if accepted else ("second", 2))


@pytest.mark.django_db
@pytest.mark.parametrize("accepted", [True, False])
def test_a_send_left_behind_by_a_dead_process_is_looked_up(accepted: bool, sends: Any, knows: Any) -> None:
    delivery = queue()
    sends(lambda _: Sent(external_id="again"))
    knows(lambda _: Sent(external_id="before") if accepted else None)
    dies_while_sending(delivery)
    lease_runs_out(delivery)
    deliver(delivery)
    make_due(delivery)
    after = deliver(delivery)
    assert (after.status, after.external_id) == ("sent", "before" if accepted else "again")


@pytest.mark.django_db
def test_a_provider_that_breaks_off_and_has_nothing_every_time_is_given_up_in_the_end(sends: Any, knows: Any) -> None:
    delivery = queue()

    def breaks(_: Delivery) -> Sent:
        raise SendError("reset after the words were sent")

    sends(breaks)
    knows(lambda _: None)
    deliver(delivery)
    Delivery.objects.update(queued_at=Now() - timedelta(hours=25))
    make_due(delivery)
    after = deliver(delivery)
    assert (after.status, after.lease_token) == ("failed", None)
    assert "reset after" in after.error
    assert DeadLetter.objects.get().subject_id == delivery.pk


@pytest.mark.django_db
def test_c11_a_provider_that_never_says_leaves_it_to_people_and_nothing_is_sent_again(sends: Any, knows: Any) -> None:
    delivery, posted = queue(), []

    def breaks(_: Delivery) -> Sent:
        posted.append(1)
        raise SendError("timeout")

    def says_nothing(_: Delivery) -> Sent | None:
        raise SendError("the list cannot be read")

    sends(breaks)
    knows(says_nothing)
    deliver(delivery)
    for _ in range(3):
        make_due(delivery)
        assert deliver(delivery).look_up_at is not None
    Delivery.objects.filter(pk=delivery.pk).update(changed_at=Now() - timedelta(minutes=16))
    make_due(delivery)
    after = deliver(delivery)
    assert (after.status, after.look_up_at, len(posted)) == ("unknown", None, 1)
    assert deliver(delivery).status == "unknown"


@pytest.mark.django_db
def test_a_later_reply_waits_until_the_doubt_about_an_earlier_one_is_settled(sends: Any, knows: Any) -> None:
    ticket, sent = write().ticket, []
    one, two = queue(ticket, "First."), queue(ticket, "Second.")

    def send(delivery: Delivery) -> Sent:
        sent.append(delivery.reply.body)
        if len(sent) == 1:
            raise SendError("reset")
        return Sent(external_id="x")

    sends(send)
    knows(lambda _: None)
    deliver(one)
    for _ in range(2):  # asked, and queued again
        assert deliver(two).status == "queued"
        make_due(one)
        deliver(one)
    deliver(two)
    assert sent == ["First.", "First.", "Second."]


@pytest.mark.django_db
def test_b6_a_process_that_was_stopped_for_longer_than_its_lease_does_not_send(
    sends: Any, knows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery, posted = queue(), []
    sends(lambda _: posted.append(1))  # type: ignore[arg-type, return-value]
    knows(lambda _: None)
    long_ago = SimpleNamespace(monotonic=lambda: time.monotonic() - 11)
    monkeypatch.setattr("channels_app.delivery.time", long_ago)  # it was stopped right after its claim
    assert deliver(delivery).status == "queued", "nothing left, so nothing is in doubt"
    assert posted == []


@pytest.mark.django_db
def test_a_stale_claim_cannot_settle() -> None:
    delivery = queue()
    old = claim(delivery.pk)
    assert old is not None
    Delivery.objects.update(status="queued", lease_token=None, lease_expires_at=None)
    new = claim(delivery.pk)
    assert new is not None
    with pytest.raises(LeaseLost):
        record_sent(old, Sent(external_id="old"))
    with pytest.raises(LeaseLost):
        record_error(old, SendError("x", permanent=True, refused=True))
    assert not DeadLetter.objects.exists()
    record_sent(new, Sent(external_id="new"))
    assert fresh(delivery).external_id == "new"


@pytest.mark.django_db
@pytest.mark.parametrize("have_left", [True, False])
def test_at_the_deadline_it_is_unknown_if_the_words_have_left_and_otherwise_they_stay(
    have_left: bool, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SEND_DEADLINE_SECONDS = 2.0 if have_left else 0.05
    is_over, posted = threading.Event(), []
    real = sending._Words.hold

    def hold(words: Any) -> bool:
        answer = real(words)
        is_over.set()
        return answer

    def slow(_: Delivery, check: Callable[[], None]) -> Sent:
        if have_left:
            check()
        assert is_over.wait(20)
        if not have_left:
            check()
        posted.append(1)
        return Sent(external_id="too late")

    monkeypatch.setattr(sending._Words, "hold", hold)
    monkeypatch.setattr("channels_app.web_form.sender.MAIL_COPY", Provider(send=slow))
    assert deliver(queue()).status == ("unknown" if have_left else "queued")
    assert posted == ([1] if have_left else [])


@pytest.mark.django_db
def test_replies_of_one_conversation_leave_in_order(sends: Any) -> None:
    ticket = write().ticket
    one, two, three = (queue(ticket, f"Answer {n}.") for n in range(3))
    sent: list[str] = []

    def send(delivery: Delivery) -> Sent:
        sent.append(delivery.reply.body)
        return Sent(external_id=str(delivery.pk))

    sends(send)
    assert deliver(three).status == deliver(two).status == "queued"
    deliver(one)
    deliver(three)
    deliver(two)
    deliver(three)
    assert sent == ["Answer 0.", "Answer 1.", "Answer 2."]


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["sending", "queued for later"])
def test_a_reply_waits_while_an_earlier_one_is_on_its_way(state: str) -> None:
    ticket = write().ticket
    one, two = queue(ticket, "First."), queue(ticket, "Second.")
    changes = {"status": "sending"} if state == "sending" else {"due_at": Now() + timedelta(minutes=1)}
    Delivery.objects.filter(pk=one.pk).update(**changes)
    assert deliver(two).status == "queued"


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["failed", "unknown", "sent"])
def test_a_reply_does_not_wait_for_one_that_is_settled(state: str) -> None:
    ticket = write().ticket
    one, two = queue(ticket, "First."), queue(ticket, "Second.")
    Delivery.objects.filter(pk=one.pk).update(status=state)
    assert deliver(two).status == "sent"


@pytest.mark.django_db
def test_another_conversation_waits_for_nobody(sends: Any) -> None:
    stuck, free = queue(), queue(write(**BEN).ticket)

    def send(delivery: Delivery) -> Sent:
        if delivery.pk == stuck.pk:
            raise SendError("later", refused=True)
        return Sent(external_id="x")

    sends(send)
    assert deliver(stuck).status == "queued"
    assert deliver(free).status == "sent"


@pytest.mark.django_db
def test_an_unknown_id_is_nothing() -> None:
    async_to_sync(deliver_one)(0)
    assert mail.outbox == []


@pytest.mark.django_db
@pytest.mark.parametrize("have_left", [True, False])
def test_a_mistake_of_ours_leaves_a_doubt_only_once_the_words_have_left(
    have_left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Delivery, check: Callable[[], None]) -> Sent:
        if have_left:
            check()
        raise RuntimeError("our own mistake")

    monkeypatch.setattr("channels_app.web_form.sender.MAIL_COPY", Provider(send=broken))
    after = deliver(queue())
    assert after.status == ("unknown" if have_left else "queued")
    assert "our own mistake" in after.error
