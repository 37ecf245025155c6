"""How far a sentence copies a passage word for word, and what was changed in the copy."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from agent_runner.polarity import Clause, hints_at, of_words, refuses, said_of
from agent_runner.wording import LIGHT, is_content, sides, stem

HINTED = 0.3  # how far a word is missing where one that may stand for it is said
# Small words that turn a sentence round when they come, go or move.
_KINDS = {
    "no": "not no never without nobody none neither nor cannot unable",
    "only": "only just solely",
    "must": "must required need needs needed necessary have has",
    "may": "can may could optional might able",
    "order": "before after prior",
    "all": "all every any always everyone anyone everybody anybody each",
    "also": "also too even",
}
_WITH = frozenset({"with", "without"})  # without is a denial and one of a pair at once
_KIND_OF = {word: kind for kind, some in _KINDS.items() for word in some.split()}


def rise(value: float, start: float, end: float) -> float:
    """0 up to `start`, 1 from `end`, straight between."""
    return min(1.0, max(0.0, (value - start) / (end - start)))


def copied(one: Clause, others: Sequence[Clause]) -> float:
    """The largest share of `one` that stands in one of `others` in the same order."""
    if not one.tokens:
        return 0.0
    return max((_same(one, other) for other in others), default=0) / len(one.tokens)


@lru_cache(maxsize=4000)
def _same(one: Clause, other: Clause) -> int:
    return sum(b.size for b in SequenceMatcher(None, one.tokens, other.tokens, autojunk=False).get_matching_blocks())


def changes(one: Clause, others: Sequence[Clause]) -> dict[str, float]:
    """What was changed against the one of `others` that `one` copies best; it weighs more the more is copied."""
    bag = set(one.tokens)
    likely = sorted(others, key=lambda other: 0.01 * len(other.tokens) - len(bag.intersection(other.tokens)))[:3]
    found = max((_differences(one, other) for other in likely), key=lambda f: f["copy"], default={"copy": 0.0})
    copy = found["copy"]
    if not copy:
        return found
    near, close = rise(copy, 0.4, 0.8), rise(copy, 0.65, 0.8)
    kinds = {name: near * value for name, value in found.items() if name[0] in "+-"}
    return kinds | {
        "copy": copy,
        "skips": found["skips"] * rise(found["held"], 0.7, 1.0),
        "replaced": close * min(found["replaced"], 1),
        "opposed": near * found["opposed"],
        "moved": near * found["moved"],
        "moved_far": close * found["moved"],
        "no_must": near * found["no_must"],
        "single": found["single"] * rise(copy, 0.5, 0.7),
        "kinds": close * bool(kinds),
    }


def _kinds(tokens: Iterable[str]) -> set[str]:
    return {_KIND_OF[token] for token in tokens if token in _KIND_OF}


def _differences(one: Clause, other: Clause) -> dict[str, float]:
    """How much of `one` stands in `other`, and what differs between the first and the last word they share."""
    matcher = SequenceMatcher(None, one.tokens, other.tokens, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    same = sum(block.size for block in blocks)
    if not same:
        return {"copy": 0.0}
    start, end = blocks[0].b, blocks[-1].b + blocks[-1].size
    found = {"copy": same / max(len(one.tokens), end - start), "held": same / len(one.tokens)}
    found |= dict.fromkeys(("replaced", "opposed", "skips", "moved", "edits", "cancelled"), 0.0)
    for what, i, j, k, m in matcher.get_opcodes():
        if what != "equal":
            inner = other.tokens[max(k, start if k >= start else m - 2) : m] if m <= end else ()
            found["edits"] += what != "delete" or bool(inner)
            _count(found, one, other, (one.tokens[i:j], other.tokens[k:m], inner), (k, m))
    turned = _turned(one, other, start, end)
    if found.pop("cancelled"):
        turned -= {"+no", "-no"}
    found["no_must"] = {"+no", "-must"} <= turned or {"-no", "+must"} <= turned
    found["single"] = found["edits"] == 1 and bool(found["replaced"] or found["opposed"] or turned)
    return found | dict.fromkeys(turned, 1.0)


def _count(
    found: dict[str, float],
    one: Clause,
    other: Clause,
    edit: tuple[Sequence[str], Sequence[str], Sequence[str]],
    place: tuple[int, int],
) -> None:
    mine, theirs, inner = edit
    at, to = place
    is_moved = ("no" in _kinds(mine)) != ("no" in _kinds(inner))
    ours = {pole for word in mine for pole in sides(word)}
    others = {pole for word in theirs for pole in sides(word)}
    is_opposed = any((p, -side) in others and (p, side) not in others for p, side in ours)
    if is_moved and is_opposed and not _WITH.intersection((*mine, *theirs)):  # "not enabled" for "disabled"
        found["cancelled"] = 1.0
        return
    found["moved"] += is_moved
    found["opposed"] += is_opposed
    near = of_words(other.tokens[max(at - 2, 0) : to + 2])
    known = {s for s, _ in other.stems}
    strange = {stem(w) for w in mine if is_content(w)} - known
    found["replaced"] += sum(
        HINTED if one in LIGHT or hints_at(one, near) else 1.0 for one in strange if said_of(one, near) is None
    )
    if at and to < len(other.tokens):  # what is left out says a word of `one` again: the rest may be said of that
        gap = {stem(word) for word in theirs if is_content(word)}
        stems = {s for s, _ in one.stems}
        found["skips"] = max(found["skips"], float(bool(gap & stems and gap - stems)))


def _turned(one: Clause, other: Clause, start: int, end: int) -> set[str]:
    """The kinds of small words that only `one` has, with a plus, and that only `other` has, with a minus."""
    mine, theirs = _kinds(one.tokens), _kinds(other.tokens[start:end])
    if "no" in _kinds(other.tokens[:end]):
        theirs.add("no")
    found = {f"+{kind}" for kind in mine - theirs} | {f"-{kind}" for kind in theirs - mine}
    return found - {"+no", "-no"} if refuses(one) ^ refuses(other) else found
