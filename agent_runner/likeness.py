"""What speaks against a passage carrying a sentence: the figures that the gate weighs, all from 0 upward."""

# ruff: noqa: SIM905
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from agent_runner.copying import HINTED, changes, copied, rise
from agent_runner.polarity import Clause, clauses, hints_at, is_condition, is_opposite, of_words, read, said_of
from agent_runner.wording import LIGHT, is_content, is_rare, stem

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_STEP_END = re.compile(
    r"[;:,.]\s+(?:and |then |or )?(?:then )?|\b(?:and then|and|then)\b"
    r"|\b(?=(?:if|when|after|before|once|unless|until|while|so that|because|since|as soon as|provided)\b)",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(can|may|do|does|is|are|will|should|must)\b([^?.!\n]*)\?[\s*]*(?:A: ?)?[\s*]*no\b[.,:]?", re.IGNORECASE
)
_FIRST = re.compile(r"^to ([^,.]+), ([^,.]+) first\b", re.IGNORECASE)
_ORDER = re.compile(r"\b(before|after|until|once)\b", re.IGNORECASE)
WHOLE = 0.9
_NEED = frozenset("must need needs needed require requires required first only".split())
_DUTY = frozenset("must has have need needs required should".split())
_ALL = frozenset("everyone everybody anyone anybody all any every".split())

Figures = dict[str, float]


@dataclass(frozen=True, eq=False)
class _Passage:
    """A passage, read once: its sentences, each two side by side, its clauses with their sentences."""

    whole: Clause
    pieces: tuple[Clause, ...]
    windows: tuple[Clause, ...]
    clauses: tuple[tuple[Clause, Clause], ...]
    units: tuple[Clause, ...]
    rarity: dict[str, float]


@lru_cache(maxsize=200)
def _passage(text: str) -> _Passage:
    text = _ASKED.sub(r"\2 \1 not.", text)
    pieces = tuple(read(part.strip()) for part in SENTENCE_END.split(text) if part.strip())
    pairs = tuple(of_words(one.tokens + two.tokens) for one, two in pairwise(pieces))
    parts = tuple((clause, piece) for piece in pieces for clause in clauses(piece.text))
    count: dict[str, int] = {}
    for clause, _ in parts:
        for one in _stems(clause):
            count[one] = count.get(one, 0) + 1
    return _Passage(
        whole=of_words(tuple(word for piece in pieces for word in piece.tokens)),
        pieces=pieces,
        windows=pieces + pairs,
        clauses=parts,
        units=tuple(dict.fromkeys([*(clause for clause, _ in parts), *pieces])),
        rarity={one: times**-0.5 for one, times in count.items()},
    )


def figures(sentence: str, text: str) -> Figures:
    """The figures for `sentence` beside the passage `text`; one that is left out is 0."""
    passage, mine = _passage(text), read(sentence)
    total = _weight(_stems(mine))
    unknown = _missing(_stems(mine), passage.whole)
    found: Figures = {"unknown": min(unknown, 4.0), "share_unknown": unknown / total if total else 0.0}
    found["foreign"] = float(sum(is_rare(one) and said_of(one, passage.whole) is None for one in _stems(mine)))
    _largest(found, *_of_steps(sentence, passage))
    _largest(found, *(changes(unit, passage.units) for unit in _units(sentence, mine, passage)))
    for clause in clauses(sentence):
        near = [_compared(clause, d, piece) for d, piece in _near(clause, mine, passage)]
        if near:  # where two clauses are as near, the one that says the same counts
            _largest(found, {name: min(each[name] for each in near) for name in near[0]})
        _largest(found, {"inside": float(_is_denied(clause, passage))})
    found["denies_known"] = found.get("denies", 0.0) * max(0.0, 1 - 4 * found["share_unknown"])
    found["crossed"] = found.get("crossed", 0.0) * rise(found["copy"], 0.4, 0.8)
    found["reversed"] = float(_is_reversed(sentence, text))
    found["for_all"] = float(_is_for_all(mine, passage))
    return found


def _units(sentence: str, mine: Clause, passage: _Passage) -> list[Clause]:
    """The clauses to compare word for word, and the sentence when one of the passage's is as near to all of it."""
    parts = [clause for clause in clauses(sentence) if len(clause.tokens) > 3]
    apart = sum(copied(part, passage.pieces) * len(part.tokens) for part in parts)
    is_whole = copied(mine, passage.pieces) * len(mine.tokens) >= WHOLE * apart
    return list(dict.fromkeys([mine, *parts] if is_whole else parts))


def _largest(found: Figures, *others: Figures) -> None:
    for other in others:
        for name, value in other.items():
            found[name] = max(found.get(name, 0.0), float(value))


def _stems(clause: Clause) -> set[str]:
    return {one for one, _ in clause.stems}


def _weight(stems: set[str]) -> float:
    return sum(0.4 if one in LIGHT else 1.0 for one in stems)


def _missing(stems: set[str], clause: Clause) -> float:
    lacking = {one for one in stems if said_of(one, clause) is None}
    hinted = {one for one in lacking if hints_at(one, clause)}
    return _weight(lacking - hinted) + HINTED * _weight(hinted)


def _of_steps(sentence: str, passage: _Passage) -> list[Figures]:
    """For each step: what no two sentences of the passage say; most when the steps beside it are copies."""
    steps = [step for step in map(read, _STEP_END.split(sentence)) if step.stems]
    shares = [copied(step, passage.pieces) for step in steps]
    found = []
    for at, step in enumerate(steps):
        missing = min((_missing(_stems(step), window) for window in passage.windows), default=0.0)
        share = missing / (_weight(_stems(step)) + 0.5)
        beside = rise(max([*shares[:at], *shares[at + 1 :]], default=0.0), 0.6, 1.0)
        found.append(
            {
                "step": share,
                "odd_part": beside * min(missing, 2.0) * (1 - shares[at]),
                "odd_share": beside * share,
                "new_verb": float(_is_new(step.tokens[0], passage.whole)),
                "new_duty": min(missing, 1.0) * bool(_DUTY.intersection(step.tokens)),
            }
        )
    return found


def _is_new(word: str, passage: Clause) -> bool:
    """Whether it is a word that says something and that the passage has nothing like."""
    one = stem(word)
    return is_content(word) and said_of(one, passage) is None and not hints_at(one, passage)


def _near(clause: Clause, mine: Clause, passage: _Passage) -> list[tuple[Clause, Clause]]:
    """The clauses that share the most with `clause`, rare words first, then with the rest of the sentence."""
    own, bag = _stems(clause), set(clause.tokens)
    rest = _stems(mine) - own

    def shared(stems: set[str], other: Clause) -> float:
        known = [one for one in stems if said_of(one, other) is not None]
        return sum(passage.rarity.get(one, 1.0) * _weight({one}) for one in known)

    shares = [
        (first := shared(own, d))
        and first + 0.3 * shared(rest, piece) + 0.5 * len(bag.intersection(d.tokens)) / len(bag)
        for d, piece in passage.clauses
    ]
    most = max(shares, default=0.0)
    return [both for both, share in zip(passage.clauses, shares, strict=True) if share and share >= 0.95 * most]


def _compared(mine: Clause, theirs: Clause, piece: Clause) -> Figures:
    """Whether two clauses about the same say the opposite: an odd number of denials and opposites between them."""
    good, bad = _agreeing(mine, theirs)
    flips = sum(is_opposite(one, theirs) for one, _ in mine.stems)
    if not mine.hard and not theirs.hard:
        flips += len({(one, -sign) for one, sign in mine.stems} & set(theirs.stems))  # unworn, worn
    is_odd = (mine.hard + theirs.hard + flips) % 2 == 1
    is_open = bool(mine.soft ^ theirs.soft) or is_condition(mine) or is_condition(theirs)
    share = bad / (bad + good) if bad else 0.0
    own = _stems(mine)
    whole = max(0.0, 1 - 2 * _missing(own, theirs) / (_weight(own) + 0.1))
    found = dict.fromkeys(
        (
            "turned",
            "turned_openly",
            "affirms",
            "affirms_all",
            "denies",
            "denies_all",
            "unbacked",
            "crossed",
            "affirms_openly",
        ),
        0.0,
    )
    if is_odd and bad and not mine.hard and not theirs.hard:
        found["turned_openly" if is_open else "turned"] = share
    elif is_odd and bad and not is_open and not mine.hard:
        found |= {"affirms": (1 + share) / 2, "affirms_all": whole}
    elif is_odd and bad and is_open and not mine.hard and not is_condition(mine):
        found["affirms_openly"] = share
    elif is_odd and bad and not is_open and not (mine.hard and _says_no(piece, own)):
        found |= {"denies": share, "denies_all": whole}
    is_backed = bool(piece.hard or piece.soft or flips or mine.soft or _NEED.intersection(piece.tokens))
    found["unbacked"] = float(mine.hard % 2 == 1 and not theirs.hard and not bad and not is_backed)
    found["crossed"] = 0.0 if is_odd or is_open or flips else share
    return found


def _says_no(piece: Clause, stems: set[str]) -> bool:
    """Whether another clause of the sentence denies something of one of `stems`: "wardens can, guests cannot"."""
    return any(
        clause.hard and {one for one, sign in clause.stems if sign < 0} & stems for clause in clauses(piece.text)
    )


def _agreeing(mine: Clause, theirs: Clause) -> tuple[int, int]:
    """How many words have the same sign in both, and how many the other."""
    pairs = [(sign, said_of(one, theirs)) for one, sign in mine.stems]
    settled = [(sign, signs) for sign, signs in pairs if signs is not None and len(signs) == 1]
    good = sum(sign in signs for sign, signs in settled)
    return good, len(settled) - good


def _is_denied(clause: Clause, passage: _Passage) -> bool:
    """Whether a clause of the passage that is all in `clause` says no to it."""
    if clause.hard or clause.soft:
        return False
    return any(
        d.hard % 2 == 1
        and not d.soft
        and (len(_stems(d)) > 1 or (bool(d.stems) and d.tokens[:2] == ("but", "not")))
        and all(said_of(one, clause) is not None and not is_opposite(one, clause) for one in _stems(d))
        for d, _ in passage.clauses
    )


@lru_cache(maxsize=500)
def _orders(text: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """What comes before what: the words of each."""
    found = []
    for sentence in SENTENCE_END.split(text):
        if asked := _FIRST.match(sentence):
            found.append((frozenset(_stems(read(asked.group(2)))), frozenset(_stems(read(asked.group(1))))))
        if match := _ORDER.search(sentence):
            head, tail = sentence[: match.start()], sentence[match.end() :]
            if not read(head).stems and ", " in tail:
                tail, head = tail.split(", ", 1)
            one, two = frozenset(_stems(read(head))), frozenset(_stems(read(tail)))
            found.append((one, two) if match.group(1).lower() in ("before", "until") else (two, one))
    return tuple(found)


def _is_reversed(sentence: str, text: str) -> bool:
    """Whether what the passage puts first comes second."""
    return any(
        _are_reversed(early - late, late - early, first - then, then - first)
        for early, late in _orders(sentence)
        for first, then in _orders(text)
    )


def _are_reversed(one: frozenset[str], two: frozenset[str], first: frozenset[str], then: frozenset[str]) -> bool:
    kept, turned = len(one & first) + len(two & then), len(one & then) + len(two & first)
    return turned > kept + 1 and bool(one & then) and bool(two & first)


def _is_for_all(mine: Clause, passage: _Passage) -> bool:
    """Whether it says of all what the passage says only of some."""
    if not _ALL.intersection(mine.tokens) or "only" in mine.tokens or mine.hard:
        return False
    return any(_stems(mine) & _own(piece, passage.pieces) for piece in passage.pieces if _is_for_some(piece))


def _is_for_some(piece: Clause) -> bool:
    return "only" in piece.tokens and not _ALL.intersection(piece.tokens)


def _own(piece: Clause, pieces: Sequence[Clause]) -> set[str]:
    """The words that no other sentence has."""
    return _stems(piece).difference(*(_stems(other) for other in pieces if other is not piece))
