"""Our mailbox at the simulated Gmail: what comes in, reading it, answering, and what leaves."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from asgiref.sync import async_to_sync
from django.db.models.functions import Now

from agent_runner.worker import answer
from channels_app.delivery import deliver_one
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.sync import read_mailboxes
from tickets.models import Conversation, Delivery

OURS = "support@tidewater.example"
VOUCHED = "mx.google.com; dmarc=pass header.from=example.com"


def a_mail(body: str = "How do I reset my password?", **headers: str) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    values = {
        "From": "Ann Lee <ann@example.com>", "To": OURS, "Subject": "Password", "Message_ID": "<1@example.com>",
        "Authentication_Results": VOUCHED, **headers,
    }  # fmt: skip
    for name, value in values.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(body)
    return mail.as_bytes()


def read() -> None:
    GmailMailbox.objects.update(dirty_at=Now())
    read_mailboxes()


def read_again() -> None:
    """After an error, when its rest is over."""
    GmailMailbox.objects.update(tried_at=None)
    read()


def fates() -> list[str]:
    return list(GmailMail.objects.order_by("id").values_list("fate", flat=True))


def answered(conversation: Conversation) -> None:
    async_to_sync(answer)(conversation.pk)


def deliver() -> Delivery:
    delivery = Delivery.objects.latest("pk")
    async_to_sync(deliver_one)(delivery.pk)
    return Delivery.objects.get(pk=delivery.pk)


def headers_of(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(raw: bytes) -> str:
    """The plain text of a mail."""
    body = headers_of(raw).get_body(("plain",))
    assert body is not None
    return str(body.get_content())
