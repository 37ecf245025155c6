"""Machines that answer each other: they stop by themselves, soon."""

import json
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from agent_runner.worker import answer
from channels_app.delivery import deliver_one
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.sync import read_mailboxes
from channels_app.simulator.mailbox import Mailbox
from tests.channels_app.mailbox import a_mail, answered, deliver, fates, read, text_of
from tests.fakes.gmail import FaultyGmail, gmail_server
from tickets.models import Conversation, Delivery, Message, Ticket

pytestmark = pytest.mark.django_db
RAW = Path(__file__).parents[3] / "shared" / "data" / "emails" / "raw"
DESKS = ("support@tidewater.example", "help@other.example")
# What tells that a machine wrote; mail servers on the way may take any of it out.
TELLING = ["Auto-Submitted", "X-Auto-Response-Suppress", "X-Desk-Delivery"]
THREADING = ["References", "In-Reply-To", "Subject"]


@pytest.fixture
def desks(settings: Any) -> Iterator[FaultyGmail]:
    with gmail_server(*DESKS) as server:
        settings.GMAIL_API_URL = server.url
        yield server


def work_at(desk: str, settings: Any) -> None:
    """Everything that one desk does when it is told: read, answer, deliver."""
    # Each of them signs with a key of its own.
    settings.GMAIL_ADDRESS, settings.STATUS_TOKEN_KEY = desk, f"key of {desk}"
    GmailMailbox.objects.filter(address=desk).update(read_at=None, tried_at=None)
    read_mailboxes()
    for conversation in Conversation.objects.all().due():
        async_to_sync(answer)(conversation.pk)
    for delivery in Delivery.objects.all().due().order_by("id"):
        async_to_sync(deliver_one)(delivery.pk)


def carry(server: FaultyGmail, sender: str, receiver: str, carried: int, *, lost: list[str]) -> int:
    """Bring what left one mailbox to the other, as the mail servers between them do, without some headers."""
    for sent in server.mailboxes[sender].sent[carried:]:
        mail = message_from_bytes(sent.raw)
        for name in lost:
            del mail[name]
        if "References" in lost:
            mail["Subject"] = f"Message {carried} {sent.id}"
        domain = sender.partition("@")[2]
        mail["Authentication-Results"] = f"mx.google.com; dmarc=pass header.from={domain}"
        server.mailboxes[receiver].receive(mail.as_bytes()).at += 2
    return len(server.mailboxes[sender].sent)


@pytest.mark.parametrize(
    ("lost", "most"),
    [([], 1), (TELLING, 5), ([*TELLING, *THREADING], 5)],
    ids=["all headers", "nothing tells a machine", "nothing tells a thread either"],
)
def test_d7_two_desks_that_write_to_each_other_stop_after_at_most_five_each(
    lost: list[str], most: int, desks: FaultyGmail, articles: None, settings: Any
) -> None:
    ours, theirs = DESKS
    for desk in DESKS:
        work_at(desk, settings)
    question = a_mail(
        From=theirs, To=ours, Authentication_Results="mx.google.com; dmarc=pass header.from=other.example"
    )
    desks.mailboxes[ours].receive(question).at += 2
    carried = dict.fromkeys(DESKS, 0)
    for _ in range(12):
        for desk, other in (DESKS, DESKS[::-1]):
            work_at(desk, settings)
            carried[desk] = carry(desks, desk, other, carried[desk], lost=lost)
    counts = [len(desks.mailboxes[desk].sent) for desk in DESKS]
    assert counts[0] >= 1, "a question is answered"
    assert max(counts) <= most
    if lost:
        assert Ticket.objects.filter(status="escalated").exists()
        assert not Conversation.objects.all().due().exists()


@pytest.mark.parametrize("threading", [{"In_Reply_To": "<0@example.com>"}, {}], ids=["one thread", "a thread each"])
def test_d7_after_four_answers_within_an_hour_a_person_goes_on(
    threading: dict[str, str], inbox: Mailbox, articles: None
) -> None:
    for n in range(7):
        body, thread = f"How do I reset my password? ({n})", {"Message_ID": f"<{n}@example.com>", **threading}
        inbox.receive(a_mail(body, **thread))
        read()
        for conversation in Conversation.objects.all().due():
            answered(conversation)
    assert Message.objects.filter(author="assistant").count() == 4
    assert Message.objects.filter(direction="outbound").count() == 5
    escalation = Ticket.objects.get(status="escalated").escalations.get()
    assert escalation.reason == "usage_limit"
    assert "4 automatic texts within an hour" in escalation.detail


def test_d7_our_own_words_that_come_back_are_not_answered(inbox: Mailbox, articles: None) -> None:
    inbox.receive(a_mail())
    read()
    answered(Conversation.objects.get())
    deliver()
    read()
    echo = text_of(inbox.sent[0].raw).rpartition("--")[0]
    inbox.receive(a_mail(echo, Message_ID="<2@example.com>", In_Reply_To=inbox.sent[0].message_id))
    read()
    answered(Conversation.objects.get())
    assert Message.objects.filter(author="assistant").count() == 1
    assert Ticket.objects.get().status == "escalated"


def test_d7_the_same_words_for_the_third_time_go_to_a_person(inbox: Mailbox, articles: None) -> None:
    for n in range(3):
        inbox.receive(a_mail(Message_ID=f"<{n}@example.com>", In_Reply_To="<0@example.com>"))
        read()
        answered(Conversation.objects.get())
    assert "the same words 3 times" in Ticket.objects.get().escalations.get().detail


def test_d7_our_own_mail_that_comes_in_again_is_in_the_bin(inbox: Mailbox, articles: None) -> None:
    inbox.receive(a_mail())
    read()
    answered(Conversation.objects.get())
    deliver()
    mail = message_from_bytes(inbox.sent[0].raw)
    del mail["From"], mail["Auto-Submitted"]
    mail["From"] = "forwarder@example.com"
    inbox.receive(mail.as_bytes())
    read()
    assert fates() == ["stored", "own", "automatic"]
    assert GmailMail.objects.latest("id").automatic == "loop"


# --- D6: a whole collection ------------------------------------------------------------------------------------------

HAND_MADE: list[dict[str, str]] = [
    {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated (rejected)"},
    {"Auto_Submitted": "auto-notified; owner-email=x@example.com"},
    {"Precedence": "bulk"}, {"Precedence": "junk"}, {"Precedence": "list"}, {"Precedence": "auto_reply"},
    {"List_Id": "<a.example.com>"}, {"List_Unsubscribe": "<mailto:x@example.com>"}, {"X_Autoreply": "yes"},
    {"X_Autorespond": "gone"}, {"X_Autoresponder": "1"}, {"X_Auto_Response": "1"}, {"Return_Path": "<>"},
    {"From": "no-reply@example.com"}, {"From": "donotreply@example.com"}, {"From": "do_not_reply@example.com"},
    {"From": "shop.noreply@example.com"}, {"From": "MAILER-DAEMON@example.com"},
    {"From": "postmaster@example.com", "Subject": "Undeliverable: your mail"},
    {"From": "bounces+1=x@example.com"}, {"From": "support@tidewater.example"},
    {"X_Failed_Recipients": "x@example.com"},
    {"Subject": "Automatic reply: Password"}, {"Subject": "Out of office"}, {"Subject": "Abwesenheitsnotiz: Urlaub"},
    {"Subject": "Réponse automatique : absence"}, {"Subject": "Respuesta automática: vacaciones"},
    {"Subject": "Risposta automatica: ferie"}, {"Subject": "自動応答: 休暇"},
    {"X_Mailchimp_Id": "1"}, {"X_Campaign": "spring"},
]  # fmt: skip


def test_d6_sixty_kinds_of_automatic_mail_bring_no_reply(inbox: Mailbox, articles: None) -> None:
    """The labelled bounces, autoreplies and complaints of the data set, and our own."""
    if not RAW.is_dir():
        pytest.skip("../shared/data/emails is not there")
    labels = [json.loads(line) for line in (RAW / "index.jsonl").read_text().splitlines()]
    kinds = {"bounce", "autoreply", "complaint"}
    collected = [(RAW / row["file"]).read_bytes() for row in labels if kinds & set(row["kinds"])]
    mails = [*collected, *(a_mail(**headers) for headers in HAND_MADE)]
    assert len(mails) >= 60
    for mail in mails:
        inbox.receive(mail).at += 2
    read()
    assert len(fates()) == len(mails)
    stored = [str(m) for m in GmailMail.objects.filter(fate="stored")]
    assert stored == []
    assert not Message.objects.exists()
    assert not Delivery.objects.exists()
