"""A raw mail in our words: who writes, what is new in it, whether a person wrote it, and who vouches for the sender."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import getaddresses

from channels_app.gmail.authentication import is_aligned, is_vouched_for
from channels_app.gmail.automatic import Automatic, automatic_kind
from channels_app.gmail.html_text import text_of
from channels_app.gmail.mime import Attachment, Parts, in_words, take_apart
from channels_app.gmail.quotes import split_text

OWN_SERVER = "mx.google.com"
REFERENCES = 50
RECIPIENTS = 50
MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]\\]{1,64}@[a-z0-9._\-\u0080-\U0010ffff]{1,253}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail as the desk sees it. `sender` is None when nobody, or more than one, is named as its author."""

    sender: str | None
    sender_name: str
    subject: str
    text: str
    signature: str
    body: str
    automatic: Automatic | None
    attachments: tuple[Attachment, ...]
    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    recipients: tuple[str, ...]  # of To, bare and in lower case
    copied: tuple[str, ...]  # of Cc
    is_verified: bool
    parts: Parts


def parse(raw: bytes, *, server: str = OWN_SERVER, groups: Collection[str] = ()) -> Mail:
    """Everything that we make of raw mail. Never raises, whatever the bytes; what cannot be read is None or empty.

    `groups` are addresses of mailing groups that forward to us: what comes through one has its author elsewhere.
    """
    parts = take_apart(raw)
    name, sender = author(parts.authors)
    group = _group(parts, groups)
    is_rewritten = bool(group) and sender == group
    if is_rewritten:  # the group put its own address in place of the author's
        name, sender = author((parts.header("x-original-from") or parts.header("reply-to"),))
    body = parts.text if parts.text.strip() else text_of(parts.html)
    text, signature = split_text(body)
    results = parts.headers.get("authentication-results", [])
    return Mail(
        sender=sender or None,
        sender_name=name,
        subject=parts.header("subject")[:500],
        text=text,
        signature=signature,
        body=body,
        automatic=automatic_kind(parts, sender=sender, is_own_list=bool(group)),
        attachments=parts.attachments,
        message_id=next(iter(_ids(parts.header("message-id"))), None),
        in_reply_to=next(iter(_ids(parts.header("in-reply-to"))), None),
        references=tuple(_ids(parts.header("references"))[-REFERENCES:]),
        recipients=tuple(_addresses(parts.headers.get("to", []))[:RECIPIENTS]),
        copied=tuple(_addresses(parts.headers.get("cc", []))[:RECIPIENTS]),
        # What a group says of the author nobody else can confirm, and it signs for its own domain anew.
        is_verified=bool(sender)
        and not (group and (is_rewritten or is_aligned(group, sender.rpartition("@")[2])))
        and is_vouched_for(results, sender, server=server),
        parts=parts,
    )


def author(values: tuple[str, ...]) -> tuple[str, str]:
    """The one author of a mail as (display name, bare lower-case address); empty unless there is exactly one."""
    found = _named_addresses(list(values)) if len(values) == 1 else []
    addresses = {address for _, address in found if ADDRESS.fullmatch(address)}
    if len(addresses) != 1:
        return "", ""
    name = next((n for n, _ in found if n), "")
    return in_words(name)[:120], addresses.pop()


def _named_addresses(values: list[str]) -> list[tuple[str, str]]:
    try:
        return [(name, a.strip().lower()) for name, a in getaddresses(values, strict=False) if a]
    except (ValueError, IndexError, TypeError, RecursionError):
        return []


def _addresses(values: list[str]) -> list[str]:
    """The addresses of some headers, each once, in order."""
    return list(dict.fromkeys(address for _, address in _named_addresses(values) if ADDRESS.fullmatch(address)))


def _group(parts: Parts, groups: Collection[str]) -> str:
    """The one of `groups` that this mail came through, '' for none: its list id is the address with a dot for the @."""
    list_id = parts.header("list-id").rpartition("<")[2].rstrip("> ").lower()
    return next((group for group in groups if list_id == group.replace("@", ".")), "") if list_id else ""


def _ids(value: str) -> list[str]:
    return MESSAGE_ID.findall(value)
