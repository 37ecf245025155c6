"""Attachments of a mail as the desk keeps them: so many, so large, and of the type that their bytes show."""

import codecs
from collections.abc import Iterable

import filetype
from django.conf import settings

from channels_app.gmail.mime import CONTROL, Attachment
from fte_project.text import clean_line
from tickets.intake import InboundFile

NAMES_NOTED = 20


def kept(attachments: Iterable[Attachment]) -> tuple[tuple[InboundFile, ...], list[str]]:
    """The files that are kept, and why others are not, a sentence each. What a mail says of its files is not believed:
    the name is only shown, the type is read from the content."""
    files: list[InboundFile] = []
    dropped: list[str] = []
    for attachment in attachments:
        name = clean_line(attachment.name, limit=200) or "unnamed"
        size = len(attachment.content)
        if size > settings.MAIL_ATTACHMENT_MAX_BYTES:
            dropped.append(f"{name} is too large ({size // 1024 // 1024} MB).")
        elif len(files) >= settings.MAIL_ATTACHMENTS:
            dropped.append(f"{name} is one more than {settings.MAIL_ATTACHMENTS}.")
        else:
            files.append(InboundFile(name=name, content_type=sniffed(attachment.content), content=attachment.content))
    return tuple(files), dropped[:NAMES_NOTED]


def sniffed(content: bytes) -> str:
    """The media type that the bytes show: of text whether a browser would run it."""
    found = filetype.guess_mime(content[:8192])
    if found is not None:
        return str(found)
    head = content[:4096].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if head.startswith(b"<"):
        return "image/svg+xml" if b"<svg" in head else "text/html"
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content[:4096])
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "application/octet-stream" if CONTROL.search(text) else "text/plain"
