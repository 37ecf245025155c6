"""A message that says nothing to go by: empty, a greeting, a cry for help, a link, a file name, keys hit at random."""

import re
from collections.abc import Iterable

from agent_runner.own_words import LONGEST, own_words
from agent_runner.vague_words import SAYING_NOTHING

MOST_WORDS = 30  # who writes more has said something

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_NUMBER = re.compile(r"\d+")
_STRETCHED = re.compile(r"(\w)\1{2,}")
_KEYS = ("qwertyuiop", "qwertzuiop", "asdfghjkl", "azertyuiop", "zxcvbnm", "yxcvbnm")


def is_vague(text: str, names: Iterable[str] = ()) -> bool:
    """Nobody could tell from `text` what it is about. `names` (the company's, the customer's) say nothing either."""
    known = {word for name in names for word in _words(name)}
    said = own_words(text)
    words = _words(said)
    if len(text) > LONGEST or len(set(_NUMBER.findall(said))) > 1:  # times, amounts, versions
        return False
    return len(words) <= MOST_WORDS and all(word in known or _says_nothing(word) for word in words)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("’", "'").lower())


def _says_nothing(word: str) -> bool:
    short = _STRETCHED.sub(r"\1", word)
    spellings = {word, short, short[:-1] if short[-2:-1] == short[-1:] else short}
    return bool(spellings & SAYING_NOTHING) or len(short) == 1 or _is_random(short)


def _is_random(word: str) -> bool:
    """Neighbours on a keyboard, in order."""
    return len(word) > 2 and any(word in row for row in _KEYS)
