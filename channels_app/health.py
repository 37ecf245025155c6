"""How the ways in and out are: what `doctor` says about channels and mail copies."""

import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import mailers
from django.core.mail.backends.smtp import EmailBackend
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from channels_app.gmail.watch import ALARM_BEFORE
from channels_app.models import GmailMail, GmailMailbox, StaffNotice
from channels_app.staff_notify import addresses
from fte_project.events import Channel
from fte_project.health import Finding, State, longest_wait, roles_seen, spoken
from tickets.models import ChannelSettings

MAIL_SECONDS = 3
UNREAD_SECONDS = 60
TEST_LIVES = timedelta(days=7)  # of a consent while Google's consent screen is in "Testing"


def web_form() -> Finding:
    """On, switched off by staff, or without a process that takes messages."""
    if not ChannelSettings.of(Channel.WEB_FORM).is_enabled:
        return State.OFF, "Switched off in the channel settings of the desk."
    address = f"{settings.PUBLIC_BASE_URL}/support/"
    if not roles_seen()["web"].instances:
        return State.FAILED, f"No web process runs, so nobody answers at {address}."
    return State.OK, address


def email_copies() -> Finding:
    """Whether the mail server that EMAIL_URL names lets us in; without one, where the copies are written.

    With a mailbox in Gmail the copies leave through it, and the mail server has the notices to staff only.
    """
    mailer = mailers.default
    if not isinstance(mailer, EmailBackend):
        folder = getattr(mailer, "file_path", "memory")
        what = f"Sent through {settings.GMAIL_ADDRESS}; notices to staff are w" if settings.GMAIL_ADDRESS else "W"
        return State.OK, f"{what}ritten to {folder}, not sent: EMAIL_URL is not set."
    server = f"{mailer.host}:{mailer.port}"
    mailer.timeout = MAIL_SECONDS
    try:
        mailer.open()
    except smtplib.SMTPAuthenticationError:
        return State.FAILED, f"{server} refuses the user or the password in EMAIL_URL."
    except OSError as error:  # smtplib's errors too; their texts may quote what was sent
        return State.FAILED, f"The mail server {server} cannot be used ({type(error).__name__}): check EMAIL_URL."
    finally:
        mailer.close()
    return State.OK, f"Sent through {server}."


def staff_notices() -> Finding:
    """Whether anybody is told outside the desk when a ticket needs a person, and what lately went wrong with it."""
    people = len(addresses(StaffNotice.Kind.ESCALATION))
    if not people and not settings.STAFF_WEBHOOK_URL:
        return State.OFF, "Nobody is told outside the desk: give staff e-mail addresses, or set STAFF_WEBHOOK_URL."
    troubled = [StaffNotice.Status.FAILED, StaffNotice.Status.UNKNOWN]
    lately = StaffNotice.objects.filter(status__in=troubled, changed_at__gt=Now() - timedelta(days=1)).count()
    ways = f"{people} by mail" + (", and the webhook" if settings.STAFF_WEBHOOK_URL else "")
    return State.OK, f"{ways}; {lately} failed or uncertain in the last day." if lately else f"{ways}."


def due_notices() -> float:
    """Seconds that the oldest notice to staff has waited without being in a process's hands."""
    return longest_wait(StaffNotice.objects.due().free(), Greatest("due_at", "lease_expires_at"))


def email_channel() -> Finding:
    """Whether our mailbox is named, is read, and how that went last."""
    if not settings.GMAIL_ADDRESS:
        return State.OFF, "GMAIL_ADDRESS is not set; replies to the form are mailed as copies."
    if not ChannelSettings.of(Channel.EMAIL).is_enabled:
        return State.OFF, "Switched off in the channel settings of the desk."
    mailbox = GmailMailbox.objects.filter(address=settings.GMAIL_ADDRESS).first()
    if mailbox is None or mailbox.read_at is None:
        why = mailbox.error if mailbox else "no process runs the schedule role"
        return State.FAILED, f"{settings.GMAIL_ADDRESS} was never read: {why or 'wait a moment'}."
    wait = (timezone.now() - mailbox.read_at).total_seconds()
    if mailbox.error or wait > 3 * settings.GMAIL_POLL_SECONDS + UNREAD_SECONDS:
        return State.FAILED, f"{mailbox.address} was last read {spoken(wait)} ago. {mailbox.error}".strip()
    if (trouble := watch_trouble(mailbox)) is not None:
        return State.FAILED, trouble
    if (trouble := consent_trouble(mailbox)) is not None:
        return State.FAILED, trouble
    lately = mailbox.mails.filter(fate=GmailMail.Fate.BROKEN, seen_at__gt=Now() - timedelta(days=1)).count()
    if lately:
        words = f"{lately} mails of {mailbox.address} could not be taken in the last day (Mail in the admin)"
        return State.FAILED, f"{words}: see the log."
    parts = [f"{mailbox.address}, read {spoken(wait)} ago", _how_told(mailbox), _how_opened(mailbox)]
    where = " It is a simulated Gmail: nothing leaves this machine." if settings.GMAIL_API_URL else ""
    return State.OK, f"{'; '.join(part for part in parts if part)}.{where}"


def watch_trouble(mailbox: GmailMailbox) -> str | None:
    """Why Gmail's pushes have ended, or end within two days; None when they do not."""
    if not settings.GMAIL_PUSH_TOPIC:
        return None
    if mailbox.watched_until is None:
        return f"{mailbox.address} is not watched yet: {mailbox.watch_error}" if mailbox.watch_error else None
    left = mailbox.watched_until - timezone.now()
    if left > ALARM_BEFORE:
        return None
    when = f"end in {spoken(left.total_seconds())}" if left > timedelta(0) else "have ended"
    return f"Gmail's pushes {when} (`manage.py watch_gmail` renews them): {mailbox.watch_error or 'not renewed'}"


def consent_trouble(mailbox: GmailMailbox) -> str | None:
    """Why the consent of a person will not last, None when nothing says so."""
    if not settings.GMAIL_OAUTH_CLIENT_ID or mailbox.consent_ends_at is None:
        return None
    return (
        f"The consent for {mailbox.address} ends {mailbox.consent_ends_at:%-d %B, %H:%M} UTC: Google's consent screen "
        'is in "Testing". Publish it, then run `manage.py connect_gmail` again.'
    )


def _how_told(mailbox: GmailMailbox) -> str:
    if not settings.GMAIL_PUSH_TOPIC:
        return f"looked at every {settings.GMAIL_POLL_SECONDS} s, without pushes"
    return f"watched until {mailbox.watched_until:%-d %B}" if mailbox.watched_until else "not watched yet"


def _how_opened(mailbox: GmailMailbox) -> str:
    """By whose leave, and since when: a consent of a test dies after a week, whatever Google said."""
    if not settings.GMAIL_OAUTH_CLIENT_ID or mailbox.consented_at is None:
        return ""
    age = timezone.now() - mailbox.consented_at
    is_young = ", too young to know that it outlives a week" if age < TEST_LIVES else ""
    return f"by a consent that is {spoken(age.total_seconds())} old{is_young}"


def whatsapp_channel() -> Finding:
    """The product has no WhatsApp channel yet."""
    return State.OFF, "This version has no WhatsApp channel."
