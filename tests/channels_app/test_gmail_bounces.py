"""What comes back: the reply it was about has failed, and nothing more goes there until its owner writes again."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from channels_app.gmail.models import Bounce, GmailMail
from channels_app.simulator.mailbox import Mailbox, Stored
from tests.channels_app.mailbox import OURS, a_mail, answered, deliver, fates, read
from tests.factories import make_staff
from tickets.models import Conversation, Delivery, Ticket
from tickets.replies import reply
from tickets.undelivered import send_again

pytestmark = pytest.mark.django_db


def returned(sent: Stored, *, action: str = "failed", headers: str | None = None) -> bytes:
    """A delivery report about a mail of ours, as mail servers write it (RFC 3464)."""
    original = headers if headers is not None else sent.raw.split(b"\n\n")[0].decode()
    return f"""From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: {OURS}
Subject: Delivery Status Notification
Message-ID: <dsn-{action}@mail.example>
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your message was not delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; ann@example.com
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user here

--b
Content-Type: text/rfc822-headers

{original}
--b--
""".encode()


@pytest.fixture
def sent(inbox: Mailbox, articles: None) -> Delivery:
    """The assistant has answered Ann, and the mail has left."""
    inbox.receive(a_mail())
    read()
    answered(Conversation.objects.get())
    delivery = deliver()
    read()
    return delivery


def test_d6_a_bounce_marks_what_it_bounced_and_people_hear_of_it(sent: Delivery, inbox: Mailbox) -> None:
    inbox.receive(returned(inbox.sent[0]))
    read()
    sent.refresh_from_db()
    assert sent.status == Delivery.Status.FAILED
    assert "no such user here" in sent.error
    assert sent.reply.ticket.escalations.get().reason == "delivery_failed"
    mail = GmailMail.objects.get(automatic="bounce")
    assert (mail.fate, mail.delivery) == ("automatic", sent)


def test_d6_nothing_more_is_sent_there_until_the_owner_writes_again(sent: Delivery, inbox: Mailbox) -> None:
    inbox.receive(returned(inbox.sent[0]))
    read()
    holding = deliver()
    assert (holding.status, len(inbox.sent)) == (Delivery.Status.FAILED, 1)
    assert "came back" in holding.error
    inbox.receive(a_mail("I am here again", Message_ID="<2@example.com>", In_Reply_To="<1@example.com>"))
    read()
    reply(Ticket.objects.get(), body="Good.", staff=make_staff("sara", "agent"))
    assert deliver().status == Delivery.Status.SENT


def test_d6_what_a_person_sends_again_is_sent(sent: Delivery, inbox: Mailbox) -> None:
    inbox.receive(returned(inbox.sent[0]))
    read()
    sent.refresh_from_db()
    send_again(sent, make_staff("sara", "agent"))
    Delivery.objects.exclude(pk=sent.pk).delete()
    assert deliver().status == Delivery.Status.SENT


def test_d6_a_mail_that_is_only_late_changes_nothing(sent: Delivery, inbox: Mailbox) -> None:
    inbox.receive(returned(inbox.sent[0], action="delayed"))
    read()
    sent.refresh_from_db()
    assert sent.status == Delivery.Status.SENT
    assert not Bounce.objects.exists()


def test_d6_a_bounce_without_our_header_is_known_by_the_message_id(sent: Delivery, inbox: Mailbox) -> None:
    inbox.receive(returned(inbox.sent[0], headers=f"Message-ID: {inbox.sent[0].message_id}"))
    read()
    sent.refresh_from_db()
    assert sent.status == Delivery.Status.FAILED


@pytest.mark.parametrize(
    "headers", ["X-Desk-Delivery: 1.forgedforgedforgedforged", "Message-ID: <somebody@elses.example>", ""]
)
def test_d6_a_bounce_of_something_else_marks_nothing(headers: str, sent: Delivery, inbox: Mailbox) -> None:
    inbox.receive(returned(inbox.sent[0], headers=headers))
    read()
    sent.refresh_from_db()
    assert sent.status == Delivery.Status.SENT
    assert fates()[-1] == "automatic"


def test_d6_a_bounce_that_comes_twice_is_told_once(sent: Delivery, inbox: Mailbox) -> None:
    for _ in range(2):
        inbox.receive(returned(inbox.sent[0]))
        read()
    assert Bounce.objects.count() == 1
    assert sent.reply.ticket.escalations.count() == 1


def test_a_delivery_whose_outcome_is_unknown_is_settled_by_its_bounce(sent: Delivery, inbox: Mailbox) -> None:
    Delivery.objects.filter(pk=sent.pk).update(status="unknown", look_up_at=Now() + timedelta(minutes=1))
    inbox.receive(returned(inbox.sent[0]))
    read()
    sent.refresh_from_db()
    assert (sent.status, sent.look_up_at) == ("failed", None)
