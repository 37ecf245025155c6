"""The fixed sentences customers get, by language. English is the language of the shipped knowledge base."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

HAND_OVER = {
    "en": (
        "Thank you for your message. A person from our team will answer you. We are here {hours}. "
        "Your reference is {reference}."
    ),
}
SUGGESTIONS = {"en": "Until then, these articles may help:"}
AI_DISCLOSURE = {
    "en": 'This answer was written by our AI assistant from our help articles. Reply "human" to reach a person.'
}
SUGGESTED_BY_AI = {"en": "These were chosen by our AI assistant."}


def phrase(table: dict[str, str], language: str, **values: str) -> str:
    """The sentence in `language`, in English when we have no translation."""
    return table.get(language, table["en"]).format(**values)


def hand_over_text(reference: str, language: str = "", suggestions: Sequence[dict[str, Any]] = ()) -> str:
    """A person will answer, when, and under which reference; with the articles that may help until then.

    A suggestion has `title`, `url` and optionally `line` (one sentence of what it says).
    """
    parts = [phrase(HAND_OVER, language, hours=settings.SUPPORT_HOURS, reference=reference)]
    if suggestions:
        parts.append(phrase(SUGGESTIONS, language))
        parts.append("\n".join(_suggestion(s) for s in suggestions))
        parts.append(phrase(SUGGESTED_BY_AI, language))
    return "\n\n".join(parts)


def _suggestion(s: dict[str, Any]) -> str:
    line = f": {s['line']}" if s.get("line") else ""
    return f"- [{s['title']}]({s['url']}){line}"
