"""The mail copy of a reply to the form: sent at most once, through Django's MAILERS."""

import contextlib
import smtplib
from collections.abc import Callable
from email.utils import make_msgid

from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.template.loader import render_to_string

from channels_app.registry import Provider, SendError, Sent
from tickets.models import Delivery
from tickets.tokens import status_url


def send_copy(delivery: Delivery, check: Callable[[], None]) -> Sent:
    """Mail the reply with its status link, after `check`. Raises SendError; what may be on its way is not `refused`."""
    reply = delivery.reply
    ticket = reply.ticket
    domain = settings.EMAIL_FROM.rpartition("@")[2].rstrip(">") or None
    message_id = make_msgid(idstring=str(delivery.pk), domain=domain)
    mail = EmailMessage(
        subject=f"[{ticket.reference}] {ticket.subject}",
        body=render_to_string(
            "email/reply_copy.txt",
            {"reply": reply, "ticket": ticket, "url": status_url(ticket), "company": settings.COMPANY_NAME},
        ),
        from_email=settings.EMAIL_FROM,
        to=[delivery.address],
        headers={
            "Message-ID": message_id,
            "Auto-Submitted": "auto-replied",
            "X-Auto-Response-Suppress": "All",
        },
    )
    _send(mail, check)
    return Sent(external_id=message_id)


def _send(mail: EmailMessage, check: Callable[[], None]) -> None:
    mailer = mailers.default
    try:
        mailer.open()
    except OSError as error:  # smtplib's errors too: the mail itself was not offered yet
        raise SendError(f"The mail server cannot be reached: {error!r}", refused=True) from error
    try:
        check()
        mailer.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise SendError(
            f"The mail server refused the address: {error}", permanent=min(codes) >= 500, refused=True
        ) from error
    except smtplib.SMTPResponseException as error:
        code = error.smtp_code  # -1 for an answer that is none
        raise SendError(f"The mail server answered {code}.", permanent=code >= 500, refused=code >= 400) from error
    except OSError as error:
        raise SendError(f"The connection to the mail server broke: {error!r}") from error
    finally:
        with contextlib.suppress(OSError):
            mailer.close()


MAIL_COPY = Provider(send=send_copy)  # a mail server cannot be asked what it accepted
