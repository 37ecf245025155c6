"""Text as PostgreSQL and people can take it."""

import re
import unicodedata

# Controls except tab and newline, lone surrogates, and the marks that turn the direction of what follows.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def clean_text(value: str, *, limit: int | None = None) -> str:
    """`value` in NFC with normal line ends, without NUL, controls, lone surrogates and direction overrides;
    stripped, and cut to `limit` characters when one is given."""
    text = _UNWANTED.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    text = unicodedata.normalize("NFC", text).strip()
    return text if limit is None else text[:limit]


def clean_line(value: str, *, limit: int | None = None) -> str:
    """`clean_text` on one line: every run of white space becomes one space. Safe as a mail header."""
    text = " ".join(clean_text(value).split())
    return text if limit is None else text[:limit]
