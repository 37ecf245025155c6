"""One mail of our mailbox, looked at once: a customer's message, our own, a person's answer, or one for the bin."""

from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings

from channels_app.gmail.automatic import Automatic
from channels_app.gmail.bounces import note_bounce
from channels_app.gmail.client import HIDDEN, Fetched
from channels_app.gmail.files import kept
from channels_app.gmail.marks import DELIVERY_HEADER, delivery_of
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.parsing import Mail
from channels_app.gmail.threads import answered_by_hand, continued
from customers.identifiers import normal_email
from customers.models import Identifier
from fte_project.events import Channel
from fte_project.text import clean_line, clean_text
from tickets.elsewhere import SentElsewhere, import_message, import_reply, replied_elsewhere
from tickets.intake import Address, InboundMessage, receive
from tickets.models import Attachment, Delivery, Trust
from tickets.record import SYSTEM, record

log = structlog.get_logger()
Fate = GmailMail.Fate
NO_SUBJECT, NO_TEXT = "(no subject)", "(no text)"


def take(
    mailbox: GmailMailbox, gmail_id: str, fetched: Fetched | None, mail: Mail | None, saved: list[Attachment]
) -> None:
    """Note the mail with what became of it, in the caller's transaction. `mail` is None for one that is hidden; who
    loses the transaction deletes the files of `saved`.

    Of one that is gone, and of a draft, nothing is kept: what is sent of a draft is another mail.
    """
    if fetched is None or "DRAFT" in fetched.labels:
        log.info("mail_passed_over", mailbox=mailbox.address, gmail_id=gmail_id)
        return
    noted = GmailMail(mailbox=mailbox, gmail_id=gmail_id, fate=Fate.SKIPPED)
    if mail is not None:
        noted.thread_id = fetched.thread_id
        noted.rfc822_id = mail.message_id if mail.message_id and mail.message_id.isascii() else ""
        noted.sender = clean_line(mail.sender or "", limit=320)
        noted.subject = clean_line(mail.subject, limit=500)
        if "SENT" in fetched.labels:  # Gmail says so itself; a From can be written by anybody
            _take_own(noted, fetched, mail)
        else:
            _take_inbound(noted, fetched, mail, saved)
    GmailMail.objects.filter(mailbox=mailbox, gmail_id=gmail_id).delete()  # it was hidden, and somebody freed it
    noted.save()


def is_to_read(fetched: Fetched) -> bool:
    """Whether anybody wants to know what is in it."""
    return not fetched.labels & (HIDDEN | {"DRAFT"})


def _take_own(noted: GmailMail, fetched: Fetched, mail: Mail) -> None:
    """What left the mailbox: a reply of the desk, or what a person wrote in Gmail's own window."""
    noted.fate = Fate.OWN
    delivery_id = delivery_of(mail.parts.header(DELIVERY_HEADER))
    if delivery_id is not None:
        noted.delivery = Delivery.objects.filter(pk=delivery_id).select_related("reply").first()
        noted.message = noted.delivery.reply if noted.delivery else None
        return
    answered = answered_by_hand(noted.mailbox, fetched.thread_id, mail)
    is_past = fetched.at < noted.mailbox.connected_at.timestamp()
    is_by_rule = mail.automatic is not None  # a filter or a vacation notice of the mailbox
    if not answered or is_by_rule or (is_past and not _is_imported(noted.mailbox, fetched)):
        return
    sent = SentElsewhere(
        mailbox=noted.mailbox.address,
        external_id=fetched.gmail_id,
        body=clean_text(mail.text) or NO_TEXT,
        sent_at=datetime.fromtimestamp(fetched.at, UTC),
        cc=_others(mail, noted.mailbox.address),
    )
    keep = import_reply if is_past else replied_elsewhere
    *_, noted.message = (keep(conversation_id, sent) for conversation_id in answered)
    noted.delivery = noted.message.deliveries.get()
    noted.fate = Fate.IMPORTED if is_past else Fate.STAFF


def _take_inbound(noted: GmailMail, fetched: Fetched, mail: Mail, saved: list[Attachment]) -> None:
    mailbox = noted.mailbox
    automatic = _automatic(mailbox, mail)
    noted.automatic = automatic or ""
    is_past = fetched.at < mailbox.connected_at.timestamp()
    if is_past and not _is_imported(mailbox, fetched):
        noted.fate = Fate.OLD
        return
    if automatic is not None:
        noted.fate = Fate.AUTOMATIC
        if automatic == Automatic.BOUNCE:
            noted.delivery = note_bounce(mailbox, mail)
            noted.message = noted.delivery.reply if noted.delivery else None
        return
    try:
        value = normal_email(mail.sender or "")
    except ValueError:
        noted.fate = Fate.UNCLEAR
        return
    inbound = _inbound(mailbox, fetched, mail, value)
    about = continued(mailbox, fetched.thread_id, mail, address=value, trust=inbound.trust)
    if is_past:
        noted.fate = Fate.IMPORTED
        noted.message = import_message(inbound, about.conversation_id if about else None, saved)
        return
    received = receive(inbound, about=about, saved=saved)
    noted.fate, noted.message = Fate.STORED, received.message
    if inbound.metadata["files_not_kept"] and received.is_new:
        record(received.ticket, "attachments_not_kept", SYSTEM, message=received.message.pk)


def _automatic(mailbox: GmailMailbox, mail: Mail) -> Automatic | None:
    is_ours = mail.sender in {mailbox.address, *settings.GMAIL_GROUPS}
    if is_ours or delivery_of(mail.parts.header(DELIVERY_HEADER)) is not None:
        return Automatic.LOOP  # what we have sent comes back to us
    return mail.automatic


def _is_imported(mailbox: GmailMailbox, fetched: Fetched) -> bool:
    """Whether a mail from before the mailbox was connected is recent enough to be shown on the desk."""
    return fetched.at >= (mailbox.connected_at - timedelta(days=settings.GMAIL_IMPORT_DAYS)).timestamp()


def _inbound(mailbox: GmailMailbox, fetched: Fetched, mail: Mail, value: str) -> InboundMessage:
    files, dropped = kept(mail.attachments)
    received_at = datetime.fromtimestamp(fetched.at, UTC)
    return InboundMessage(
        channel=Channel.EMAIL,
        mailbox=mailbox.address,
        external_id=fetched.gmail_id,
        sender=Address(kind=Identifier.Kind.EMAIL, value=value, raw=mail.sender or ""),
        name=clean_line(mail.sender_name, limit=120) if mail.is_verified else "",  # we greet by it
        subject=clean_line(mail.subject, limit=200) or NO_SUBJECT,
        body=clean_text(mail.text) or NO_TEXT,
        signature=clean_text(mail.signature),
        raw=fetched.raw,
        trust=Trust.CHANNEL_VERIFIED if mail.is_verified else Trust.CLAIMED,
        received_at=received_at,
        cc=_others(mail, mailbox.address),
        metadata={"thread_id": fetched.thread_id, "files_not_kept": dropped},
        files=files,
    )


def _others(mail: Mail, ours: str) -> tuple[str, ...]:
    """Who else the mail went to."""
    return tuple(a for a in [*mail.recipients, *mail.copied] if a not in {ours, *settings.GMAIL_GROUPS})
