"""A mail server's report that something did not arrive: which of our mails it means, and what follows."""

import re

from django.db.models import Exists, OuterRef

from channels_app.gmail.authentication import is_aligned
from channels_app.gmail.marks import DELIVERY_HEADER, delivery_of
from channels_app.gmail.models import Bounce, GmailMail, GmailMailbox
from channels_app.gmail.parsing import Mail
from fte_project.text import clean_line
from tickets.models import Delivery, Message
from tickets.undelivered import came_back

# At the beginning of a line, perhaps quoted. Nothing here may match a run of blank lines: mails have thousands.
_LINE = r"^[ \t]{0,9}>?[ \t]{0,9}"
MARK = re.compile(_LINE + DELIVERY_HEADER + r":\s{0,9}([\w.-]{10,200})[ \t\r]{0,9}$", re.IGNORECASE | re.MULTILINE)
NAMED = re.compile(_LINE + r"(?:X-Google-Original-)?Message-ID:\s{0,9}(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
RECIPIENT = re.compile(
    r"^(?:Final|Original)-Recipient:[ \t]{0,9}(?:[\w-]{1,20};)?[ \t]{0,9}<?([^\s<>]{3,320})>?", re.I | re.M
)
ACTION = re.compile(r"^Action:[ \t]{0,9}(\w+)", re.IGNORECASE | re.MULTILINE)
WORDS = re.compile(
    r"^(?:Diagnostic-Code|Status):\s{0,9}(.{1,400}(?:\n[ \t].{1,400}){0,4})", re.IGNORECASE | re.MULTILINE
)
GOOGLE = ("googlemail.com", "google.com")  # what sends for us also says that it could not
LOOKED_AT = 200_000  # characters of what is returned


def note_bounce(mailbox: GmailMailbox, mail: Mail) -> Delivery | None:
    """Mark what this bounce is about as not delivered, and stop sending there; the delivery, None when it is none of
    ours. One that is only late, or that did not reach somebody else who got a copy, stays as it is."""
    delivery = _returned(mailbox, mail)
    if delivery is None or not _is_believed(mail, delivery):
        return delivery
    detail = _why_not_delivered(mail, delivery.address)
    if detail and came_back(delivery, f"It came back: {detail}"):
        Bounce.objects.get_or_create(delivery=delivery, defaults={"address": delivery.address, "detail": detail})
    return delivery


def _is_believed(mail: Mail, delivery: Delivery) -> bool:
    """Our mark is only known to who got the mail. When others got a copy, one of them could have made this up."""
    if not delivery.reply.cc:
        return True
    said_by = (mail.sender or "").rpartition("@")[2]
    return mail.is_verified and (said_by in GOOGLE or is_aligned(said_by, delivery.address.rpartition("@")[2]))


def last_bounce(delivery: Delivery) -> Bounce | None:
    """Why nothing is sent to the address of this delivery: what came back from it since its owner wrote last.

    What a person has sent again is sent.
    """
    if delivery.queued_at > delivery.created_at:
        return None
    wrote_since = Message.objects.filter(
        direction=Message.Direction.INBOUND,
        conversation__address=OuterRef("address"),
        created_at__gt=OuterRef("bounced_at"),
    )
    return Bounce.objects.filter(~Exists(wrote_since), address=delivery.address).order_by("id").last()


def _returned(mailbox: GmailMailbox, mail: Mail) -> Delivery | None:
    """The delivery that was sent as the mail in this report: by our signed header, else by its Message-ID."""
    texts = [mail.body, *(a.content[:LOOKED_AT].decode("utf-8", "replace") for a in mail.attachments)]
    text = "\n".join(texts)[: 2 * LOOKED_AT]
    for mark in MARK.findall(text)[:5]:
        delivery_id = delivery_of(mark)
        if delivery_id is not None:
            return Delivery.objects.select_related("reply").filter(pk=delivery_id).first()
    own = GmailMail.objects.filter(mailbox=mailbox, rfc822_id__in=NAMED.findall(text)[:5], delivery__isnull=False)
    found = own.select_related("delivery__reply").first()
    return found.delivery if found else None


def _why_not_delivered(mail: Mail, address: str) -> str:
    """The words of the mail server that it will never reach `address`; empty when this report does not say so."""
    for block in mail.parts.report.replace("\r", "").split("\n\n"):
        recipients = {found.lower() for found in RECIPIENT.findall(block)}
        action = ACTION.search(block)
        if address in recipients and action and action[1].lower() == "failed":
            return clean_line(max(WORDS.findall(block), key=len, default=mail.subject), limit=400)
    failed = mail.parts.header("x-failed-recipients").lower().replace(",", " ").split()
    return clean_line(mail.subject, limit=400) or "no reason given" if address in failed else ""
