"""The fixed words around an answer: greeting, sources, and that an AI wrote it."""

import re
from typing import Any

from django.conf import settings

from knowledge.search import Hit
from tickets.phrases import AI_DISCLOSURE, phrase

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


def framed(
    message: str, cited: list[Hit], also: list[Hit], *, customer_name: str, language: str, signature: str = ""
) -> str:
    """The whole reply: greeting, the answer, its sources, signature, disclosure."""
    first = next(iter(customer_name.split()), "")
    greeting = f"Hello {first}," if _NAME.fullmatch(first) else "Hello,"
    sources = f"From our help articles:\n\n{_links(cited)}"
    closing = signature or f"{settings.COMPANY_NAME} Support"
    return "\n\n".join(
        [
            greeting,
            message.strip(),
            sources,
            *([f"See also:\n\n{_links(also)}"] if also else []),
            phrase(AI_DISCLOSURE, language),
            closing,
        ]
    )


def _links(hits: list[Hit]) -> str:
    return "\n".join(f"- {link}" for link in dict.fromkeys(f"[{hit.title}]({absolute(hit.url)})" for hit in hits))
