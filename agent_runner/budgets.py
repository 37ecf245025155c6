"""How much of everything a model is given to read, and how texts are made to fit. Characters: four are a token."""

import re
from collections.abc import Sequence

QUESTION_CHARACTERS = 4000
SEARCH_CHARACTERS = 3000  # of all passages of one search
HISTORY_CHARACTERS = 1600  # of the newest messages, in full
SUMMARY_CHARACTERS = 800  # of what was before them
SHOWN_ARGUMENT_CHARACTERS = 200
LEAST_OF_A_PASSAGE = 150
CUT = "…"
SENTENCE_ENDS = re.compile(r"[.!?…](?=\s)|\n")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters: up to the end of a sentence or word, with a mark where something is missing."""
    if len(text) <= limit:
        return text
    head = text[: limit - 2]
    ends = [found.end() for found in SENTENCE_ENDS.finditer(head + " ")]
    end = ends[-1] if ends and ends[-1] >= limit // 2 else max(head.rfind(" "), limit // 2)
    return f"{head[:end].rstrip()} {CUT}"


def both_ends(text: str, limit: int) -> str:
    """`text`, or its beginning and its end, where people put what they want, with a mark between that says so."""
    if len(text) <= limit:
        return text
    tail = text[-limit // 4 :]
    head = cut(text, limit - len(tail))
    return f"{head}\n[{len(text)} characters: the middle is left out here]\n{tail[tail.find(' ') + 1 :]}"


def fit(passages: Sequence[str], limit: int = SEARCH_CHARACTERS) -> list[str]:
    """The passages in about `limit` characters: the first whole, and the others share what it leaves."""
    fitting: list[str] = []
    left = limit
    for number, passage in enumerate(passages):
        share = max(LEAST_OF_A_PASSAGE, left // (len(passages) - number))
        fitting.append(cut(passage, share) if number else passage)
        left -= len(fitting[-1])
    return fitting
