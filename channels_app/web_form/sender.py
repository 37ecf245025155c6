"""The mail copy of a reply to the form: sent at most once, through Django's MAILERS."""

import smtplib
from email.utils import make_msgid

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from channels_app.registry import SendError, Sent
from tickets.models import Delivery
from tickets.tokens import status_url


def send_copy(delivery: Delivery) -> Sent:
    """Mail the reply with its status link. Raises SendError; what the server may have accepted is not `refused`."""
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
    try:
        mail.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
        raise SendError(f"The mail server refused the address: {error}", permanent=True, refused=True) from error
    except smtplib.SMTPResponseException as error:
        raise SendError(
            f"The mail server answered {error.smtp_code}.", permanent=error.smtp_code >= 500, refused=True
        ) from error
    except (ConnectionRefusedError, smtplib.SMTPConnectError) as error:
        raise SendError("The mail server cannot be reached.", refused=True) from error
    except (OSError, smtplib.SMTPException) as error:
        raise SendError(f"The connection to the mail server broke: {error!r}") from error
    return Sent(external_id=message_id)
