"""Reading a mailbox: everything that came in since the cursor is taken, in batches; then the cursor moves."""

import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from google.auth.exceptions import GoogleAuthError

from channels_app.gmail.client import GMAIL_ERRORS, CursorTooOld, Fetched, Gmail
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.parsing import Mail, parse
from channels_app.gmail.taking import is_to_read, take
from channels_app.gmail.trouble import healed, told
from fte_project.crash import crash
from fte_project.events import Channel
from tickets.models import ChannelSettings

log = structlog.get_logger()
RESYNC_DAYS = 7
BATCH = 20
FAILURES = 3
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
        except GMAIL_ERRORS as error:
            _note_failure(mailbox, error)
        else:
            if mailbox.error:
                healed(mailbox)


def _note_failure(mailbox: GmailMailbox, error: Exception) -> None:
    """Nothing is lost: it is read later. What does not mend itself is told to the leads."""
    log.warning("mailbox_not_read", mailbox=mailbox.address, error=str(error)[:200])
    words = str(error)[:1000] or repr(error)
    GmailMailbox.objects.filter(pk=mailbox.pk).update(
        error=words, tried_at=Now(), failing_since=Coalesce("failing_since", Now())
    )
    is_old = mailbox.failing_since is not None and timezone.now() - mailbox.failing_since > TELL_AFTER
    if is_old or isinstance(error, GoogleAuthError):
        told(mailbox, f"{mailbox.address} cannot be read: {words}")


def sync(mailbox: GmailMailbox, gmail: Gmail) -> int:
    """Take what has come in since the mailbox was last read; how many mails were new to us.

    The cursor moves when all are taken, and never back. Raises one of GMAIL_ERRORS, and ReadByAnother.
    """
    began = _now(mailbox)
    if mailbox.history_id is None:
        cursor = gmail.newest_history_id()  # before the search: what comes in between is found again, and known
        found = gmail.ids(f"after:{int(mailbox.connected_at.timestamp())}")
    else:
        found, cursor = _since(mailbox, mailbox.history_id, gmail)
    new = 0
    for begin in range(0, len(found), BATCH):
        new += _take_batch(mailbox, gmail, found[begin : begin + BATCH])
    unmoved = GmailMailbox.objects.filter(pk=mailbox.pk, history_id=mailbox.history_id)
    if not unmoved.update(history_id=cursor, read_at=began, error="", failing_since=None):
        raise ReadByAnother
    crash("mail_cursor_moved")
    log.info("mailbox_read", mailbox=mailbox.address, found=len(found), new=new)
    return new


def _take_batch(mailbox: GmailMailbox, gmail: Gmail, found: list[str]) -> int:
    """Take those of some mails that we do not know; how many. The slow things happen before the transaction."""
    known = _known(mailbox, found)
    fresh, failed = _fetched(gmail, [gmail_id for gmail_id in found if gmail_id not in known])
    crash("mail_fetched")
    with transaction.atomic():
        GmailMailbox.objects.select_for_update(no_key=True).get(pk=mailbox.pk)
        taken = _known(mailbox, found) - known  # by another reader, while we fetched
        for gmail_id, fetched, mail in fresh:
            if gmail_id not in taken:
                _take_or_note(mailbox, gmail_id, fetched, mail)
        crash("mail_before_commit")
    crash("mail_taken")
    if failed is not None:
        raise failed
    return len(fresh) - len(taken)


def _fetched(
    gmail: Gmail, gmail_ids: list[str]
) -> tuple[list[tuple[str, Fetched | None, Mail | None]], Exception | None]:
    """The mails with what we make of them, and the last error: a mail that cannot be had keeps no other one away."""
    fresh: list[tuple[str, Fetched | None, Mail | None]] = []
    failures, failed = 0, None
    for gmail_id in gmail_ids:
        try:
            fetched = gmail.fetch(gmail_id)
        except GMAIL_ERRORS as error:
            failures, failed = failures + 1, error
            if failures == FAILURES:  # it is not this mail
                break
            continue
        raw = fetched.raw if fetched is not None and is_to_read(fetched) else None
        fresh.append((gmail_id, fetched, parse(raw, groups=settings.GMAIL_GROUPS) if raw is not None else None))
    return fresh, failed


def _known(mailbox: GmailMailbox, found: list[str]) -> set[str]:
    """Those that were looked at. What was hidden then is looked at again: somebody may have freed it."""
    looked_at = GmailMail.objects.filter(mailbox=mailbox, gmail_id__in=found).exclude(fate=GmailMail.Fate.SKIPPED)
    return set(looked_at.values_list("gmail_id", flat=True))


def _since(mailbox: GmailMailbox, cursor: int, gmail: Gmail) -> tuple[list[str], int]:
    try:
        return gmail.added_since(cursor)
    except CursorTooOld:
        log.warning("mailbox_cursor_too_old", mailbox=mailbox.address)
        newest = gmail.newest_history_id()  # before the search: what comes in between is found again, and known
        return gmail.ids(f"newer_than:{RESYNC_DAYS}d"), newest


def _now(mailbox: GmailMailbox) -> datetime:
    """By the database's clock, which also says when the mailbox became dirty."""
    now: datetime = GmailMailbox.objects.filter(pk=mailbox.pk).values_list(Now(), flat=True).get()
    return now


def _take_or_note(mailbox: GmailMailbox, gmail_id: str, fetched: Fetched | None, mail: Mail | None) -> None:
    """Take a mail; one that we stumble over is noted, so that it does not keep the next ones away."""
    try:
        with transaction.atomic():
            take(mailbox, gmail_id, fetched, mail)
    except (OperationalError, OSError):
        raise  # the database or the disk, not this mail: it is taken later
    except Exception:
        log.exception("mail_not_taken", mailbox=mailbox.address, gmail_id=gmail_id)
        GmailMail.objects.create(mailbox=mailbox, gmail_id=gmail_id, fate=GmailMail.Fate.BROKEN)


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
            log.warning("history_not_imported", mailbox=mailbox.address, error=str(error)[:200])


def _import(mailbox: GmailMailbox, gmail: Gmail) -> None:
    until = time.monotonic() + IMPORT_SECONDS
    since = mailbox.connected_at - timedelta(days=settings.GMAIL_IMPORT_DAYS)
    found = gmail.ids(f"after:{int(since.timestamp())} before:{int(mailbox.connected_at.timestamp()) + 1}")
    for begin in range(0, len(found), BATCH):
        if time.monotonic() > until:
            return
        _take_batch(mailbox, gmail, found[begin : begin + BATCH])
    GmailMailbox.objects.filter(pk=mailbox.pk).update(is_history_imported=True)
    log.info("history_imported", mailbox=mailbox.address, found=len(found))
