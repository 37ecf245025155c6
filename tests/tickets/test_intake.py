"""How words come in: once, whole, and in the right conversation."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from channels_app.web_form.parsing import FollowUpIn, SubmitIn, follow_up, submission
from customers.models import Customer, Identifier
from fte_project.events import Channel
from fte_project.models import OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.factories import BEN, fields, fresh, write
from tickets.escalations import claim, resolve
from tickets.intake import InboundFile, InboundMessage, OtherMessageSameId, receive
from tickets.lifecycle import Event, Handler, Status
from tickets.models import (
    Attachment,
    ChannelSettings,
    Conversation,
    Message,
    RawPayload,
    Ticket,
    TicketEvent,
    Trust,
)

STORED = (Customer, Identifier, Conversation, Ticket, Message, RawPayload, TicketEvent, OutboxEvent, Attachment)


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in STORED}


def inbound(key: str = "k", files: tuple[InboundFile, ...] = (), **changes: Any) -> InboundMessage:
    return submission(SubmitIn(**fields(**changes)), key=key, files=files)


def again(ticket: Ticket, text: str = "And one more thing, please.", key: str = "again") -> Any:
    return receive(follow_up(FollowUpIn(message=text), ticket, key=key), about=ticket)


def a_file(name: str = "screen.png", content: bytes = b"\x89PNG pixels") -> InboundFile:
    return InboundFile(name=name, content_type="image/png", content=content)


def stored_files() -> set[Path]:
    folder = Path(settings.MEDIA_ROOT) / "attachments"
    return set(folder.iterdir()) if folder.exists() else set()


@pytest.mark.django_db
def test_a_first_message_is_stored_with_everything_that_follows_from_it() -> None:
    received = receive(inbound())
    message, ticket = received.message, received.ticket
    assert received.is_new
    assert counts() == {
        "Customer": 1, "Identifier": 1, "Conversation": 1, "Ticket": 1, "Message": 1,
        "RawPayload": 1, "TicketEvent": 2, "OutboxEvent": 1, "Attachment": 0,
    }  # fmt: skip
    assert (ticket.status, ticket.handler) == (Status.OPEN, Handler.ASSISTANT)
    assert (message.direction, message.author, message.channel) == ("inbound", "customer", "web_form")
    assert message.body == fields()["message"]
    assert ticket.conversation.trust == Trust.CLAIMED
    assert ticket.conversation.address == "ann@example.com"
    assert Conversation.objects.all().due().free().get() == ticket.conversation


@pytest.mark.django_db
def test_the_event_carries_ids_and_never_words() -> None:
    received = receive(inbound())
    event = OutboxEvent.objects.get()
    conversation = received.ticket.conversation_id
    assert (event.topic, event.key) == ("fte.channels.web_form.inbound", str(conversation))
    assert event.payload == {
        "v": 1, "kind": "message_received", "conversation_id": conversation,
        "channel": "web_form", "message_id": received.message.pk,
    }  # fmt: skip


@pytest.mark.django_db
def test_the_same_key_twice_is_one_message() -> None:
    first = receive(inbound())
    before = counts()
    second = receive(inbound())
    assert not second.is_new
    assert (second.message, second.ticket) == (first.message, first.ticket)
    assert counts() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other",
    [
        {"message": "Something else entirely, I promise."},
        {"email": BEN["email"]},
        {"subject": "Another subject"},
        {"files": (a_file(),)},
    ],
    ids=["words", "sender", "subject", "a file"],
)
def test_the_same_key_with_another_content_is_refused(other: dict[str, Any]) -> None:
    receive(inbound())
    before = counts()
    with pytest.raises(OtherMessageSameId):
        receive(inbound(**other))
    assert counts() == before


@pytest.mark.django_db
def test_two_keys_are_two_conversations_of_one_customer() -> None:
    one, two = receive(inbound("a")), receive(inbound("b", email="ANN@Example.com"))
    assert one.ticket.conversation != two.ticket.conversation
    assert Customer.objects.count() == 1


@pytest.mark.django_db
def test_a_key_belongs_to_its_channel_and_mailbox() -> None:
    receive(inbound())
    other = receive(replace(inbound(), channel=Channel.EMAIL, mailbox="support@"))
    assert other.is_new


@real_commits
def test_a1_eight_requests_with_one_key_store_one_message() -> None:
    results = at_once(8, lambda _: receive(inbound("same")))
    assert not [r for r in results if isinstance(r, Exception)]
    assert len({r.message.pk for r in results}) == 1
    assert [r.is_new for r in results].count(True) == 1
    assert counts() == {
        "Customer": 1, "Identifier": 1, "Conversation": 1, "Ticket": 1, "Message": 1,
        "RawPayload": 1, "TicketEvent": 2, "OutboxEvent": 1, "Attachment": 0,
    }  # fmt: skip


@real_commits
def test_requests_with_one_key_and_several_contents_store_the_first() -> None:
    results = at_once(8, lambda n: receive(inbound("same", message=f"Message number {n} of eight.")))
    refused = [r for r in results if isinstance(r, Exception)]
    assert len(refused) == 7
    assert {type(r) for r in refused} == {OtherMessageSameId}
    assert Message.objects.count() == Conversation.objects.count() == 1


@real_commits
def test_twenty_first_messages_of_one_address_make_one_customer() -> None:
    results = at_once(20, lambda n: receive(inbound(f"k{n}", email=["ann@example.com", "ANN@Example.com"][n % 2])))
    assert not [r for r in results if isinstance(r, Exception)]
    assert Customer.objects.count() == Identifier.objects.count() == 1
    assert Conversation.objects.count() == Message.objects.count() == 20


@real_commits
def test_follow_ups_at_once_on_a_closed_ticket_open_one_new_ticket() -> None:
    ticket = write().ticket
    ticket.apply(Event.RESOLVE)
    ticket.apply(Event.TIMER)
    results = at_once(6, lambda n: again(ticket, key=f"k{n}"))
    assert not [r for r in results if isinstance(r, Exception)]
    assert Ticket.objects.filter(conversation=ticket.conversation).count() == 2
    assert {r.ticket.pk for r in results} == {ticket.conversation.current_ticket().pk}


@pytest.mark.django_db
def test_a_follow_up_stays_in_its_ticket_and_reopens_it() -> None:
    ticket = write().ticket
    ticket.apply(Event.ASSISTANT_REPLY)
    received = again(ticket)
    assert received.ticket == ticket
    assert fresh(ticket).status == Status.OPEN
    assert ticket.messages.count() == 2


@pytest.mark.django_db
def test_a_message_to_a_closed_ticket_opens_a_new_one_in_the_same_conversation() -> None:
    old = write().ticket
    old.apply(Event.RESOLVE)
    old.apply(Event.TIMER)
    received = again(old)
    new = received.ticket
    assert new.pk != old.pk
    assert new.conversation == old.conversation
    assert (new.status, new.handler) == (Status.OPEN, Handler.ASSISTANT)
    assert new.token_sha256 != old.token_sha256
    assert fresh(old).status == Status.CLOSED
    assert again(old, key="third").ticket == new


@pytest.mark.django_db
def test_a_message_to_a_ticket_that_staff_hold_does_not_wake_the_assistant(sam: User) -> None:
    ticket = write().ticket
    claim(ticket, sam)
    again(ticket)
    assert fresh(ticket).handler == Handler.STAFF
    assert not Conversation.objects.all().due().exists()


@pytest.mark.django_db
def test_a_customer_who_writes_to_what_staff_resolved_reaches_the_same_people(sam: User) -> None:
    ticket = write().ticket
    claim(ticket, sam)
    resolve(ticket, sam)
    again(ticket)
    assert (fresh(ticket).status, fresh(ticket).handler) == (Status.OPEN, Handler.STAFF)


@pytest.mark.django_db
def test_a_new_message_forgets_earlier_failed_tries() -> None:
    ticket = write().ticket
    Conversation.objects.update(attempts=4, work_due_at=None)
    again(ticket)
    conversation = Conversation.objects.all().due().get()
    assert conversation.attempts == 0


@pytest.mark.django_db
def test_a_quiet_time_comes_before_the_work_and_is_followed_by_a_ring() -> None:
    ChannelSettings.objects.filter(pk=Channel.WEB_FORM).update(quiet_seconds=4)
    receive(inbound())
    conversation = Conversation.objects.get()
    assert not Conversation.objects.all().due().exists()
    assert conversation.rung_at is None, "the ring of the message comes too early, so the sweeper must ring again"


def due_in() -> float:
    """Seconds until the work is due."""
    wait = F("work_due_at") - Now()
    found: timedelta = Conversation.objects.annotate(wait=ExpressionWrapper(wait, DurationField())).get().wait
    return found.total_seconds()


@pytest.mark.django_db
@pytest.mark.parametrize(("first_came_before", "expected"), [(0, 4), (5, 4), (8, 4), (10, 2), (12, 0)])
def test_each_line_begins_the_quiet_time_anew_but_the_first_never_waits_longer_than_twelve_seconds(
    first_came_before: int, expected: int
) -> None:
    ChannelSettings.objects.filter(pk=Channel.WEB_FORM).update(quiet_seconds=4)
    ticket = receive(inbound()).ticket
    Message.objects.update(created_at=Now() - timedelta(seconds=first_came_before))
    again(ticket)
    assert due_in() == pytest.approx(expected, abs=0.5)
    assert Conversation.objects.all().due().exists() == (expected == 0)


@pytest.mark.django_db
def test_files_are_stored_under_random_names_with_their_own_name_beside() -> None:
    before = stored_files()
    received = receive(inbound(files=(a_file("../../etc/passwd"), a_file("b.txt", b"words"))))
    one, two = received.message.attachments.order_by("id")
    assert (one.name, one.size, two.name) == ("../../etc/passwd", 11, "b.txt")
    assert {Path(a.file.path) for a in (one, two)} == stored_files() - before
    assert "passwd" not in one.file.name
    assert two.file.read() == b"words"


@pytest.mark.django_db
@pytest.mark.parametrize("error", [DatabaseError, IntegrityError, KeyboardInterrupt])
def test_files_are_removed_when_the_transaction_fails(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rows = stored_files(), counts()

    def fails(*_: object, **__: object) -> None:
        assert stored_files() - before, "the failure must come after the file"
        raise error("the disk is full")

    monkeypatch.setattr("tickets.intake.publish", fails)
    with pytest.raises(error):
        receive(inbound(files=(a_file(),)))
    assert stored_files() == before
    assert counts() == rows


@real_commits
def test_parallel_requests_with_a_file_leave_one_file() -> None:
    before = stored_files()
    at_once(6, lambda _: receive(inbound("same", files=(a_file(),))))
    assert Attachment.objects.count() == 1
    assert len(stored_files() - before) == 1


@pytest.mark.django_db
def test_the_raw_bytes_are_kept_apart_for_a_limited_time() -> None:
    raw = receive(inbound()).message.raw
    assert b"ann@example.com" in bytes(raw.content)
    assert 89 < (raw.delete_after - raw.message.created_at).days < 91


@pytest.mark.django_db
def test_a_ticket_history_holds_no_words_and_no_addresses() -> None:
    write(subject="Canary subject", message="Canary message with words")
    for event in TicketEvent.objects.all():
        assert "anary" not in f"{event.code} {event.actor} {event.data}"
        assert "ann" not in f"{event.code} {event.actor} {event.data}".lower()


@pytest.mark.django_db
def test_the_database_refuses_a_second_open_ticket_in_a_conversation() -> None:
    ticket = write().ticket
    twin = Ticket(conversation=ticket.conversation, channel="web_form", subject="twin", token_sha256="x" * 64)
    twin.token_expires_at = ticket.token_expires_at
    with pytest.raises(DatabaseError, match="one_ticket_not_closed"):
        twin.save()
    connection.needs_rollback = False
