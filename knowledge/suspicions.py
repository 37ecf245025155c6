"""What in an article reads like an order to the assistant, or is hidden: editors are told when they save it.

This stops nothing: the assistant takes articles for facts, and what it writes is checked before it is sent. But honest
help pages hold next to nothing of the kind (tests/knowledge/test_suspicions.py), so a person should look.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.suspicious_words import HIDDEN, INVISIBLE, JOINERS, ORDERS, UNSEEN

ADVICE = (
    "The assistant treats articles as facts, never as orders, and its answers are still checked before they are sent. "
    "But what a published article says may be told to customers. Take it out unless it is what the article is about."
)
QUOTED = 70  # characters of what was found
_SPACE = r"(?:[\s>]{1,4})"  # lines end between words, and quotes have their marks
_CODE = re.compile(
    r"^[ \t>]*(`{3,}(?!`)|~{3,}(?!~)).*?^[ \t>]*\1|(?<!`)(`{1,3})(?!`)[^`\n]{1,500}\2", re.MULTILINE | re.DOTALL
)
_DROPPED = re.compile(f"[*`\\\\\u00ad{INVISIBLE}{JOINERS}\u0300-\u036f\ufe00-\ufe0f\U000e0000-\U000e01ef]")
_SHOWN = re.compile(f"[\u00ad{INVISIBLE}{JOINERS}\ufe00-\ufe0f\U000e0000-\U000e01ef]")


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """What was found, cut short and with its invisible characters named; in which line (from 1), and why it matters."""

    found: str
    line: int
    reason: str


def _compiled(
    table: dict[str, tuple[str, ...]], *, space: str = " ", flags: re.RegexFlag = re.IGNORECASE
) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (reason, re.compile(pattern.replace(" ", space), flags))
        for reason, patterns in table.items()
        for pattern in patterns
    )


_ORDERS, _HIDDEN, _UNSEEN = _compiled(ORDERS, space=_SPACE, flags=re.NOFLAG), _compiled(HIDDEN), _compiled(UNSEEN)


def suspicions(text: str) -> list[Suspicion]:
    """What in `text` (Markdown) reads like an order to an assistant or is hidden, in order: one a line and reason."""
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for start, end, reason in sorted(_places(text)):
        found.setdefault((text.count("\n", 0, start) + 1, reason), (start, end))
    return [
        Suspicion(found=_short(text[start:end]), line=line, reason=reason)
        for (line, reason), (start, end) in found.items()
    ]


def _places(text: str) -> Iterator[tuple[int, int, str]]:
    folded, origins = _folded(text)
    for reason, pattern in _ORDERS:
        for match in pattern.finditer(folded):
            start = match.start() + len(match[0]) - len(match[0].lstrip("\n >"))
            yield origins[start], origins[match.end() - 1] + 1, reason
    seen = _CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
    for patterns, where in ((_HIDDEN, text), (_UNSEEN, seen)):
        for reason, pattern in patterns:
            yield from ((*match.span(), reason) for match in pattern.finditer(where))


def _folded(text: str) -> tuple[str, list[int]]:
    """`text` in small letters without accents, marks and disguise; and where each of its characters comes from."""
    characters, origins = [], []
    for place, character in enumerate(text):
        if _DROPPED.match(character):
            continue
        plain = character.lower() if character.isascii() else _plain(character)
        characters.append(plain)
        origins += [place] * len(plain)
    return "".join(characters), origins


def _plain(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)
    if not base[0].isascii():  # only Latin letters have marks that are left out in a hurry
        base = unicodedata.normalize("NFKC", character)
    return (
        "".join(c for c in base if not unicodedata.combining(c) or not base[0].isascii()).casefold().replace("’", "'")
    )


def _short(found: str) -> str:
    """On one line, with names in place of what nobody would see."""
    named = " ".join(_SHOWN.sub(lambda c: f" U+{ord(c[0]):04X} ", found).split())
    return named if len(named) <= QUOTED else f"{named[:QUOTED].rstrip()}…"


def in_article(*, title: str, summary: str, body_md: str) -> list[str]:
    """Where in an article something is suspicious, what and why: a line each for the person who wrote it."""
    fields = (("Title", title), ("Summary", summary), ("Text", body_md))
    return [f"{name}, line {s.line}: “{s.found}” – {s.reason}." for name, text in fields for s in suspicions(text)]
