"""The numbers and the names that a sentence has and a passage has not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent_runner.wording import (
    content,
    groups,
    is_content,
    is_known,
    names,
    normal,
    plain_amounts,
    quantities,
    stem,
    words,
)

_NUMBER_END = re.compile(r"[.!?;:,]\s+|\n+|\b(?:and|but|or)\b", re.IGNORECASE)
_LIMIT = re.compile(r"\b(maximum|minimum|more than|less than|fewer than|over|under|above|below)\b")
_LOWER = frozenset({"minimum", "more than", "over", "above"})
_BOUNDS = frozenset({"minimum", "maximum"})
_DIMENSIONS = frozenset(
    {"time", "month", "kb", "mb", "gb", "tb", "percent", "$", "€", "£", "m", "cm", "km", "°", "rank", "clock"}
)
_IN_PATH = re.compile(r">\W{0,4}([A-Z]\w*)")
_BEFORE_PATH = re.compile(r"\b([^\W\d_]+)\W{0,3}>")
_STARTS = re.compile(r"(?:^|[.!?]\s+|\n\s*)([A-Z]\w*)")
_THREE = re.compile(r"\b(\w+) ([a-z]+) ([a-z]+)\b")
_ANYWHERE = frozenset({"pc", "pcs", "ok"})  # capitals that name nothing
_LABEL = re.compile(r"[*`_]{1,2}([^*`_\n]{2,60})[*`_]{1,2}|[\"“]([^\"”\n]{2,60})[\"”]")
_CAPITAL = re.compile(r"\b[A-Z][a-z]+\b")
_PAIR = re.compile(r"\b(?:both|either|neither|pair|twice|couple)\b", re.IGNORECASE)
_ONE_OF = re.compile(
    r"\bone of\b|\b(?:at )?one (?:time|go)\b|\bone (?:another|by one)\b|\b(?:the|this|that|which|no|any|every) one\b"
    r"|\b(?:never|not|nobody)\b(?: \w+){0,3} twice\b|\b(?:second|other|two) \w+ (?:time|at once)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Part:
    """A part of a passage, read once."""

    known: frozenset[str]
    quantities: frozenset[tuple[str, str]]


@lru_cache(maxsize=2000)
def _read(text: str) -> _Part:
    stems = set(content(text))
    return _Part(frozenset(stems.union(*map(groups, stems))), frozenset(quantities(text)))


def _near(text: str, pieces: Sequence[_Part]) -> list[_Part]:
    """The pieces that share the most words with `text`, names before others; none when none shares two words."""
    stems = set(content(text))
    weights = {stem(name): 3 for name in names(text)}
    shares = [sum(weights.get(s, 1) for s in stems if is_known(s, piece.known)) for piece in pieces]
    most = max(shares, default=0)
    return [p for p, share in zip(pieces, shares, strict=True) if share == most] if most > 1 else []


def other_number(sentence: str, passage: str) -> str | None:
    """The number in `sentence` that `passage` does not have, or has of something else."""
    theirs = set(quantities(passage))
    if _PAIR.search(passage):
        theirs.add(("2", ""))
    amounts = {amount for amount, _ in theirs} | plain_amounts(passage)
    theirs |= _after_adjectives(passage)
    for amount, unit in quantities(_ONE_OF.sub("", sentence)):
        counted = {a for a, u in theirs if u == unit and unit}
        if (amount, unit) in theirs or (amount, "") in theirs:
            if len(counted | {amount}) > 1 and (found := _misplaced(sentence, (amount, unit), passage)):
                return found
        elif amount == "1" and not counted:
            continue  # "one", "a day", "once" are no numbers when nothing else is said to be counted
        elif (counted and unit) or amount not in amounts or unit in _DIMENSIONS:
            return f"another number: {amount} {unit}"
    return _other_limit(sentence, passage)


def _after_adjectives(passage: str) -> set[tuple[str, str]]:
    """What is counted with one word between: "two good checks" are two checks."""
    return {
        (amount, stem(thing))
        for number, _, thing in _THREE.findall(normal(passage))
        for amount in plain_amounts(number)
        if is_content(thing)
    }


def _misplaced(sentence: str, quantity: tuple[str, str], passage: str) -> str | None:
    """A number that the passage says of something else: the nearest part counts the same differently."""
    amount, unit = quantity
    rivals = [p for p in map(_read, _NUMBER_END.split(passage)) if any(u in (unit, "") for _, u in p.quantities)]
    for part in _NUMBER_END.split(sentence):
        mine = quantities(part)
        if quantity not in mine or sum(u == unit for _, u in mine) > 1:
            continue
        near = _near(part, rivals)
        if near and not any({quantity, (amount, "")} & p.quantities for p in near):
            return f"the number of something else: {amount} {unit}"
    return None


def _other_limit(sentence: str, passage: str) -> str | None:
    """A number that is the most in one and the least in the other."""
    theirs = _limits(passage)
    for number, is_least in _limits(sentence).items():
        if theirs.get(number, is_least) != is_least:
            return f"the other limit: {number[0]}"
    return None


def _limits(text: str) -> dict[tuple[str, bool], bool]:
    """Whether each number is the least; "more than 20" may follow from "at most 20", so the two are kept apart."""
    found: dict[tuple[str, bool], bool] = {}
    text = normal(text)
    for match in _LIMIT.finditer(text):
        is_least = match.group(1) in _LOWER
        for amount, _ in quantities(text[match.end() : match.end() + 20])[:1]:
            found.setdefault((amount, match.group(1) in _BOUNDS), is_least)
    return found


def other_name(sentence: str, passage: str) -> str | None:
    """The name in `sentence` that `passage` does not have."""
    theirs = set(re.findall(r"\.?[^\W_]+(?:[.'’-][^\W_]+)*", passage.lower()))
    theirs |= _short_forms(passage)
    theirs |= {w.lstrip(".") for w in theirs} | {part for w in theirs for part in re.split(r"[-.'’]", w)}
    theirs |= {f"{w}s" for w in theirs} | {w.removesuffix("s") for w in theirs}
    for name in names(sentence):
        parts = [p for p in re.split(r"[-.]", name) if p]
        if name not in theirs | _ANYWHERE and not all(p in theirs for p in parts):
            return f"another name: {name}"
    held = {stem(w) for w in words(normal(passage))} | theirs
    for label in _LABEL.finditer(sentence):
        for word in _CAPITAL.findall(label.group(0)):
            if word.lower() not in held and not {stem(w) for w in words(normal(word))} <= held:
                return f"another label: {word}"
    for name in _BEFORE_PATH.findall(sentence):
        if name.lower() not in held and stem(name.lower()) not in held:
            return f"another place: {name}"
    capitals = {w.lower() for w in re.findall(r"[A-Z][^\W_]*", _STARTS.sub("", passage))}
    for name in _IN_PATH.findall(sentence):
        if name.lower() not in capitals:
            return f"another place: {name}"
    return None


def _short_forms(passage: str) -> set[str]:
    """The parts of names in CamelCase, and the initials of words that stand side by side."""
    tokens = re.findall(r"[^\W_]+", passage)
    found = {part.lower() for w in tokens for part in re.findall(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}", w) if part != w}
    initials = "".join(w[0] for w in tokens).lower()
    return found | {initials[at : at + n] for n in (2, 3, 4) for at in range(len(initials) - n + 1)}
