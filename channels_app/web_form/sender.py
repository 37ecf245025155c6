"""The mail copy of a reply to the form: sent at most once, through Django's MAILERS."""

from collections.abc import Callable

from django.conf import settings
from django.template.loader import render_to_string

from channels_app.mailing import automatic_mail, send_mail, test_words
from channels_app.registry import Provider, SendError, Sent
from fte_project.events import Channel
from tickets.codes import digits_of, live
from tickets.models import ChannelSettings, Delivery, Message, Ticket, Trust
from tickets.tokens import status_url


def send_copy(delivery: Delivery, check: Callable[[], None]) -> Sent:
    """Mail the reply with its status link, or a code, after `check`. Raises SendError; what may be on its way is not
    `refused`."""
    is_code = delivery.reply.kind == Message.Kind.CODE
    mail = automatic_mail(
        subject=code_subject(delivery.reply.ticket) if is_code else copy_subject(delivery.reply.ticket),
        body=code_body(delivery.reply) if is_code else copy_body(delivery.reply),
        to=delivery.address,
        mark=str(delivery.pk),
        kind="auto-replied",
    )
    send_mail(mail, check)
    return Sent(external_id=mail.extra_headers["Message-ID"])


def copy_subject(ticket: Ticket) -> str:
    """Of an address that was only typed nobody knows whose it is: a stranger's words must not reach it in our name."""
    is_claimed = ticket.conversation.trust == Trust.CLAIMED
    return f"[{ticket.reference}] " + (f"Your request to {settings.COMPANY_NAME}" if is_claimed else ticket.subject)


def copy_body(reply: Message) -> str:
    """The reply as plain text, with its status link."""
    context = {
        "reply": reply,
        "ticket": reply.ticket,
        "url": status_url(reply.ticket),
        "company": settings.COMPANY_NAME,
        "is_read": bool(settings.GMAIL_ADDRESS),
        "signature": signature_of(reply),
    }
    return render_to_string("email/reply_copy.txt", context)


def code_subject(ticket: Ticket) -> str:
    return f"[{ticket.reference}] Confirm your address for {settings.COMPANY_NAME}"


def code_body(reply: Message) -> str:
    """With no link and no word of the customer's: whose address it is, is not known yet.

    Raises SendError for a code that has ended.
    """
    code = live(reply.conversation).filter(message=reply).first()
    if code is None:
        raise SendError("The code has ended before it could be sent.", permanent=True, refused=True)
    context = {"code": digits_of(code), "ticket": reply.ticket, "company": settings.COMPANY_NAME}
    return render_to_string("email/code.txt", context)


def send_test(address: str) -> None:
    """Mail a test as a copy would be. Raises SendError."""
    words = test_words("the mail server")
    send_mail(automatic_mail(**words, to=address, mark="test", kind="auto-generated"), lambda: None)


def signature_of(reply: Message) -> str:
    """What ends a mail of staff; the assistant's words end with it already."""
    return ChannelSettings.of(Channel.EMAIL).signature if reply.author == Message.Author.STAFF else ""


MAIL_COPY = Provider(send=send_copy, test=send_test)  # a mail server cannot be asked what it accepted
