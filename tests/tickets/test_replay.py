"""Dead letters, replayed from the desk: once, by those who may, and never over people's heads."""

import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core import mail
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agent_runner.worker import answer
from channels_app.delivery import deliver_one
from channels_app.web_form.parsing import FollowUpIn, follow_up
from fte_project.models import DeadLetter, OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.factories import BEN, fresh, give_up, make_staff, write, write_by_mail
from tests.fakes.smtp import smtp
from tickets.escalations import claim, hand_back, resolve
from tickets.intake import receive
from tickets.lifecycle import Handler, NotAllowed, Status
from tickets.models import Conversation, Delivery, Escalation, Message, Ticket, TicketEvent
from tickets.replay import replay
from tickets.replies import reply
from tickets.timers import watch_waiting
from tickets.undelivered import send_again

LIST = "/admin/frame/deadletter/"


@pytest.fixture
def lea(db: None) -> User:
    """The lead."""
    return make_staff("lea", "lead")


@pytest.fixture
def leads(lea: User) -> Client:
    """The lead's browser."""
    return browser(lea)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(letter: DeadLetter) -> str:
    return f"{LIST}{letter.pk}/change/"


def door(letter: DeadLetter) -> str:
    return f"{LIST}{letter.pk}/replay/"


def said(response: HttpResponse) -> str:
    return " ".join(str(m) for m in get_messages(response.wsgi_request))


def texts(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").values_list("kind", flat=True))


def another(ticket: Ticket, text: str) -> Message:
    return receive(follow_up(FollowUpIn(message=text), ticket, key=text), about=ticket).message


def run(ticket: Ticket) -> None:
    async_to_sync(answer)(ticket.conversation_id)


def deliver(delivery: Delivery) -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(due_at=Now())
    async_to_sync(deliver_one)(delivery.pk)
    return Delivery.objects.get(pk=delivery.pk)


def undelivered(ticket: Ticket, settings: Any) -> DeadLetter:
    """The mail server refuses a reply on the ticket for good."""
    delivery = reply(ticket, body="The answer.").deliveries.get(channel="email")
    with smtp(RCPT="550 no such user") as server:
        settings.MAILERS, kept = server.mailers, settings.MAILERS
        assert deliver(delivery).status == "failed"
    settings.MAILERS = kept
    return DeadLetter.objects.get(kind="delivery", subject_id=delivery.pk)


def everything() -> list[Any]:
    """What a refused replay must not touch."""
    return [
        list(model._default_manager.order_by("pk").values())
        for model in (Ticket, Escalation, Message, Delivery, Conversation, TicketEvent, DeadLetter, OutboxEvent)
    ]


# --- Conversations


def test_b12_a_replayed_conversation_is_answered_by_the_assistant_once(
    leads: Client, lea: User, articles: None
) -> None:
    ticket = write().ticket
    letter = give_up(ticket)
    assert texts(ticket) == ["hand_over"]
    OutboxEvent.objects.all().delete()
    assert "tried again" in said(leads.post(door(letter)))
    now, inbound = fresh(ticket), ticket.messages.get(direction="inbound")
    assert (now.status, now.handler, now.assignee) == (Status.OPEN, Handler.ASSISTANT, None)
    assert Escalation.objects.get().closed_at is not None
    assert inbound.answered_by is None
    event = OutboxEvent.objects.get()
    assert (event.payload["kind"], event.payload["message_id"]) == ("message_received", inbound.pk)
    recorded = TicketEvent.objects.get(code="replayed")
    assert (recorded.ticket_id, recorded.actor) == (ticket.pk, f"staff:{lea.pk}")
    assert recorded.data == {"dead_letter": letter.pk}
    letter.refresh_from_db()
    assert letter.replayed_by == lea
    assert letter.replayed_at is not None
    run(ticket)
    run(ticket)
    assert texts(ticket) == ["hand_over", "answer"]
    inbound.refresh_from_db()
    assert inbound.answered_by == ticket.messages.get(kind="answer")
    assert fresh(ticket).status == Status.PENDING


def test_b12_exactly_what_the_holding_text_had_answered_is_asked_again(lea: User) -> None:
    ticket = write().ticket
    before = reply(ticket, body="The first answer.", kind="answer")
    second, third = another(ticket, "And another."), another(ticket, "And one more.")
    letter = give_up(ticket)
    later = another(ticket, "Is anybody there?")
    replay(letter, lea)
    assert list(Message.objects.all().unanswered()) == [second, third, later]
    assert ticket.messages.filter(direction="inbound", answered_by=before).count() == 1
    assert Conversation.objects.all().due().exists()


def test_b12_a_replay_pressed_twice_has_one_effect_and_says_who_was_first(leads: Client, lea: User) -> None:
    letter = give_up(write().ticket)
    leads.post(door(letter))
    before = everything()
    kim = browser(make_staff("kim", "lead"))
    for client in (leads, kim):
        answer_to = said(client.post(door(letter)))
        letter.refresh_from_db()
        assert f"lea replayed this on {letter.replayed_at:%-d %B %Y at %H:%M:%S} UTC." in answer_to
    assert everything() == before
    body = leads.get(page_of(letter)).content.decode()
    assert "lea replayed this on" in body
    assert door(letter) not in body


@real_commits
@pytest.mark.parametrize("kind", ["conversation", "delivery"])
def test_b12_of_two_people_who_replay_at_once_one_does(kind: str, settings: Any) -> None:
    ticket = write_by_mail()
    letter = give_up(ticket) if kind == "conversation" else undelivered(ticket, settings)
    people = [make_staff("lea", "lead"), make_staff("kim", "lead")]
    OutboxEvent.objects.all().delete()
    results = at_once(2, lambda n: replay(DeadLetter.objects.get(pk=letter.pk), people[n]))
    assert sorted(type(r).__name__ for r in results) == ["NoneType", "NotAllowed"]
    winner = people[results.index(None)]
    letter.refresh_from_db()
    assert letter.replayed_by == winner
    assert f"{winner.username} replayed this on" in str(next(r for r in results if r is not None))
    event = TicketEvent.objects.get(code__in=["replayed", "sent_again"])
    assert event.actor == f"staff:{winner.pk}"
    assert OutboxEvent.objects.count() == 1


def closed(ticket: Ticket, staff: User) -> None:
    resolve(ticket, staff)
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED)


def given_back_and_given_up_again(ticket: Ticket, staff: User) -> None:
    hand_back(ticket, staff)
    another(ticket, "Hello?")
    give_up(ticket)


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        (claim, "is held by sam."),
        (lambda ticket, sam: reply(ticket, body="Sam here.", staff=sam), "is held by sam."),
        (resolve, "is resolved."),
        (closed, "is closed."),
        (hand_back, "is with the assistant again."),
        (given_back_and_given_up_again, "was given back and escalated again since."),
        (lambda ticket, _: Message.objects.filter(direction="outbound").delete(), "no longer stored"),
        (lambda ticket, _: Conversation.objects.all().delete(), "no longer stored"),
        (lambda ticket, _: Message.objects.filter(direction="inbound").delete(), "nothing left to answer"),
    ],
    ids=["claimed", "answered", "resolved", "closed", "handed back", "again", "text gone", "erased", "message gone"],
)
def test_b12_what_people_have_or_had_is_not_replayed_and_the_reason_is_said(
    meanwhile: Callable[[Ticket, User], object], words: str, leads: Client, sam: User
) -> None:
    ticket = write().ticket
    letter = give_up(ticket)
    meanwhile(ticket, sam)
    before = everything()
    page = leads.get(page_of(letter)).content.decode()
    assert words in html.unescape(page)
    assert door(letter) not in page
    response = leads.post(door(letter))
    assert response.status_code == 302
    assert words in said(response)
    assert everything() == before


@real_commits
def test_b12_after_a_claim_and_a_replay_at_once_the_claim_has_the_ticket() -> None:
    ticket = write().ticket
    letter, lea, sam = give_up(ticket), make_staff("lea", "lead"), make_staff("sam", "agent")
    calls = [lambda: replay(DeadLetter.objects.get(pk=letter.pk), lea), lambda: claim(fresh(ticket), sam)]
    results = at_once(2, lambda n: calls[n]())
    assert not [r for r in results if r is not None and not isinstance(r, NotAllowed)], results
    now, waiting = fresh(ticket), Message.objects.all().unanswered().exists()
    letter.refresh_from_db()
    # A claim after the replay is a claim of an open ticket; before it, the replay is refused.
    assert (now.handler, now.assignee) == (Handler.STAFF, sam)
    assert (letter.replayed_at is not None) == (results[0] is None) == waiting
    assert not Conversation.objects.all().due().exists()


def test_b12_a_conversation_that_is_given_up_again_after_its_replay_is_another_dead_letter(lea: User) -> None:
    ticket = write().ticket
    first = give_up(ticket)
    replay(first, lea)
    second = give_up(ticket)
    assert second.pk != first.pk
    assert texts(ticket) == ["hand_over", "hand_over"]
    assert Escalation.objects.all().still_open().count() == 1
    with pytest.raises(NotAllowed, match="lea replayed this"):
        replay(first, lea)
    replay(second, lea)
    assert Message.objects.all().unanswered().count() == 1


def test_the_subject_of_a_replayed_first_message_still_triggers(lea: User, articles: None) -> None:
    ticket = write(subject="I want a refund", message="Please see the subject of this message, thank you.").ticket
    replay(give_up(ticket), lea)
    run(ticket)
    assert Escalation.objects.all().still_open().get().reason == "refund_request"


def test_the_watchdog_gives_a_replayed_conversation_its_full_time(lea: User) -> None:
    ticket = write().ticket
    patience = timedelta(minutes=settings.WATCHDOG_MINUTES)
    Message.objects.update(created_at=Now() - 2 * patience)
    replay(give_up(ticket), lea)
    watch_waiting()
    assert fresh(ticket).handler == Handler.ASSISTANT
    TicketEvent.objects.filter(code="replayed").update(created_at=Now() - patience - timedelta(minutes=1))
    watch_waiting()
    assert fresh(ticket).status == Status.ESCALATED


# --- Deliveries


def test_b12_a_replayed_delivery_has_its_full_time_again_and_is_sent_once(
    leads: Client, lea: User, settings: Any
) -> None:
    ticket = write().ticket
    letter = undelivered(ticket, settings)
    rows = Delivery.objects.filter(pk=letter.subject_id)
    rows.update(created_at=Now() - timedelta(hours=48), queued_at=Now() - timedelta(hours=48))
    OutboxEvent.objects.all().delete()
    leads.post(door(letter))
    delivery = rows.get()
    assert (delivery.status, delivery.attempts, delivery.error) == ("queued", 0, "")
    event = OutboxEvent.objects.get()
    assert (event.payload["kind"], event.payload["delivery_id"]) == ("delivery_queued", delivery.pk)
    recorded = TicketEvent.objects.get(code="sent_again")
    assert (recorded.ticket_id, recorded.actor) == (ticket.pk, f"staff:{lea.pk}")
    kept = settings.MAILERS
    with smtp(RCPT="450 greylisted") as server:
        settings.MAILERS = server.mailers
        assert deliver(delivery).status == "queued", "an old one is tried as long as a new one"
    settings.MAILERS = kept
    assert deliver(delivery).status == "sent"
    leads.post(door(letter))
    deliver(delivery)
    assert len(mail.outbox) == 1
    assert DeadLetter.objects.count() == 1


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        (lambda delivery, _: send_again(delivery, make_staff("kim", "agent")), "kim replayed this on"),
        (lambda delivery, _: Delivery.objects.filter(pk=delivery.pk).update(status="sent"), "was sent by now."),
        (lambda delivery, sam: closed(delivery.reply.ticket, sam), "is closed"),
        (lambda delivery, _: delivery.delete(), "no longer stored"),
    ],
    ids=["sent again", "sent", "closed", "erased"],
)
def test_b12_a_delivery_that_has_moved_on_is_not_replayed(
    meanwhile: Callable[[Delivery, User], object], words: str, leads: Client, sam: User, settings: Any
) -> None:
    letter = undelivered(write().ticket, settings)
    meanwhile(Delivery.objects.get(pk=letter.subject_id), sam)
    before = everything()
    page = leads.get(page_of(letter)).content.decode()
    assert words in html.unescape(page)
    assert door(letter) not in page
    assert words in said(leads.post(door(letter)))
    assert everything() == before


def test_a_letter_about_another_conversations_row_replays_nothing(lea: User, settings: Any) -> None:
    letter, other = undelivered(write().ticket, settings), write(**BEN).ticket
    DeadLetter.objects.filter(pk=letter.pk).update(conversation_id=other.conversation_id)
    with pytest.raises(NotAllowed, match="no longer stored"):
        replay(DeadLetter.objects.get(pk=letter.pk), lea)


# --- Records


def test_a_record_that_was_no_event_has_nothing_to_replay(leads: Client) -> None:
    letter = DeadLetter.objects.create(kind="record", origin="fte.dlq/0/7", error="JSONDecodeError: x")
    body = leads.get(page_of(letter)).content.decode()
    assert "nothing to replay" in body
    assert "fte.dlq/0/7" in body
    assert door(letter) not in body
    assert "nothing to replay" in said(leads.post(door(letter)))
    letter.refresh_from_db()
    assert letter.replayed_at is None


# --- Who may


@pytest.mark.parametrize(("group", "sees"), [("agent", False), ("editor", False), ("auditor", True)])
def test_b12_only_leads_replay(group: str, sees: bool, db: None) -> None:
    letter = give_up(write().ticket)
    client = browser(make_staff("pat", group))
    before = everything()
    assert client.post(door(letter)).status_code == 403
    assert everything() == before
    for address in (LIST, page_of(letter)):
        assert client.get(address).status_code == (200 if sees else 403)
    if sees:
        body = client.get(page_of(letter)).content.decode()
        assert door(letter) not in body
        assert "Leads may do this." in body


def test_b12_a_replay_needs_a_login_a_post_and_a_token(lea: User) -> None:
    letter = give_up(write().ticket)
    before = everything()
    for address in (LIST, page_of(letter), door(letter)):
        response = Client().post(address)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/")
    assert browser(lea).get(door(letter)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(lea)
    assert strict.post(door(letter)).status_code == 403
    assert everything() == before
    assert browser(lea).post(f"{LIST}999999/replay/").status_code == 404
    for odd in ("0", "9" * 30, "abc", "1_2F"):
        assert browser(lea).get(f"{LIST}{odd}/change/").status_code == 404


# --- What it looks like


def test_the_page_says_what_failed_and_the_button_is_there(leads: Client) -> None:
    ticket = write(subject="My <b>subject</b>").ticket
    letter = give_up(ticket)
    DeadLetter.objects.update(error="ConnectionError('<script>alert(1)</script>')", attempts=6)
    body = leads.get(page_of(letter)).content.decode()
    for words in ("The assistant could not answer", ticket.reference, f"/ticket/{ticket.pk}/change/", "Not replayed"):
        assert words in body
    assert door(letter) in body
    assert "<script>alert" not in body
    assert "My <b>" not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</p>" in body


def test_the_list_shows_what_waits_and_what_was_replayed_by_whom(leads: Client, lea: User, settings: Any) -> None:
    done, waits = give_up(write().ticket), undelivered(write(**BEN).ticket, settings)
    record = DeadLetter.objects.create(kind="record", origin="fte.dlq/0/7", error="x")
    old = DeadLetter.objects.create(kind="conversation", conversation_id=done.conversation_id, error="from before")
    DeadLetter.objects.create(kind="conversation", conversation_id=0, error="of something erased")
    replay(done, lea)

    def shown(**query: str) -> list[bool]:
        body = leads.get(LIST, query).content.decode()
        return [page_of(letter) in body for letter in (done, waits, record, old)]

    assert shown() == [True, True, True, True]
    assert shown(replayed="no") == [False, True, False, True]
    assert shown(replayed="yes") == [True, False, False, False]
    assert shown(q="no such user") == [False, True, False, False]
    body = leads.get(LIST).content.decode()
    for words in ("550 no such user", "lea", f"T-{1000 + _ticket_of(waits)}", "fte.dlq/0/7"):
        assert words in body


def _ticket_of(letter: DeadLetter) -> int:
    return Delivery.objects.get(pk=letter.subject_id).reply.ticket_id


def test_the_list_takes_the_same_number_of_queries_however_long_it_is(leads: Client, lea: User) -> None:
    give_up(write().ticket)
    leads.get(LIST)
    with CaptureQueriesContext(connection) as few:
        leads.get(LIST)
    for n in range(8):
        letter = give_up(write(email=f"c{n}@example.com").ticket)
        if n % 2:
            replay(letter, lea)
    with CaptureQueriesContext(connection) as many:
        leads.get(LIST)
    assert len(many) == len(few)
