"""What a text denies: its clauses as words with signs, so that what two of them say can be compared."""

# ruff: noqa: SIM905
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent_runner.wording import groups, is_content, kin, normal, sides, stem, words

_CLAUSE_END = re.compile(
    r"[.!?;:(]\s+|\)|\n+|\s[–—-]\s"
    r"|\b(?=(?:but|while|whereas|although|though|because|since|so|if|when|unless|until|once|who|which)\b)"
    r"|,\s+",
    re.IGNORECASE,
)
_VERBS = frozenset(
    (
        "is are was were be been can could may might must shall should will would has have had do does did need needs"
    ).split()
)
_CONDITION = frozenset("if when unless until once who which without".split())
_VAGUE = frozenset("be can come do get go have make more not other take up".split())  # they hint at too much
_BEGINS = _CONDITION | {"it", "they", "we", "you", "he", "she", "this", "do", "never"}
_HARD = frozenset("not no never cannot nobody none neither nor unable nothing nowhere hardly".split())
_HARD_PAIRS = frozenset({("instead", "of"), ("rather", "than")})
_REFUSE = frozenset(
    map(
        stem,
        (
            "block prevent skip exclude ignore reject refuse decline lose lost lack avoid fail stop remove lift cancel "
            "forbid prohibit deny leave miss missing restrict limit impossible unavailable ineligible exceed invalid "
            "interrupt disturb hinder affect"
        ).split(),
    )
)
_OPEN = frozenset(
    map(stem, "without unless except only until little otherwise reserved just solely regardless beyond".split())
)
_SOFT = _REFUSE | _OPEN
_SCOPE_ENDS = frozenset("and but because if when that which who until unless before after as so while where".split())
_SCOPE = 4  # words after a denial that it is taken to be about
_UN = re.compile(
    r"un(?!der|til|less|it|ion|ique|iver|likely|lock|block|plug|install|subscri|tick|check|mute|pack|screw|zip|freez|pin|do)"
    r"(\w{4,})"
)


@dataclass(frozen=True, eq=False)
class Clause:
    """A clause, read once: its words with their signs, the signs of each meaning, and how many denials it has."""

    text: str
    tokens: tuple[str, ...]
    stems: tuple[tuple[str, int], ...]
    signs: dict[str, frozenset[int]]
    hard: int
    soft: frozenset[str]
    kin: frozenset[int]
    poles: frozenset[tuple[str, int]]


def _plain(word: str) -> tuple[str, int]:
    """The stem of a word, and -1 when it is one with un-."""
    match = _UN.fullmatch(word)
    return (stem(match.group(1)), -1) if match else (stem(word), 1)


def _signed(tokens: Sequence[str]) -> tuple[list[tuple[str, int]], int]:
    """Each word that says something, with -1 where it is denied and 1 elsewhere; how many denials there are."""
    found: list[tuple[str, int]] = []
    hard = left = 0
    for at, word in enumerate(tokens):
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        if word in _HARD or (word, following) in _HARD_PAIRS:
            hard += word in _HARD
            left = _SCOPE
            if not any(map(is_content, tokens[at + 1 :])):
                found = [(s, -v) for s, v in found]  # "guests cannot"
            continue
        if word in _SCOPE_ENDS:
            left = 0
        if left and stem(word) in _REFUSE:
            hard, left = hard - 1, 0  # what is not prevented may be
            found.append((stem(word), -1))
            continue
        if is_content(word):
            one, sign = _plain(word)
            found.append((one, -sign if left else sign))
            left = max(left - 1, 0)
    return found, hard


@lru_cache(maxsize=4000)
def read(text: str) -> Clause:
    """`text` as one clause."""
    return of_words(tuple(words(normal(text))), text)


@lru_cache(maxsize=4000)
def of_words(tokens: tuple[str, ...], text: str = "") -> Clause:
    """A clause of words that went through `normal`."""
    stems, hard = _signed(tokens)
    signs: dict[str, set[int]] = {}
    for one, sign in stems:
        for meaning in (one, *groups(one)):
            signs.setdefault(meaning, set()).add(sign)
        for pair, side in sides(one):
            signs.setdefault(pair, set()).add(side * sign)
    for word in tokens:
        if not is_content(word):
            for pair, side in sides(word):
                signs.setdefault(pair, set()).add(side)
    return Clause(
        text=text,
        tokens=tokens,
        stems=tuple(stems),
        signs={meaning: frozenset(some) for meaning, some in signs.items()},
        hard=hard,
        soft=_SOFT.intersection(map(stem, tokens)),
        kin=frozenset(group for word in tokens if word not in _VAGUE for group in kin(stem(word))),
        poles=frozenset(pole for word in tokens for pole in sides(word)),
    )


@lru_cache(maxsize=1000)
def clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of `text` that say something; a piece without a verb of its own belongs to its neighbour."""
    found: list[str] = []
    waiting = ""
    start = 0
    for end in [*_CLAUSE_END.finditer(text), None]:
        part = text[start : end.start() if end else len(text)]
        glue = text[end.start() : end.end()] if end else ""
        start = end.end() if end else len(text)
        if waiting and _begins(part):
            found.append(waiting)
            waiting = ""
        here = waiting + part
        plain = set(words(normal(here)))
        has_verb = bool(plain & (_VERBS | _HARD)) or len(plain) > 5 or _begins(part)
        if not has_verb and glue.startswith(","):
            waiting = here + glue
            continue
        waiting = ""
        if not has_verb and found and here.strip() and text[: start - len(glue) - len(part)].rstrip().endswith(","):
            found[-1] += ", " + here
        elif here.strip():
            found.append(here.strip())
    parts = [read(f) for f in found]
    return tuple(c for c in parts if c.stems or c.hard)


def _begins(part: str) -> bool:
    """Whether it begins like a clause, though the tables do not know its verb: "when it ends", "it scratches"."""
    tokens = words(normal(part))
    return len(tokens) > 2 and tokens[0] in _BEGINS


def is_condition(clause: Clause) -> bool:
    """Whether it only says when something holds, or of whom."""
    return bool(clause.tokens) and clause.tokens[0] in _CONDITION


def refuses(clause: Clause) -> frozenset[str]:
    """The words in it that say no and take an object."""
    return clause.soft & _REFUSE


def said_of(one: str, other: Clause) -> frozenset[int] | None:
    """The signs with which `other` says the stem `one`, a synonym, or, with the other sign, its opposite."""
    if one in other.signs:
        return other.signs[one]
    for group in groups(one):
        if group in other.signs:
            return other.signs[group]
    for pair, side in sides(one):
        if pair in other.signs:
            return frozenset(side * s for s in other.signs[pair])
    return None


def hints_at(one: str, other: Clause) -> bool:
    """Whether `other` has a word that may stand for the stem `one`."""
    return not kin(one).isdisjoint(other.kin)


def is_opposite(one: str, other: Clause) -> bool:
    """Whether `other` says only the opposite of the stem `one`."""
    if one in other.signs or any(g in other.signs for g in groups(one)):
        return False
    pairs = sides(one)
    return any((p, -side) in other.poles for p, side in pairs) and not any(pole in other.poles for pole in pairs)
