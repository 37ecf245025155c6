"""Reading a mailbox: everything that came in since the cursor is taken, in batches; then the cursor moves."""

import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from google.auth.exceptions import GoogleAuthError

from channels_app.gmail.client import GMAIL_ERRORS, CursorTooOld, Gmail
from channels_app.gmail.models import GmailMailbox
from channels_app.gmail.reading import take_all
from channels_app.gmail.trouble import READING, healed, told
from fte_project.crash import crash
from fte_project.db import is_passing
from fte_project.events import Channel
from tickets.models import ChannelSettings

log = structlog.get_logger()
RESYNC = timedelta(days=7)
OVERLAP = timedelta(hours=1)
IMPORT_SECONDS = 30.0
TELL_AFTER = timedelta(minutes=10)


class ReadByAnother(Exception):
    """Somebody else has read the mailbox meanwhile: what they found is theirs."""


def read_mailboxes() -> None:
    """Timed job, while GMAIL_ADDRESS is set: read our mailbox when something may have happened. Notes errors on it."""
    if not ChannelSettings.of(Channel.EMAIL).is_enabled:
        return
    GmailMailbox.objects.get_or_create(address=settings.GMAIL_ADDRESS)
    for mailbox in GmailMailbox.objects.all().dirty().filter(address=settings.GMAIL_ADDRESS):
        try:
            sync(mailbox, Gmail(mailbox.address))
        except ReadByAnother:
            log.info("mailbox_read_by_another", mailbox=mailbox.address)
        except Exception as error:
            if is_passing(error):
                raise
            _note_failure(mailbox, error)


def _note_failure(mailbox: GmailMailbox, error: Exception) -> None:
    """Nothing is lost: it is read later. What does not mend itself is told to the leads."""
    log.warning("mailbox_not_read", mailbox=mailbox.address, error=error)
    words = str(error)[:1000] or repr(error)
    GmailMailbox.objects.filter(pk=mailbox.pk).update(
        error=words, tried_at=Now(), failing_since=Coalesce("failing_since", Now())
    )
    is_old = mailbox.failing_since is not None and timezone.now() - mailbox.failing_since > TELL_AFTER
    if is_old or isinstance(error, GoogleAuthError):
        told(mailbox, READING, f"{mailbox.address} cannot be read: {words}")


def sync(mailbox: GmailMailbox, gmail: Gmail) -> int:
    """Take what has come in since the mailbox was last read; how many mails were new to us.

    The cursor moves when all are taken or noted, and never back. Raises one of GMAIL_ERRORS, and ReadByAnother.
    """
    began = _now(mailbox)
    if mailbox.history_id is None:
        cursor = gmail.newest_history_id()  # before the search: what comes in between is found again, and known
        found = gmail.ids(f"after:{int(mailbox.connected_at.timestamp())}")
    else:
        found, cursor = _since(mailbox, mailbox.history_id, gmail)
    new, _ = take_all(mailbox, gmail, found)
    with transaction.atomic():
        unmoved = GmailMailbox.objects.filter(pk=mailbox.pk, history_id=mailbox.history_id)
        if not unmoved.update(history_id=cursor, read_at=began, error="", failing_since=None):
            raise ReadByAnother
        healed(mailbox, READING)
    crash("mail_cursor_moved")
    log.info("mailbox_read", mailbox=mailbox.address, found=len(found), new=new)
    return new


def _since(mailbox: GmailMailbox, cursor: int, gmail: Gmail) -> tuple[list[str], int]:
    try:
        return gmail.added_since(cursor)
    except CursorTooOld:
        log.warning("mailbox_cursor_too_old", mailbox=mailbox.address)
        newest = gmail.newest_history_id()  # before the search: what comes in between is found again, and known
        since = min(timezone.now() - RESYNC, mailbox.read_at or timezone.now()) - OVERLAP
        return gmail.ids(f"after:{int(since.timestamp())}"), newest


def _now(mailbox: GmailMailbox) -> datetime:
    """By the database's clock, which also says when the mailbox became dirty."""
    now: datetime = GmailMailbox.objects.filter(pk=mailbox.pk).values_list(Now(), flat=True).get()
    return now


def import_history() -> None:
    """Timed job, while GMAIL_IMPORT_DAYS is not 0: show on the desk what was said before the mailbox was connected.

    A part of it at a time; nothing of it is answered. What cannot be read now is read later.
    """
    for mailbox in GmailMailbox.objects.filter(
        address=settings.GMAIL_ADDRESS, is_history_imported=False, history_id__isnull=False, error=""
    ):
        try:
            _import(mailbox, Gmail(mailbox.address))
        except GMAIL_ERRORS as error:
            log.warning("history_not_imported", mailbox=mailbox.address, error=error)


def _import(mailbox: GmailMailbox, gmail: Gmail) -> None:
    until = time.monotonic() + IMPORT_SECONDS
    since = mailbox.connected_at - timedelta(days=settings.GMAIL_IMPORT_DAYS)
    found = gmail.ids(f"after:{int(since.timestamp())} before:{int(mailbox.connected_at.timestamp()) + 1}")
    _, is_all = take_all(mailbox, gmail, found, until=until)
    if not is_all:
        return
    GmailMailbox.objects.filter(pk=mailbox.pk).update(is_history_imported=True)
    log.info("history_imported", mailbox=mailbox.address, found=len(found))
