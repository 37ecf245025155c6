"""What stands around the words of a reply on each channel: greeting, sources, that an AI wrote it, and how to reach a
person. What is stored is Markdown; how it looks on its channel is the sender's work."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from agent_runner.history import Earlier
from fte_project.events import Channel
from knowledge.search import Hit
from tickets.phrases import (
    AI_AUTOMATIC,
    AI_DISCLOSURE,
    AI_DISCLOSURE_SHORT,
    GREETING,
    GREETING_BY_NAME,
    GREETING_SHORT,
    IS_KNOWN,
    REFERENCE,
    SEE_ALSO,
    SEE_ALSO_SHORT,
    SIGNATURE,
    SOURCES,
    SOURCES_SHORT,
    WRITES_AGAIN,
    phrase,
)

# What somebody typed as a name goes into a mail to an address that somebody typed: letters only, no link, no markup.
_NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?")


def absolute(url: str) -> str:
    """An address that works outside our pages."""
    return f"{settings.PUBLIC_BASE_URL}{url}" if url.startswith("/") else url


def source(hit: Hit, *, passage: bool) -> dict[str, Any]:
    """How a reply stores what it cites. A suggestion has no passage but a line of what the article says."""
    found: dict[str, Any] = {
        "slug": hit.slug,
        "title": hit.title,
        "url": absolute(hit.url),
        "revision": hit.revision,
        "section": hit.section,
        "passage": hit.passage if passage else None,
    }
    if not passage:
        found["line"] = hit.summary.split("\n")[0][:200]
    return found


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Whom a reply is for and where it goes: what stands around its words depends on it."""

    channel: str
    language: str = "en"
    customer_name: str = ""
    reference: str = ""
    signature: str = ""
    earlier: Earlier = Earlier.NONE

    def says(self, table: dict[str, str], **values: str) -> str:
        return phrase(table, self.language, **values)


def framed(message: str, cited: list[Hit], frame: Frame, also: Sequence[Hit] = ()) -> str:
    """The whole answer, as Markdown: greeting, the words, their sources, that an AI wrote them, signature.

    `also` are other articles that may be what the customer meant.
    """
    sources, others = _links(cited), _links(also)
    if frame.channel == Channel.WHATSAPP:
        lines = [(SOURCES_SHORT, sources), (SEE_ALSO_SHORT, others)]
        return _short(message, frame, "\n".join(frame.says(t, links=" · ".join(some)) for t, some in lines if some))
    lists = [(SOURCES, sources), (SEE_ALSO, others)]
    below = [f"{frame.says(t)}\n\n" + "\n".join(f"- {link}" for link in some) for t, some in lists if some]
    return _letter(message, frame, "\n\n".join(below), AI_DISCLOSURE)


def framed_fixed(text: str, frame: Frame) -> str:
    """A fixed text that is taken from no article, with what its channel puts around it."""
    frame = replace(frame, earlier=Earlier.MIDST if frame.earlier in {Earlier.HERE, Earlier.MIDST} else Earlier.NONE)
    return _short(text, frame, "") if frame.channel == Channel.WHATSAPP else _letter(text, frame, "", AI_AUTOMATIC)


def _letter(message: str, frame: Frame, sources: str, disclosure: dict[str, str]) -> str:
    """For e-mail and the form; the form's page shows the reference itself."""
    name = _first_name(frame.customer_name)
    reference = frame.says(REFERENCE, reference=frame.reference) if frame.channel == Channel.EMAIL else ""
    parts = [
        frame.says(GREETING_BY_NAME, name=name) if name else frame.says(GREETING),
        _acknowledged(frame),
        message.strip(),
        sources,
        f"{frame.says(disclosure)} {reference}".strip(),
        frame.signature or frame.says(SIGNATURE, company=settings.COMPANY_NAME),
    ]
    return "\n\n".join(part for part in parts if part)


def _short(message: str, frame: Frame, sources: str) -> str:
    """For a chat: as little as possible around the words, and nobody is greeted in the middle of one."""
    name, again = _first_name(frame.customer_name), _acknowledged(frame)
    greeting = frame.says(GREETING_SHORT, name=name) if name and frame.earlier != Earlier.MIDST else ""
    parts = [f"{greeting} {again}".strip(), message.strip(), sources, frame.says(AI_DISCLOSURE_SHORT), frame.signature]
    return "\n\n".join(part for part in parts if part)


def _acknowledged(frame: Frame) -> str:
    match frame.earlier:
        case Earlier.HERE:
            return frame.says(WRITES_AGAIN)
        case Earlier.ELSEWHERE:
            return frame.says(IS_KNOWN)
    return ""


def _first_name(name: str) -> str:
    first = next(iter(name.split()), "")
    return first if _NAME.fullmatch(first) else ""


def _links(hits: Sequence[Hit]) -> list[str]:
    return list(dict.fromkeys(f"[{hit.title}]({absolute(hit.url)})" for hit in hits))
