"""One mail through Django's MAILERS, and what each answer of the mail server means."""

import contextlib
import smtplib
from collections.abc import Callable
from email.utils import make_msgid

from django.conf import settings
from django.core.mail import EmailMessage, mailers

from channels_app.registry import SendError


def automatic_mail(*, subject: str, body: str, to: str, mark: str, kind: str) -> EmailMessage:
    """A mail from us that no machine should answer; `kind` is its Auto-Submitted (RFC 3834), `mark` is in its id."""
    domain = settings.EMAIL_FROM.rpartition("@")[2].rstrip(">") or None
    headers = {
        "Message-ID": make_msgid(idstring=mark, domain=domain),
        "Auto-Submitted": kind,
        "X-Auto-Response-Suppress": "All",
    }
    return EmailMessage(subject=subject, body=body, from_email=settings.EMAIL_FROM, to=[to], headers=headers)


def test_words(way: str) -> dict[str, str]:
    """Subject and body of a test that goes through `way`."""
    name = settings.COMPANY_NAME
    body = f"This is a test of the {name} support desk, sent through {way}. Replies to customers go the same way.\n"
    return {"subject": f"Test of the {name} support desk", "body": body}


def send_mail(mail: EmailMessage, check: Callable[[], None]) -> None:
    """Hand the mail to the mail server, after `check`. Raises SendError; what may be on its way is not `refused`."""
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
    except smtplib.SMTPSenderRefused as error:  # an account that must not send as us, or not so much: it can be mended
        raise SendError(f"The mail server refused our address: {error.smtp_code}", refused=True) from error
    except smtplib.SMTPResponseException as error:
        code = error.smtp_code  # -1 for an answer that is none
        raise SendError(f"The mail server answered {code}.", permanent=code >= 500, refused=code >= 400) from error
    except OSError as error:
        raise SendError(f"The connection to the mail server broke: {error!r}") from error
    finally:
        with contextlib.suppress(OSError):
            mailer.close()
