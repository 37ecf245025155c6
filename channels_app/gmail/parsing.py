"""A raw mail in our words: who writes, what is new in it, whether a person wrote it, and who vouches for the sender."""

import re
from dataclasses import dataclass
from email.utils import getaddresses

from channels_app.gmail.authentication import is_vouched_for
from channels_app.gmail.automatic import Automatic, automatic_kind
from channels_app.gmail.html_text import text_of
from channels_app.gmail.mime import Attachment, Parts, in_words, take_apart
from channels_app.gmail.quotes import new_text

OWN_SERVER = "mx.google.com"
REFERENCES = 50
MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]\\]{1,64}@[a-z0-9._\-\u0080-\U0010ffff]{1,253}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail as the desk sees it. `sender` is None when nobody, or more than one, is named as its author."""

    sender: str | None
    sender_name: str
    subject: str
    text: str
    body: str
    automatic: Automatic | None
    attachments: tuple[Attachment, ...]
    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    is_verified: bool
    parts: Parts


def parse(raw: bytes, *, server: str = OWN_SERVER) -> Mail:
    """Everything that we make of raw mail. Never raises, whatever the bytes; what cannot be read is None or empty."""
    parts = take_apart(raw)
    name, sender = author(parts.authors)
    body = parts.text if parts.text.strip() else text_of(parts.html)
    results = parts.headers.get("authentication-results", [])
    return Mail(
        sender=sender or None,
        sender_name=name,
        subject=parts.header("subject")[:500],
        text=new_text(body),
        body=body,
        automatic=automatic_kind(parts, sender=sender),
        attachments=parts.attachments,
        message_id=next(iter(_ids(parts.header("message-id"))), None),
        in_reply_to=next(iter(_ids(parts.header("in-reply-to"))), None),
        references=tuple(_ids(parts.header("references"))[-REFERENCES:]),
        is_verified=bool(sender) and is_vouched_for(results, sender, server=server),
        parts=parts,
    )


def author(values: tuple[str, ...]) -> tuple[str, str]:
    """The one author of a mail as (display name, bare lower-case address); empty unless there is exactly one."""
    if len(values) != 1:
        return "", ""
    try:
        found = [(n, a) for n, a in getaddresses([values[0]], strict=False) if a]
    except (ValueError, IndexError, TypeError, RecursionError):
        return "", ""
    addresses = {a.strip().lower() for _, a in found if ADDRESS.fullmatch(a.strip())}
    if len(addresses) != 1:
        return "", ""
    name = next((n for n, a in found if n), "")
    return in_words(name)[:120], addresses.pop()


def _ids(value: str) -> list[str]:
    return MESSAGE_ID.findall(value)
