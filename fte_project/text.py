"""Text as PostgreSQL and people can take it."""

import re
import unicodedata

# Controls except tab and newline, lone surrogates, and the marks that turn the direction of what follows.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

# How Python writes an exception, smtplib the answer of a mail server, and openai that of a model provider.
_EXCEPTION = re.compile(r"""\b[A-Za-z]\w*\((?:-?\d+, )?b?(['"])(.*?)\1\)""", re.DOTALL)
_BARE_EXCEPTION = re.compile(r"\b([A-Z]\w*?)(?:Error|Exception)?\(\)")
_SMTP_ANSWER = re.compile(r"""\{['"][^'"]*['"]: \((\d{3}), b(['"])(.*?)\2\)\}""", re.DOTALL)
_MODEL_ANSWER = re.compile(r"""\{'error': \{'message': (['"])(.*?)\1.*""", re.DOTALL)
_WORD_BEGINS = re.compile(r"(?<=[a-z])(?=[A-Z])")


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


def plain_error(error: str) -> str:
    """An error for people: `ConnectionError('away')` is away, `{'a@b': (550, b'no such user')}` 550 no such user."""
    text = _SMTP_ANSWER.sub(r"\1 \3", error)
    text = _EXCEPTION.sub(r"\2", text)
    text = _MODEL_ANSWER.sub(r"\2", text)
    text = _BARE_EXCEPTION.sub(lambda found: _WORD_BEGINS.sub(" ", found[1]).lower(), text)
    return clean_line(text)
