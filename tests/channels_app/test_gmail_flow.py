"""From a mail in our mailbox to the reply in its thread, through Google's client and a simulated Gmail."""

from datetime import timedelta
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from channels_app.delivery import deliver_one
from channels_app.gmail import taking
from channels_app.gmail.client import Gmail
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.reading import take_all
from channels_app.gmail.sync import ReadByAnother, read_mailboxes, sync
from channels_app.simulator.mailbox import Mailbox
from tests.channels_app.mailbox import (
    OURS,
    VOUCHED,
    a_mail,
    answered,
    deliver,
    fates,
    headers_of,
    read,
    read_again,
    text_of,
)  # fmt: skip
from tests.factories import write
from tests.fakes.gmail import BREAKS, FaultyGmail
from tickets.models import Conversation, Delivery, Message, Ticket, Trust
from tickets.replies import reply

pytestmark = pytest.mark.django_db


# --- In --------------------------------------------------------------------------------------------------------------


def test_a_mail_becomes_a_ticket_once(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    for _ in range(3):
        read()
    message = Message.objects.get()
    assert (message.channel, message.body, message.ticket.subject) == (
        "email",
        "How do I reset my password?",
        "Password",
    )
    assert message.conversation.trust == Trust.CHANNEL_VERIFIED
    assert message.conversation.address == "ann@example.com"
    assert fates() == ["stored"]


def test_what_nobody_vouches_for_is_a_claim(inbox: Mailbox) -> None:
    inbox.receive(a_mail(Authentication_Results="mx.google.com; dmarc=fail header.from=example.com"))
    read()
    assert Conversation.objects.get().trust == Trust.CLAIMED


def test_d2_pages_are_followed_and_a_crash_between_them_skips_nothing(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels_app.gmail.client.PAGE", 2)
    for n in range(5):
        inbox.receive(a_mail(Message_ID=f"<{n}@example.com>", Subject=f"Question {n}"))
    real, fetched = Gmail.fetch, []

    def dies(self: Gmail, gmail_id: str) -> Any:
        fetched.append(gmail_id)
        if len(fetched) == 3:
            raise KeyboardInterrupt
        return real(self, gmail_id)

    monkeypatch.setattr(Gmail, "fetch", dies)
    with pytest.raises(KeyboardInterrupt):
        read()
    assert not Message.objects.exists()
    read()
    assert list(Ticket.objects.order_by("id").values_list("subject", flat=True)) == [f"Question {n}" for n in range(5)]


def test_d3_after_a_lost_history_what_is_known_is_not_taken_again(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    read()
    inbox.receive(a_mail(Message_ID="<2@example.com>", Subject="Another"))
    inbox.expire_history()
    read()
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == ["Another", "Password"]


@pytest.mark.parametrize(("days", "fate"), [(1, "imported"), (40, "old")])
def test_d3_what_came_before_the_mailbox_was_connected_is_never_answered(days: int, fate: str, inbox: Mailbox) -> None:
    inbox.receive(a_mail()).at -= days * 86_400
    read()
    assert fates() == [fate]
    assert not Message.objects.all().unanswered().exists()
    assert not Conversation.objects.all().due().exists()


def test_what_came_while_the_mailbox_could_not_be_read_for_the_first_time_is_taken(server: FaultyGmail) -> None:
    server.plan = lambda *_: "error_500"
    read_mailboxes()
    server.mailboxes[OURS].receive(a_mail()).at += 2  # its seconds are cut off
    server.plan = lambda *_: None
    read_again()
    assert fates() == ["stored"]


def test_a12_of_two_who_read_at_once_one_stores_and_the_cursor_never_goes_back(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    late = GmailMailbox.objects.get()
    read()
    cursor = GmailMailbox.objects.get().history_id
    with pytest.raises(ReadByAnother):
        sync(late, Gmail(OURS))
    assert GmailMailbox.objects.get().history_id == cursor
    assert Message.objects.count() == 1


def test_a12_what_another_reader_took_while_we_fetched_is_left_alone(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.receive(a_mail())
    mailbox, real = GmailMailbox.objects.get(), Gmail.fetch

    def fetch_late(self: Gmail, gmail_id: str) -> Any:
        monkeypatch.setattr(Gmail, "fetch", real)
        found = real(self, gmail_id)
        take_all(mailbox, self, [gmail_id])  # the other one, up to here
        return found

    monkeypatch.setattr(Gmail, "fetch", fetch_late)
    assert sync(mailbox, Gmail(OURS)) == 0
    assert fates() == ["stored"]
    assert Message.objects.count() == 1


def test_d5_spam_drafts_and_what_is_gone_are_skipped(inbox: Mailbox) -> None:
    inbox.receive(a_mail(), labels=("SPAM",))
    inbox.create_draft(a_mail(), None)
    inbox.delete(inbox.receive(a_mail()).id)
    before = GmailMailbox.objects.get().history_id
    read()
    assert fates() == ["skipped"], "of drafts and of what is gone there is no trace"
    assert not Message.objects.exists()
    assert GmailMailbox.objects.get().history_id > before


def test_d5_spam_that_somebody_frees_is_taken(inbox: Mailbox) -> None:
    mail = inbox.receive(a_mail(), labels=("SPAM",))
    read()
    inbox.relabel(mail.id, "INBOX")
    read()
    read()
    assert fates() == ["stored"]
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("headers", "fate"),
    [
        ({"Auto_Submitted": "auto-replied"}, "automatic"),
        ({"From": OURS}, "automatic"),
        ({"From": "a@example.com, b@example.com"}, "unclear"),
        ({"From": "a@localhost"}, "unclear"),
    ],
    ids=str,
)
def test_d6_d8_what_no_person_wrote_is_kept_in_the_bin(headers: dict[str, str], fate: str, inbox: Mailbox) -> None:
    inbox.receive(a_mail(**headers))
    read()
    assert fates() == [fate]
    assert not Message.objects.exists()


def test_a_gmail_that_is_away_is_noted_and_nothing_is_lost(server: FaultyGmail, inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    server.plan = lambda *_: "error_500"
    read()
    assert "500" in GmailMailbox.objects.get().error
    server.plan = lambda *_: None
    read()
    assert not Message.objects.exists(), "not again at once"
    read_again()
    assert GmailMailbox.objects.get().error == ""
    assert Message.objects.count() == 1


def test_a_mail_that_we_stumble_over_does_not_keep_the_next_one_away(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.receive(a_mail("Boom"))
    inbox.receive(a_mail(Message_ID="<2@example.com>"))
    real = taking.receive

    def stumbles(inbound: Any, **more: Any) -> Any:
        if inbound.body == "Boom":
            raise RuntimeError("our own mistake")
        return real(inbound, **more)

    monkeypatch.setattr(taking, "receive", stumbles)
    read()
    assert fates() == ["broken", "stored"]
    assert Message.objects.get().body == "How do I reset my password?"


def test_a_mail_without_words_is_a_ticket_with_its_attachment(inbox: Mailbox, articles: None) -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["Authentication-Results"] = "ann@example.com", VOUCHED
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="bill.pdf")
    inbox.receive(mail.as_bytes())
    read()
    message = Message.objects.get()
    assert (message.body, message.ticket.subject) == ("(no text)", "(no subject)")
    assert message.attachments.get().name == "bill.pdf"
    answered(message.conversation)
    assert message.ticket.messages.filter(direction="outbound").exists()


# --- Who goes on with what -------------------------------------------------------------------------------------------


def follow_up(inbox: Mailbox, **headers: str) -> Ticket:
    """A second mail that names the first; the ticket it came to."""
    values = {"Message_ID": "<2@example.com>", "Subject": "Re: Password", "In_Reply_To": "<1@example.com>", **headers}
    inbox.receive(a_mail("And my phone?", **values))
    read()
    return Message.objects.latest("pk").ticket


def test_a_follow_up_lands_in_the_conversation(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    read()
    assert follow_up(inbox) == Ticket.objects.get()


def test_a_follow_up_under_another_subject_lands_there_by_its_references(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    read()
    assert follow_up(inbox, Subject="Something else", References="<1@example.com>") == Ticket.objects.get()


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "eve@evil.example", "Authentication_Results": "mx.google.com; dmarc=pass header.from=evil.example"},
        {"Authentication_Results": "mx.google.com; dmarc=none"},
    ],
    ids=["another sender", "nobody vouches for them"],
)
def test_d10_who_only_names_a_mail_does_not_get_into_its_conversation(headers: dict[str, str], inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    read()
    first = Ticket.objects.get()
    assert follow_up(inbox, **headers).conversation_id != first.conversation_id
    assert first.messages.count() == 1


# --- Out -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(inbox: Mailbox, articles: None) -> Conversation:
    """A question that the assistant has answered; the reply waits to be delivered."""
    inbox.receive(a_mail())
    read()
    conversation = Conversation.objects.get()
    answered(conversation)
    return conversation


def test_the_answer_leaves_in_its_thread_and_the_next_mail_comes_back_into_the_conversation(
    asked: Conversation, inbox: Mailbox
) -> None:
    after = deliver()
    (sent,) = inbox.sent
    assert (after.status, after.external_id) == ("sent", sent.id)
    mail = headers_of(sent.raw)
    assert (mail["To"], mail["Subject"], mail["In-Reply-To"]) == ("ann@example.com", "Re: Password", "<1@example.com>")
    assert (mail["Auto-Submitted"], sent.thread_id) == ("auto-replied", next(iter(inbox.messages.values())).thread_id)
    assert "Forgot" in text_of(sent.raw) or "password" in text_of(sent.raw)
    read()
    assert fates() == ["stored", "own"]
    own = GmailMail.objects.get(fate="own")
    assert own.rfc822_id == sent.message_id, "as Gmail has changed it"
    assert own.message == after.reply
    ticket = follow_up(inbox, In_Reply_To=sent.message_id, References=f"<1@example.com> {sent.message_id}")
    assert ticket.conversation_id == asked.pk


@pytest.mark.parametrize("fault", sorted(BREAKS))
def test_c1_c2_a_send_that_breaks_off_is_delivered_once(
    fault: str, asked: Conversation, server: FaultyGmail, inbox: Mailbox, settings: Any
) -> None:
    settings.LOOK_UP_AFTER_SECONDS = 0
    faults = iter([fault])
    server.plan = lambda method, path: next(faults, None) if path.endswith("drafts/send") else None
    deliver()
    for _ in range(6):
        Delivery.objects.filter(look_up_at__isnull=False).update(look_up_at=Now() - timedelta(seconds=1))
        Delivery.objects.filter(status="queued").update(due_at=Now() - timedelta(seconds=1))
        after = deliver()
    assert len(inbox.sent) == 1
    assert (after.status, after.external_id) == ("sent", inbox.sent[0].id)


def test_c2_a_draft_that_is_gone_is_never_made_again(
    asked: Conversation, server: FaultyGmail, inbox: Mailbox, settings: Any
) -> None:
    """Gmail finishes what it was asked only after it has been looked up: the next try finds the draft gone."""
    settings.LOOK_UP_AFTER_SECONDS = 0
    server.plan = lambda method, path: "error_500" if path.endswith("drafts/send") else None
    deliver()
    Delivery.objects.filter(look_up_at__isnull=False).update(look_up_at=Now() - timedelta(seconds=1))
    assert deliver().status == "queued", "it is a draft still"
    inbox.send_draft(next(iter(inbox.drafts)))
    server.plan = lambda *_: None
    for _ in range(4):
        Delivery.objects.filter(status="queued").update(due_at=Now() - timedelta(seconds=1))
        Delivery.objects.filter(look_up_at__isnull=False).update(look_up_at=Now() - timedelta(seconds=1))
        after = deliver()
    assert len(inbox.sent) == 1
    assert (after.status, after.external_id) == ("sent", inbox.sent[0].id)


def test_a_message_id_of_any_length_is_named_as_it_is(inbox: Mailbox, articles: None) -> None:
    long_id = f"<{'x' * 120}@mail.example.com>"
    inbox.receive(a_mail(Message_ID=long_id))
    read()
    answered(Conversation.objects.get())
    deliver()
    assert inbox.sent[0].raw.count(long_id.encode()) == 2, "in In-Reply-To and References"


def test_a15_whoever_forges_a_sender_cannot_have_their_words_mailed_to_them(inbox: Mailbox, articles: None) -> None:
    spam = "Cheap watches at www.evil.example"
    forged = {"Authentication_Results": "mx.google.com; dmarc=none", "From": f"{spam} <ann@example.com>"}
    inbox.receive(a_mail(Subject=spam, **forged))
    read()
    answered(Conversation.objects.get())
    deliver()
    assert b"evil" not in inbox.sent[0].raw
    assert b"atches" not in inbox.sent[0].raw


def test_c4_a_busy_gmail_is_asked_again_after_the_time_it_names(
    asked: Conversation, server: FaultyGmail, inbox: Mailbox
) -> None:
    server.plan = lambda method, path: "busy" if path.endswith("drafts/send") else None
    after = deliver()
    assert (after.status, inbox.sent) == ("queued", [])
    assert after.due_at > after.changed_at + timedelta(seconds=50)


def test_a_reply_to_the_form_leaves_through_gmail_too_with_its_status_link(inbox: Mailbox, articles: None) -> None:
    ticket = write().ticket
    answered(ticket.conversation)
    assert deliver().status == "sent"
    (sent,) = inbox.sent
    assert "/support/t/" in text_of(sent.raw)
    assert headers_of(sent.raw)["In-Reply-To"] is None


# --- Pending too long ------------------------------------------------------------------------------------------------


def test_c10_a_reply_on_a_ticket_that_was_closed_meanwhile_is_not_sent(asked: Conversation, inbox: Mailbox) -> None:
    Ticket.objects.update(status="closed")
    after = deliver()
    assert (after.status, inbox.sent) == ("failed", [])
    assert "was closed before" in after.error


def test_c10_of_a_customer_who_was_erased_nothing_is_sent(asked: Conversation, inbox: Mailbox) -> None:
    delivery = Delivery.objects.get()
    asked.delete()
    async_to_sync(deliver_one)(delivery.pk)
    assert inbox.sent == []


def later() -> None:
    """The waits of all deliveries are over."""
    Delivery.objects.filter(status="queued").update(due_at=Now() - timedelta(seconds=1))


def drain() -> None:
    for _ in range(8):
        for delivery in Delivery.objects.all().due().order_by("id"):
            async_to_sync(deliver_one)(delivery.pk)


def test_c13_while_gmail_is_down_replies_wait_and_then_leave_in_order(
    asked: Conversation, server: FaultyGmail, inbox: Mailbox, sam: User
) -> None:
    for words in ("First", "Second", "Third"):
        reply(Ticket.objects.get(), body=words, staff=sam)
    server.plan = lambda method, path: "busy"
    for _ in range(3):
        drain()
        later()
    assert inbox.sent == []
    assert set(Delivery.objects.values_list("status", flat=True)) == {"queued"}
    server.plan = lambda *_: None
    later()
    drain()
    said = [text_of(sent.raw).splitlines()[0] for sent in inbox.sent]
    assert said == ["First", "Second", "Third"]


def test_c9_what_the_assistant_wrote_and_nobody_sent_yet_is_held_back_when_a_person_answers(
    asked: Conversation, server: FaultyGmail, inbox: Mailbox, desk: Client, sam: User
) -> None:
    server.plan = lambda method, path: "busy"
    deliver()
    reply(Ticket.objects.get(), body="I answer this one.", staff=sam)
    server.plan = lambda *_: None
    later()
    drain()
    assert [text_of(sent.raw).splitlines()[0] for sent in inbox.sent] == ["I answer this one."]
    page = desk.get(f"/admin/tickets/ticket/{Ticket.objects.get().pk}/change/").content.decode()
    assert "An answer of the assistant was not sent" in page


def test_c9_what_is_being_sent_goes_on(asked: Conversation, inbox: Mailbox, sam: User) -> None:
    held = Delivery.objects.get()
    assert Delivery.objects.all().due().take(held.pk) is not None
    reply(Ticket.objects.get(), body="I answer this one.", staff=sam)
    assert Delivery.objects.filter(pk=held.pk).exists()


def test_c13_a_reply_that_has_waited_for_hours_goes_to_a_person_first(
    asked: Conversation, server: FaultyGmail, inbox: Mailbox, settings: Any
) -> None:
    server.plan = lambda method, path: "busy"
    Delivery.objects.update(queued_at=Now() - timedelta(hours=settings.DELIVER_FOR_HOURS, minutes=1))
    assert deliver().status == "failed"
    assert Ticket.objects.get().escalations.get().reason == "delivery_failed"
    server.plan = lambda *_: None
    later()
    for delivery in Delivery.objects.filter(reply__kind="answer"):
        async_to_sync(deliver_one)(delivery.pk)
    assert inbox.sent == []


# --- What others write into headers ----------------------------------------------------------------------------------

HOSTILE = ["x\r\nBcc: all@example.com", "=?utf-8?q?x=0D=0ABcc:_all=40example.com?=", "x\x00y", "\u202eevil", "a" * 3000]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: ascii(v)[:20])
def test_c12_line_breaks_in_what_a_customer_wrote_make_no_header(value: str, inbox: Mailbox, articles: None) -> None:
    folded = value.replace("\r\n", "\r\n ")  # as it can come in at all
    head = (
        f'From: "{folded}" <ann@example.com>\r\nTo: {OURS}\r\nSubject: {folded}\r\n'
        f"Message-ID: <1{folded}@example.com>\r\nIn-Reply-To: <{folded}@example.com>\r\nReferences: {folded}\r\n"
        f'Cc: "{folded}" <boss@example.com>\r\n'
        f"Authentication-Results: {VOUCHED}\r\n\r\nHow do I reset my password?\r\n"
    )
    inbox.receive(head.encode("utf-8", "surrogateescape"))
    read()
    answered(Conversation.objects.get())
    assert deliver().status == "sent"
    mail = headers_of(inbox.sent[0].raw)
    assert mail["Bcc"] is None
    assert [a.addr_spec for a in mail["To"].addresses] == ["ann@example.com"]
    assert all(len(mail.get_all(name, [])) == 1 for name in ("From", "To", "Subject"))


# --- Where reading begins --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pushed", ["newer", "equal", "none"])
def test_d1_reading_begins_at_our_own_cursor_whatever_a_push_says(pushed: str, inbox: Mailbox) -> None:
    """Gmail pushes the id of now: who begins there misses the mail that it is about."""
    inbox.receive(a_mail())
    inbox.receive(a_mail(Message_ID="<2@example.com>", Subject="Another"))
    cursor = GmailMailbox.objects.get().history_id
    assert cursor is not None
    assert cursor < inbox.history_id
    if pushed == "equal":
        read()
    read()
    assert Message.objects.count() == 2
    assert GmailMailbox.objects.get().history_id == inbox.history_id


def test_d1_without_a_cursor_everything_since_the_connection_is_searched_for(inbox: Mailbox) -> None:
    inbox.receive(a_mail()).at += 2
    GmailMailbox.objects.update(history_id=None)
    read()
    assert Message.objects.count() == 1
    assert GmailMailbox.objects.get().history_id is not None


# --- Hostile HTML ----------------------------------------------------------------------------------------------------

HOSTILE_HTML = """<html><head><style>p{background:url(https://evil.example/a.png)}</style>
<meta http-equiv=refresh content="0;url=https://evil.example"><base href="https://evil.example/"></head><body>
<p>How do I reset my password?</p><script>alert(1)</script><svg onload=alert(1)><math><mtext></mtext></math></svg>
<img src="https://evil.example/pixel.gif"><img src=x onerror=alert(1)><iframe src="javascript:alert(1)"></iframe>
<form action="https://evil.example"><input name=password></form><a href="javascript:alert(1)">press</a>
<img src="cid:1"></body></html>"""


def test_d14_hostile_html_is_words_on_the_desk_and_nothing_is_loaded(
    inbox: Mailbox, articles: None, desk: Client
) -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "ann@example.com", OURS, "<img src=x onerror=alert(1)>"
    mail["Authentication-Results"] = VOUCHED
    mail.set_content(HOSTILE_HTML, subtype="html")
    inbox.receive(mail.as_bytes())
    read()
    message = Message.objects.get()
    assert "How do I reset my password?" in message.body
    answered(message.conversation)
    deliver()
    answer = desk.get(f"/admin/tickets/ticket/{message.ticket_id}/change/")
    page = answer.content.decode()
    for evil in (
        "<img src=x",
        "<svg onload",
        "<iframe",
        "evil.example/pixel",
        "javascript:alert",
        "http-equiv=refresh",
    ):
        assert evil not in page, evil
    assert "script-src" in answer["Content-Security-Policy"]
    assert b"evil.example" not in inbox.sent[0].raw
