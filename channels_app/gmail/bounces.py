"""A mail server's report that something did not arrive: which of our mails it means, and what follows."""

import re

from django.db.models import Exists, OuterRef

from channels_app.gmail.marks import DELIVERY_HEADER, delivery_of
from channels_app.gmail.models import Bounce, GmailMail, GmailMailbox
from channels_app.gmail.parsing import Mail
from fte_project.text import clean_line
from tickets.models import Delivery, Message
from tickets.undelivered import came_back

MARK = re.compile(rf"^\s*>?\s*{DELIVERY_HEADER}:\s*([\w.-]{{10,200}})\s*$", re.IGNORECASE | re.MULTILINE)
NAMED = re.compile(r"^\s*>?\s*(?:X-Google-Original-)?Message-ID:\s*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
ACTION = re.compile(r"^Action:\s*(\w+)", re.IGNORECASE | re.MULTILINE)
STATUS = re.compile(r"^Status:\s*(\d)\.\d{1,3}\.\d{1,3}", re.IGNORECASE | re.MULTILINE)
WORDS = re.compile(r"^(?:Diagnostic-Code|Status):\s*(.{1,400}(?:\n[ \t].{1,400}){0,4})", re.IGNORECASE | re.MULTILINE)
LOOKED_AT = 200_000  # characters of what is returned


def note_bounce(mailbox: GmailMailbox, mail: Mail) -> Delivery | None:
    """Mark what this bounce is about as not delivered, and stop sending there; the delivery, None when it is none of
    ours, or only late."""
    delivery = _returned(mailbox, mail)
    if delivery is None or not _is_final(mail):
        return delivery
    detail = clean_line(_words(mail), limit=400)
    if came_back(delivery, f"It came back: {detail}"):
        Bounce.objects.get_or_create(delivery=delivery, defaults={"address": delivery.address, "detail": detail})
    return delivery


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


def _is_final(mail: Mail) -> bool:
    report = mail.parts.report
    if action := ACTION.search(report):
        return action[1].lower() == "failed"
    if status := STATUS.search(report):
        return status[1] == "5"
    return bool(mail.parts.header("x-failed-recipients")) or "delay" not in mail.subject.lower()


def _words(mail: Mail) -> str:
    said = WORDS.findall(mail.parts.report)
    return max(said, key=len) if said else mail.subject
