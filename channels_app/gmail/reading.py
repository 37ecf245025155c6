"""Taking many mails: in batches, each in a transaction of its own, and none because of another one missing."""

import time
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from channels_app.gmail.client import GMAIL_ERRORS, Fetched, Gmail
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.parsing import Mail, parse
from channels_app.gmail.taking import is_to_read, take
from fte_project.crash import crash
from fte_project.db import is_passing
from tickets.intake import forget_files
from tickets.models import Attachment

log = structlog.get_logger()
BATCH = 20
BATCH_BYTES = 50 * 1024 * 1024
FAILURES = 3  # so many in a row: it is not the mail
GIVE_UP_AFTER = timedelta(days=1)
# Readers of one mailbox come one after the other. Not by its row: pushes write to that.
ONE_READER = "SELECT pg_advisory_xact_lock(hashtext('gmail mailbox'), %s)"


@dataclass(kw_only=True)
class _Batch:
    """Mails with what we make of them, those that could not be had, and those that are still to be fetched."""

    fresh: list[tuple[str, Fetched | None, Mail | None]] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)


def take_all(mailbox: GmailMailbox, gmail: Gmail, found: list[str], *, until: float = float("inf")) -> tuple[int, bool]:
    """Take those of some mails that we do not know: how many, and whether that was all of them before `until`
    (monotonic). A mail that cannot be had keeps no other one away; its error is raised at the end (GMAIL_ERRORS)."""
    known = _known(mailbox, found)
    waiting = [gmail_id for gmail_id in found if gmail_id not in known]
    new, failed = 0, dict[str, Exception]()
    while waiting and time.monotonic() < until:
        batch = _fetch(gmail, waiting)
        new += _take(mailbox, batch)
        failed |= batch.failed
        waiting = batch.rest
    is_old = mailbox.failing_since is not None and timezone.now() - mailbox.failing_since > GIVE_UP_AFTER
    if failed and is_old:
        log.error("mails_given_up", mailbox=mailbox.address, gmail_ids=list(failed))
        broken = [GmailMail(mailbox=mailbox, gmail_id=i, fate=GmailMail.Fate.BROKEN) for i in failed]
        GmailMail.objects.bulk_create(broken, ignore_conflicts=True)
    elif failed:
        raise next(iter(failed.values()))
    return new, not waiting


def _fetch(gmail: Gmail, gmail_ids: list[str]) -> _Batch:
    """The first of some mails: as many as can be held at once. Raises one of GMAIL_ERRORS when none can be had."""
    batch, size, failures = _Batch(), 0, 0
    for n, gmail_id in enumerate(gmail_ids):
        if len(batch.fresh) == BATCH or size > BATCH_BYTES:
            batch.rest = gmail_ids[n:]
            break
        try:
            fetched = gmail.fetch(gmail_id)
        except GMAIL_ERRORS as error:
            batch.failed[gmail_id] = error
            failures += 1
            if failures == FAILURES:
                raise
            continue
        failures = 0
        size += len(fetched.raw) if fetched else 0
        mail = parse(fetched.raw, groups=settings.GMAIL_GROUPS) if fetched and is_to_read(fetched) else None
        batch.fresh.append((gmail_id, fetched, mail))
    crash("mail_fetched")
    return batch


def _take(mailbox: GmailMailbox, batch: _Batch) -> int:
    """Take the mails of a batch in one transaction; how many were new."""
    saved: list[Attachment] = []
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(ONE_READER, [mailbox.pk])
            known = _known(mailbox, [gmail_id for gmail_id, _, _ in batch.fresh])  # by another reader, meanwhile
            new = [row for row in batch.fresh if row[0] not in known]
            for gmail_id, fetched, mail in new:
                _take_or_note(mailbox, gmail_id, fetched, mail, saved)
            crash("mail_before_commit")
    except BaseException:
        forget_files(saved)
        raise
    crash("mail_taken")
    return len(new)


def _take_or_note(
    mailbox: GmailMailbox, gmail_id: str, fetched: Fetched | None, mail: Mail | None, saved: list[Attachment]
) -> None:
    """Take a mail; one that we stumble over is noted, so that it does not keep the next ones away."""
    before = len(saved)
    try:
        with transaction.atomic():
            take(mailbox, gmail_id, fetched, mail, saved)
    except Exception as error:
        if is_passing(error) or isinstance(error, OSError):
            raise  # the database or the disk, not this mail: it is taken later
        forget_files(saved[before:])
        del saved[before:]
        log.exception("mail_not_taken", mailbox=mailbox.address, gmail_id=gmail_id)
        GmailMail.objects.create(mailbox=mailbox, gmail_id=gmail_id, fate=GmailMail.Fate.BROKEN)


def _known(mailbox: GmailMailbox, found: list[str]) -> set[str]:
    """Those that were looked at. What was hidden then is looked at again: somebody may have freed it."""
    looked_at = GmailMail.objects.filter(mailbox=mailbox, gmail_id__in=found).exclude(fate=GmailMail.Fate.SKIPPED)
    return set(looked_at.values_list("gmail_id", flat=True))
