"""Mails that were made to do harm: none stops the others, silences somebody, or reaches somebody else."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from channels_app.gmail.client import Gmail
from channels_app.gmail.models import Bounce, GmailMailbox
from channels_app.gmail.sync import import_history, read_mailboxes, sync
from channels_app.gmail.watch import renew_watches
from channels_app.simulator.mailbox import Mailbox
from customers.identifiers import normal_email
from fte_project.models import DeadLetter
from tests.channels_app.mailbox import OURS, a_mail, answered, deliver, fates, headers_of, read, read_again
from tests.channels_app.test_gmail_bounces import returned
from tests.factories import fields
from tests.fakes.gmail import FaultyGmail
from tickets.links import MergeProposal
from tickets.models import Attachment, Conversation, Delivery, Message, Ticket, Trust
from tickets.replies import reply

pytestmark = pytest.mark.django_db
SPOOFED = "mx.google.com; dmarc=fail header.from=example.com"


# --- Reading goes on -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["\n" * 3000 + "x", ("> " * 50 + "\n") * 2000, "Message-ID:" + " " * 5000, " \t" * 5000 + "\n" * 2000]
)
def test_d12_a_hostile_bounce_is_taken_within_two_seconds(body: str, inbox: Mailbox) -> None:
    inbox.receive(a_mail(body, From="mailer-daemon@example.com"))
    began = time.monotonic()
    read()
    assert time.monotonic() - began < 2
    assert fates() == ["automatic"]


@pytest.mark.parametrize(
    "message_id",
    [f"<{'=?utf-8?q?' + '=F0=9F=98=80' * 20 + '?= ' * 1}@example.com>" * 1, f"<{'😀' * 890}@x>", f"<{'a' * 890}@x>"],
    ids=["encoded", "raw", "long"],
)
def test_d12_a_message_id_of_any_kind_stops_nobody(message_id: str, inbox: Mailbox) -> None:
    raw = a_mail(Message_ID="PLACE").replace(b"PLACE", message_id.encode())
    inbox.receive(raw)
    inbox.receive(a_mail(Message_ID="<2@example.com>"))
    read()
    assert fates() == ["stored", "stored"]


def test_one_mail_that_cannot_be_had_keeps_no_other_one_away_and_is_given_up_after_a_day(
    inbox: Mailbox, server: FaultyGmail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels_app.gmail.reading.BATCH", 2)
    sick = inbox.receive(a_mail(Subject="Sick"))
    for n in range(5):
        inbox.receive(a_mail(Message_ID=f"<{n + 2}@example.com>", Subject=f"Question {n}"))
    server.plan = lambda method, path: "error_500" if path.endswith(f"/messages/{sick.id}") else None
    read_again()
    assert Ticket.objects.count() == 5
    assert GmailMailbox.objects.get().error
    GmailMailbox.objects.update(failing_since=timezone.now() - timedelta(days=1, minutes=1))
    read_again()
    assert GmailMailbox.objects.get().error == ""
    assert sorted(fates()) == ["broken", *["stored"] * 5]


def test_an_error_that_nobody_thought_of_is_noted_on_the_mailbox(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(self: Gmail, cursor: int) -> Any:
        raise RuntimeError("our own mistake")

    monkeypatch.setattr(Gmail, "added_since", breaks)
    read()
    assert "our own mistake" in GmailMailbox.objects.get().error


def test_the_next_trouble_is_told_again_whoever_read_in_between(inbox: Mailbox, server: FaultyGmail) -> None:
    def fails() -> None:
        GmailMailbox.objects.update(failing_since=timezone.now() - timedelta(hours=1))
        server.plan = lambda *_: "error_500"
        read_again()
        server.plan = lambda *_: None

    fails()
    sync(GmailMailbox.objects.get(), Gmail(OURS))  # as `sync_gmail` does
    assert DeadLetter.objects.get().replayed_at is not None
    fails()
    assert DeadLetter.objects.count() == 2


def test_d3_after_an_outage_of_ten_days_nothing_is_missing(inbox: Mailbox) -> None:
    GmailMailbox.objects.update(
        connected_at=Now() - timedelta(days=30), read_at=Now() - timedelta(days=10), is_history_imported=True
    )
    inbox.receive(a_mail()).at -= 9 * 86_400
    inbox.expire_history()
    read()
    assert fates() == ["stored"]


def test_files_of_a_batch_that_was_lost_are_not_left_behind(
    inbox: Mailbox, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    as_file = b'Content-Disposition: attachment; filename="a"\r\nContent-Type: x/y'
    inbox.receive(a_mail().replace(b'Content-Type: text/plain; charset="utf-8"', as_file))

    def dies(point: str) -> None:
        if point == "mail_before_commit":
            raise KeyboardInterrupt

    monkeypatch.setattr("channels_app.gmail.reading.crash", dies)
    with pytest.raises(KeyboardInterrupt):
        read()
    assert not Attachment.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# --- Nobody else is reached or silenced ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["=?utf-8?q?=3cvictim=40bank.example=3e=2c_x?=@evil.example", "=?utf-8?q?=76ictim?=@example.com"]
)
def test_c12_an_address_that_hides_another_one_is_none(address: str, inbox: Mailbox, client: Client) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        normal_email(address)
    posted = client.post("/api/support/submit", json.dumps(fields(email=address)), content_type="application/json")
    assert posted.status_code == 422
    vouched = "mx.google.com; dmarc=pass header.from=evil.example"
    raw = a_mail(From="place@evil.example", Authentication_Results=vouched)
    inbox.receive(raw.replace(b"place@evil.example", address.encode()))
    read()
    assert not Message.objects.exists()


def test_a_post_that_is_repeated_after_the_owner_has_shown_up_gives_no_new_link(
    inbox: Mailbox, articles: None, client: Client
) -> None:
    def post() -> dict[str, Any]:
        body, key = json.dumps(fields()), {"Idempotency-Key": "one-key"}
        said = client.post("/api/support/submit", body, content_type="application/json", headers=key)
        found: dict[str, Any] = said.json()
        return found

    first = post()
    answered(Conversation.objects.get())
    deliver()
    read()
    inbox.receive(a_mail("My code is 4711", In_Reply_To=inbox.sent[0].message_id, Message_ID="<2@x>", Subject="Re: x"))
    read()
    assert Conversation.objects.get().trust == Trust.CHANNEL_VERIFIED
    again = post()
    assert again["reference"] == first["reference"]
    assert client.get(f"/api/support/ticket/{again['token']}").status_code == 404


@pytest.fixture
def copied(inbox: Mailbox, sam: User) -> Delivery:
    """Staff have answered Ann with a copy to an outsider."""
    inbox.receive(a_mail())
    read()
    reply(Ticket.objects.get(), body="We have mended it.", staff=sam, cc=["outsider@evil.example"])
    delivery = deliver()
    read()
    return delivery


def test_d6_a_bounce_of_the_copy_is_none_of_the_customers(copied: Delivery, inbox: Mailbox) -> None:
    inbox.receive(returned(inbox.sent[0]).replace(b"ann@example.com\nAction", b"outsider@evil.example\nAction"))
    read()
    copied.refresh_from_db()
    assert copied.status == "sent"


@pytest.mark.parametrize(
    ("sender", "results", "status"),
    [
        ("mailer-daemon@evil.example", "mx.google.com; dmarc=pass header.from=evil.example", "sent"),
        ("mailer-daemon@example.com", SPOOFED, "sent"),
        ("mailer-daemon@googlemail.com", "mx.google.com; dmarc=pass header.from=googlemail.com", "failed"),
        ("mailer-daemon@mx.example.com", "mx.google.com; dkim=pass header.d=example.com", "failed"),
    ],
)
def test_d6_who_got_a_copy_cannot_silence_the_customer(
    sender: str, results: str, status: str, copied: Delivery, inbox: Mailbox
) -> None:
    raw = returned(inbox.sent[0]).replace(b"mailer-daemon@googlemail.com", sender.encode())
    inbox.receive(f"Authentication-Results: {results}\n".encode() + raw)
    read()
    copied.refresh_from_db()
    assert copied.status == status
    assert Bounce.objects.exists() == (status == "failed")


def test_d6_of_several_recipients_each_is_judged_by_its_own_lines(copied: Delivery, inbox: Mailbox) -> None:
    others = b"Final-Recipient: rfc822; other@example.com\nAction: failed\nStatus: 5.1.1\n\n"
    raw = returned(inbox.sent[0], action="delayed").replace(b"Final-Recipient:", others + b"Final-Recipient:")
    inbox.receive(b"Authentication-Results: mx.google.com; dmarc=pass header.from=googlemail.com\n" + raw)
    read()
    copied.refresh_from_db()
    assert copied.status == "sent"


def test_d6_a_bounce_settles_a_delivery_whose_sender_died(copied: Delivery, inbox: Mailbox) -> None:
    Delivery.objects.filter(pk=copied.pk).update(status="sending")
    Message.objects.update(cc=[])
    inbox.receive(returned(inbox.sent[0]))
    read()
    copied.refresh_from_db()
    assert copied.status == "failed"


def test_d6_a_bounce_of_what_was_sent_by_hand_marks_that(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    read()
    by_hand = a_mail("Done", From=OURS, To="ann@example.com", Message_ID="<h@t>", In_Reply_To="<1@example.com>")
    sent = inbox.receive(by_hand, labels=("SENT",))
    read()
    inbox.receive(returned(sent, headers="Message-ID: <h@t>"))
    read()
    assert Delivery.objects.get(reply__author="staff").status == "failed"


def test_a_bounce_is_no_part_of_the_thread(copied: Delivery, inbox: Mailbox, sam: User) -> None:
    Message.objects.update(cc=[])
    inbox.receive(returned(inbox.sent[0]))
    read()
    inbox.receive(a_mail("I am here", Message_ID="<2@example.com>", In_Reply_To="<1@example.com>"))
    read()
    reply(Ticket.objects.get(), body="Good.", staff=sam)
    deliver()
    assert "dsn-" not in str(headers_of(inbox.sent[-1].raw)["References"])


def test_d7_what_a_spoofer_brings_about_does_not_count_against_the_owner(inbox: Mailbox, articles: None) -> None:
    for n in range(5):
        inbox.receive(a_mail(f"Question {n}", Message_ID=f"<s{n}@evil>", Authentication_Results=SPOOFED))
        read()
        for conversation in Conversation.objects.all().due():
            answered(conversation)
    inbox.receive(a_mail(Message_ID="<real@example.com>"))
    read()
    real = Conversation.objects.get(trust=Trust.CHANNEL_VERIFIED)
    answered(real)
    assert real.messages.last().kind == "answer"


def test_d7_an_urgent_matter_is_seen_also_in_the_fifth_mail(inbox: Mailbox, articles: None) -> None:
    for n in range(4):
        inbox.receive(a_mail(f"How do I reset my password? {n}", Message_ID=f"<{n}@x>", In_Reply_To="<0@x>"))
        read()
        answered(Conversation.objects.get())
    inbox.receive(a_mail("I will talk to my lawyer and sue you.", Message_ID="<9@x>", In_Reply_To="<0@x>"))
    read()
    answered(Conversation.objects.get())
    assert Ticket.objects.get().escalations.get().reason == "legal"


def test_d9_our_own_group_vouches_for_no_colleague(inbox: Mailbox, settings: Any) -> None:
    """Google signs anew, for our own domain, what it forwards through a group."""
    settings.GMAIL_GROUPS = ["help@tidewater.example"]
    vouched = "mx.google.com; dkim=pass header.d=tidewater.example; dmarc=pass header.from=tidewater.example"
    by_group = {"From": "boss@tidewater.example", "List_ID": "<help.tidewater.example>"}
    inbox.receive(a_mail(**by_group, Authentication_Results=vouched))
    read()
    assert Conversation.objects.get().trust == Trust.CLAIMED


# --- People and the assistant ----------------------------------------------------------------------------------------


def test_d5_what_was_written_after_the_colleagues_mail_still_waits(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    read()
    by_hand = a_mail("We reset it.", From=OURS, To="ann@example.com", Message_ID="<h@t>", In_Reply_To="<1@example.com>")
    GmailMailbox.objects.update(connected_at=Now() - timedelta(hours=1))
    inbox.receive(by_hand, labels=("SENT",)).at -= 60
    Message.objects.update(received_at=Now() - timedelta(minutes=5))
    ticket = Ticket.objects.get()
    Message.objects.create(
        conversation=ticket.conversation, ticket=ticket, direction="inbound", author="customer", channel="web_form",
        mailbox="x", external_id="y", body="STOP, please do not reset",
    )  # fmt: skip
    read()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.handler) == ("open", "staff")
    assert [m.body for m in ticket.messages.all().unanswered()] == ["STOP, please do not reset"]


def test_d5_a_reply_by_hand_belongs_to_whom_it_was_written_to(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    bob = {"From": "bob@example.com", "Message_ID": "<2@example.com>", "In_Reply_To": "<1@example.com>"}
    inbox.receive(a_mail("Me too", Subject="Re: Password", **bob))
    read()
    by_hand = a_mail("Done", From=OURS, To="ann@example.com", Cc="bob@example.com", In_Reply_To="<2@example.com>")
    inbox.receive(by_hand, labels=("SENT",))
    read()
    ann = Conversation.objects.get(address="ann@example.com")
    assert Message.objects.get(author="staff").conversation == ann


def test_an_automatic_text_of_the_mailbox_takes_nothing_over(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    read()
    away = {"Auto_Submitted": "auto-replied", "To": "ann@example.com", "In_Reply_To": "<1@example.com>"}
    inbox.receive(a_mail("We are closed", From=OURS, **away), labels=("SENT",))
    read()
    assert Ticket.objects.get().handler == "assistant"


def test_what_is_imported_does_not_get_between_what_people_work_on(inbox: Mailbox, server: FaultyGmail) -> None:
    inbox.receive(a_mail("old words", Message_ID="<0@example.com>")).at -= 3 * 86_400
    GmailMailbox.objects.update(history_id=inbox.history_id)
    inbox.receive(a_mail("new words", In_Reply_To="<0@example.com>"))
    read()
    import_history()
    live = Ticket.objects.get(status="open")
    assert [m.body for m in live.conversation.messages.all()] == ["new words"]
    assert Ticket.objects.filter(status="closed").count() == 1


def test_d4_a_watch_that_never_succeeded_is_told(inbox: Mailbox, server: FaultyGmail, settings: Any) -> None:
    settings.GMAIL_PUSH_TOPIC = "projects/a/topics/b"
    server.plan = lambda method, path: "error_500" if path.endswith("/watch") else None
    renew_watches()
    assert "watching" in DeadLetter.objects.get().origin
    read_mailboxes()
    assert DeadLetter.objects.get().replayed_at is None, "reading is another matter"


def test_a_phone_number_in_the_signature_of_a_mail_is_evidence(inbox: Mailbox) -> None:
    for address in ("ann@example.com", "ann.lee@other.example"):
        vouched = f"mx.google.com; dmarc=pass header.from={address.partition('@')[2]}"
        body = "How do I reset my password?\n\n-- \nAnn Lee\n+49 30 901820 77\n"
        by_ann = {"From": f"Ann Lee <{address}>", "Message_ID": f"<{address}>", "Authentication_Results": vouched}
        inbox.receive(a_mail(body, **by_ann))
    read()
    assert MergeProposal.objects.count() == 1
