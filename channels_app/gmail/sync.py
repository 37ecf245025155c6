"""Reading a mailbox: everything that came in since the cursor is taken, in batches; then the cursor moves."""

from datetime import UTC, datetime

import structlog
from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models.functions import Now

from channels_app.gmail.automatic import Automatic
from channels_app.gmail.client import GMAIL_ERRORS, CursorTooOld, Fetched, Gmail
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.parsing import Mail, parse
from channels_app.gmail.sender import DELIVERY_HEADER, delivery_of
from customers.identifiers import normal_email
from customers.models import Identifier
from fte_project.events import Channel
from fte_project.text import clean_line, clean_text
from tickets.intake import Address, InboundFile, InboundMessage, receive
from tickets.models import ChannelSettings, Message, Ticket, Trust

log = structlog.get_logger()
Fate = GmailMail.Fate
NOT_MAIL = {"DRAFT", "SPAM", "TRASH"}
RESYNC_DAYS = 7
BATCH = 20
NO_SUBJECT, NO_TEXT = "(no subject)", "(no text)"


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
            log.warning("mailbox_not_read", mailbox=mailbox.address, error=str(error)[:200])
            GmailMailbox.objects.filter(pk=mailbox.pk).update(error=str(error)[:1000] or repr(error), tried_at=Now())


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
    with transaction.atomic():
        _lock(mailbox)
        GmailMailbox.objects.filter(pk=mailbox.pk).update(history_id=cursor, read_at=began, error="")
    log.info("mailbox_read", mailbox=mailbox.address, found=len(found), new=new)
    return new


def _take_batch(mailbox: GmailMailbox, gmail: Gmail, found: list[str]) -> int:
    """Take those of some mails that we do not know; how many. The slow things happen before the transaction."""
    known = _known(mailbox, found)
    fresh: list[tuple[str, Fetched | None, Mail | None]] = []
    for gmail_id in found:
        if gmail_id not in known:
            fetched = gmail.fetch(gmail_id)
            is_mail = fetched is not None and not fetched.labels & NOT_MAIL
            fresh.append((gmail_id, fetched, parse(fetched.raw) if fetched and is_mail else None))
    with transaction.atomic():
        _lock(mailbox)
        taken = _known(mailbox, found) - known  # by another reader, while we fetched
        for gmail_id, fetched, mail in fresh:
            if gmail_id not in taken:
                _take_or_note(mailbox, gmail_id, fetched, mail)
    return len(fresh) - len(taken)


def _known(mailbox: GmailMailbox, found: list[str]) -> set[str]:
    return set(GmailMail.objects.filter(mailbox=mailbox, gmail_id__in=found).values_list("gmail_id", flat=True))


def _lock(mailbox: GmailMailbox) -> None:
    """Hold the mailbox until the transaction ends. Raises ReadByAnother when its cursor has moved meanwhile."""
    if not GmailMailbox.objects.select_for_update().filter(pk=mailbox.pk, history_id=mailbox.history_id).exists():
        raise ReadByAnother


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
    """One mail that we stumble over must not keep all later ones away: it stays in Gmail, and is noted in the bin."""
    try:
        with transaction.atomic():
            _take(mailbox, gmail_id, fetched, mail)
    except (OperationalError, OSError):
        raise  # the database or the disk, not this mail: it is taken later
    except Exception:
        log.exception("mail_not_taken", mailbox=mailbox.address, gmail_id=gmail_id)
        GmailMail.objects.create(mailbox=mailbox, gmail_id=gmail_id, fate=Fate.BROKEN)


def _take(mailbox: GmailMailbox, gmail_id: str, fetched: Fetched | None, mail: Mail | None) -> None:
    if fetched is None or mail is None:
        GmailMail.objects.create(mailbox=mailbox, gmail_id=gmail_id, fate=Fate.SKIPPED)
        return
    is_own = "SENT" in fetched.labels  # Gmail says so itself; a From can be written by anybody
    automatic = Automatic.LOOP if mail.sender == mailbox.address and not is_own else mail.automatic
    fate, message = (Fate.OWN, _our_reply(mail)) if is_own else _fate(mailbox, fetched, mail, automatic)
    GmailMail.objects.create(
        mailbox=mailbox,
        gmail_id=gmail_id,
        thread_id=fetched.thread_id,
        rfc822_id=clean_line(mail.message_id or "", limit=998),
        sender=clean_line(mail.sender or "", limit=320),
        subject=clean_line(mail.subject, limit=500),
        fate=fate,
        automatic=automatic or "",
        message=message,
    )


def _our_reply(mail: Mail) -> Message | None:
    """The reply that we sent as this mail; None for what a person sent from Gmail's own window."""
    delivery_id = delivery_of(mail.parts.header(DELIVERY_HEADER))
    return Message.objects.filter(deliveries=delivery_id).first() if delivery_id is not None else None


def _fate(
    mailbox: GmailMailbox, fetched: Fetched, mail: Mail, automatic: Automatic | None
) -> tuple[Fate, Message | None]:
    if fetched.at < mailbox.connected_at.timestamp():
        return Fate.OLD, None
    if automatic is not None:
        return Fate.AUTOMATIC, None
    try:
        sender = Address(kind=Identifier.Kind.EMAIL, value=normal_email(mail.sender or ""), raw=mail.sender or "")
    except ValueError:
        return Fate.UNCLEAR, None
    inbound = InboundMessage(
        channel=Channel.EMAIL,
        mailbox=mailbox.address,
        external_id=fetched.gmail_id,
        sender=sender,
        name=clean_line(mail.sender_name, limit=120) if mail.is_verified else "",  # we greet by it
        subject=clean_line(mail.subject, limit=200) or NO_SUBJECT,
        body=clean_text(mail.text) or NO_TEXT,
        raw=fetched.raw,
        trust=Trust.CHANNEL_VERIFIED if mail.is_verified else Trust.CLAIMED,
        metadata={"thread_id": fetched.thread_id, "received": datetime.fromtimestamp(fetched.at, UTC).isoformat()},
        files=tuple(
            InboundFile(
                name=clean_line(a.name, limit=200),
                content_type=clean_line(a.content_type, limit=120),
                content=a.content,
            )
            for a in mail.attachments
        ),
    )
    return Fate.STORED, receive(inbound, about=_continued(mailbox, fetched, mail, inbound)).message


def _continued(mailbox: GmailMailbox, fetched: Fetched, mail: Mail, inbound: InboundMessage) -> Ticket | None:
    """The ticket that this mail goes on with: of its thread or its references, and only of the same sender.

    A sender whom nobody vouches for does not get into a conversation in which somebody was vouched for.
    """
    in_thread = GmailMail.objects.filter(mailbox=mailbox, thread_id=fetched.thread_id)
    named = [mail.in_reply_to, *reversed(mail.references)]
    by_name = GmailMail.objects.filter(mailbox=mailbox, rfc822_id__in=[name for name in named if name])
    for mails in (in_thread, by_name):
        messages = Message.objects.filter(mails__in=mails, conversation__address=inbound.sender.value)
        if inbound.trust == Trust.CLAIMED:
            messages = messages.filter(conversation__trust=Trust.CLAIMED)
        if (latest := messages.select_related("ticket").last()) is not None:
            return latest.ticket
    return None
