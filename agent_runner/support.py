"""Whether a cited passage carries a sentence: word for word, or with each of its claims."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from agent_runner.wording import (
    content,
    denied,
    denies,
    is_known,
    meanings,
    names,
    normal,
    poles,
    quantities,
    refuses,
    stem,
    words,
)

SUPPORT = 0.5  # share of a sentence's words that its passage must hold
PART = 0.5  # … of each part of it: an added step is a part that nothing stands behind
VERBATIM = 0.65  # share of the article's own words from which each other word counts
NEARLY_VERBATIM = 0.75  # … from which words of the rest of the passage count as well

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSE_END = re.compile(r"[.!?;:,]\s+|\n+|\s[–—-]\s|,? (?:but|while|whereas|although)\s|, and ")
_NUMBER_END = re.compile(r"[.!?;:,]\s+|\n+|\b(?:and|but|or)\b", re.IGNORECASE)
_PART_END = re.compile(
    r"[;:,.()]\s|\s[–—-]\s|\b(?:and|then|or|but|because|so that|which|after|before|if|unless)\b", re.I
)
_LIMIT = re.compile(r"\b(maximum|minimum|more than|less than|fewer than|over|under|above|below)\b")
_LOWER = frozenset({"minimum", "more than", "over", "above"})
_DIMENSIONS = frozenset(
    {"time", "month", "kb", "mb", "gb", "tb", "percent", "$", "€", "£", "m", "cm", "km", "°", "rank"}
)
_IF = re.compile(r"\s*(?:if|when|unless|should)\b", re.IGNORECASE)
_ELSE = re.compile(r"\b(?:otherwise|or else)\b", re.IGNORECASE)
_ALL = re.compile(r"\b(?:everyone|everybody|anyone|anybody|all|any|every)\b", re.IGNORECASE)
_ONLY = re.compile(r"\bonly\b")


@dataclass(frozen=True)
class _Text:
    """A piece of a passage, read once."""

    text: str
    stems: frozenset[str]
    known: frozenset[str]
    quantities: frozenset[tuple[str, str]]
    denies: bool


@lru_cache(maxsize=2000)
def _read(text: str) -> _Text:
    stems = set(content(text))
    return _Text(text, frozenset(stems), frozenset(meanings(stems)), frozenset(quantities(text)), denies(text))


def unsupported(sentence: str, passages: Sequence[str]) -> str | None:
    """Why no passage carries `sentence`, or None when one does."""
    if not content(sentence) and not quantities(sentence):
        return None
    if any(" ".join(sentence.split()) in " ".join(p.split()) for p in passages):
        return None
    problems = [_problem(sentence, passage) for passage in passages]
    if not all(problems):
        return None
    why = problems[0] if problems else "none is cited"
    return f"not in the cited passages ({why}): {sentence.strip()[:120]}"


def _problem(sentence: str, passage: str) -> str | None:
    pieces = [_read(s) for s in SENTENCE_END.split(passage) if s.strip()]
    return (
        _other_number(sentence, passage)
        or _other_name(sentence, passage, pieces)
        or _turned_round(sentence, passage, pieces)
        or _substituted(sentence, pieces)
        or _other_words(sentence, passage, pieces)
    )


def _near(text: str, pieces: Sequence[_Text]) -> list[_Text]:
    """The pieces that share the most words with `text`, names before others; none when none shares any."""
    stems = set(content(text))
    weights = {stem(name): 3 for name in names(text)}
    shares = [sum(weights.get(s, 1) for s in stems if is_known(s, piece.known)) for piece in pieces]
    most = max(shares, default=0)
    return [p for p, share in zip(pieces, shares, strict=True) if share == most] if most else []


def _other_number(sentence: str, passage: str) -> str | None:
    theirs = set(quantities(passage))
    amounts = {amount for amount, _ in theirs}
    for amount, unit in quantities(sentence):
        counted = {a for a, u in theirs if u == unit and unit}
        if (amount, unit) in theirs or (amount, "") in theirs:
            if len(counted | {amount}) > 1 and (found := _misplaced(sentence, (amount, unit), passage)):
                return found
        elif amount == "1" and not counted:
            continue  # "one", "a day", "once" are no numbers when nothing else is said to be counted
        elif counted or amount not in amounts or unit in _DIMENSIONS:
            return f"another number: {amount} {unit}"
    return _other_limit(sentence, passage)


def _misplaced(sentence: str, quantity: tuple[str, str], passage: str) -> str | None:
    """A number that the passage says of something else: the nearest part counts the same differently."""
    amount, unit = quantity
    rivals = [p for p in map(_read, _NUMBER_END.split(passage)) if any(u in (unit, "") for _, u in p.quantities)]
    for part in _NUMBER_END.split(sentence):
        if quantity not in quantities(part):
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
            return f"the other limit: {number}"
    return None


def _limits(text: str) -> dict[str, bool]:
    found: dict[str, bool] = {}
    text = normal(text)
    for match in _LIMIT.finditer(text):
        is_least = match.group(1) in _LOWER
        for amount, _ in quantities(text[match.end() : match.end() + 20])[:1]:
            found.setdefault(amount, is_least)
    return found


def _other_name(sentence: str, passage: str, pieces: Sequence[_Text]) -> str | None:
    theirs = set(re.findall(r"\.?[^\W_]+(?:[.'’-][^\W_]+)*", passage.lower()))
    theirs |= {w.lstrip(".") for w in theirs} | {part for w in theirs for part in re.split(r"[-.'’]", w)}
    theirs |= {f"{w}s" for w in theirs} | {w.removesuffix("s") for w in theirs}
    for name in names(sentence):
        parts = [p for p in re.split(r"[-.]", name) if p]
        if name not in theirs and not all(p in theirs for p in parts):
            return f"another name: {name}"
    return _swapped(sentence, pieces)


def _swapped(sentence: str, pieces: Sequence[_Text]) -> str | None:
    """A name that the passage has elsewhere, where what is said of it is said of another."""
    for part in _CLAUSE_END.split(sentence):
        mine = set(names(part))
        if not mine or len(set(content(part))) < 2:
            continue
        rest = " ".join(w for w in words(part.lower()) if w not in mine)
        near = _near(rest, pieces)
        if not near or len(pieces) < 2:
            continue
        held = [set(words(p.text.lower())) for p in near]
        if not any(any(stem(w) in {stem(x) for x in h} for w in mine) for h in held):
            others = [set(names(p.text)) - mine for p in near]
            if all(others):
                return f"said of another: {', '.join(sorted(mine))}"
    return None


def _turned_round(sentence: str, passage: str, pieces: Sequence[_Text]) -> str | None:
    """Each clause must say no where the passage does, and stand on the same side of each pair of opposites."""
    clauses = [_read(c) for c in _CLAUSE_END.split(passage) if c.strip()]
    for clause in _CLAUSE_END.split(sentence):
        if _IF.match(clause) and _ELSE.search(passage):
            continue  # "do it, otherwise …" and "if you do not, …" say the same
        near = _near(clause, clauses)
        problems = [_opposed(clause, other.text, clauses) for other in near]
        if problems and all(problems):
            return problems[0]
        if not (denies(clause) or refuses(clause)) and (found := _denied_elsewhere(clause, near, clauses)):
            return found
    return _for_all(sentence, pieces)


def _opposed(mine: str, theirs: str, clauses: Sequence[_Text]) -> str | None:
    differ = denies(mine) != denies(theirs)
    ours, others = poles(mine), poles(theirs)
    both = [p for p, signs in ours.items() if len(signs) == 1 == len(others.get(p, set()))]
    turned = sum(ours[pair] != others[pair] for pair in both)
    if turned and (turned % 2 == 1) != differ:
        return "the opposite"
    is_settled = turned > 0  # "not enabled" is "disabled"
    if is_settled or (refuses(mine) and (refuses(theirs) or denies(theirs))) or (refuses(theirs) and denies(mine)):
        return None
    if refuses(mine) and not any(c.denies or refuses(c.text) for c in clauses):
        return "it says no where the article does not"
    ours_no, theirs_no = denied(mine), denied(theirs)
    known = meanings(set(content(mine)))
    is_same_no = len(ours_no) == len(theirs_no) and any(is_known(w, known) for scope in theirs_no for w in scope)
    if is_same_no and all(is_known(w, meanings(set(content(theirs)))) for w in content(mine)):
        return None
    about = set(content(mine))
    near = [c for c in clauses if 2 * sum(is_known(w, c.known) for w in about) >= len(about)]
    no = [scope for c in near for scope in denied(c.text)]
    for scope in denied(mine):
        if scope and not any(any(is_known(w, meanings(other)) for w in scope) for other in no):
            return "it says no where the article does not"
    return None


def _denied_elsewhere(clause: str, near: Sequence[_Text], clauses: Sequence[_Text]) -> str | None:
    """Whether the passage denies what `clause` says: in the nearest clause, or in one that is all in it."""
    known = meanings(set(content(clause)))
    problems = []
    for other in clauses:
        scopes = [s for s in denied(other.text) if s]
        said = any(sum(is_known(w, known) for w in s) >= max(1, (len(s) + 1) // 2) for s in scopes)
        if other in near:
            problems.append(said and not _is_turned(clause, other.text))
        elif said and other.stems and all(is_known(w, known) for w in other.stems):
            return "the article says no"
    return "the article says no" if problems and all(problems) else None


def _is_turned(mine: str, theirs: str) -> bool:
    """Whether the opposite word makes up for the missing denial."""
    ours, others = poles(mine), poles(theirs)
    return any(len(s) == 1 and len(others.get(pair, set())) == 1 and s != others[pair] for pair, s in ours.items())


def _for_all(sentence: str, pieces: Sequence[_Text]) -> str | None:
    """What only some may do, said of all."""
    if not _ALL.search(sentence) or _ONLY.search(normal(sentence)) or denies(sentence):
        return None
    for piece in pieces:
        if _ONLY.search(normal(piece.text)) and not _ALL.search(piece.text):
            elsewhere = frozenset().union(*(p.stems for p in pieces if p is not piece))
            if set(content(sentence)) & (piece.stems - elsewhere):
                return "only some, says the article"
    return None


def _substituted(sentence: str, pieces: Sequence[_Text]) -> str | None:
    """What stands in place of the article's words, in a sentence that is otherwise the article's own."""
    mine = words(normal(sentence))
    best: tuple[int, SequenceMatcher[str] | None, _Text | None] = (0, None, None)
    for piece in pieces:
        matcher = SequenceMatcher(None, mine, words(normal(piece.text)), autojunk=False)
        size = sum(block.size for block in matcher.get_matching_blocks())
        if size > best[0]:
            best = (size, matcher, piece)
    size, nearest, near = best
    everywhere = meanings(set().union(*(p.stems for p in pieces)))
    if nearest is None or near is None or size < VERBATIM * len(mine):
        return None
    theirs = words(normal(near.text))
    for what, a, b, c, d in nearest.get_opcodes():
        if what not in ("replace", "insert", "delete") or a == b:
            continue
        other = [w for w in mine[a:b] if content(w) and not is_known(stem(w), near.known)]
        if denies(sentence) != near.denies:
            other = [w for w in other if not poles(w).keys() & poles(near.text).keys()]  # "not enabled": "disabled"
        if size < NEARLY_VERBATIM * len(mine):
            other = [w for w in other if not is_known(stem(w), everywhere)]
        if other and (what == "delete" or content(" ".join(theirs[c:d]))):
            return f"other words: {' '.join(other)}"
    return None


def _other_words(sentence: str, passage: str, pieces: Sequence[_Text]) -> str | None:
    stems = set(content(passage))
    known = meanings(stems)

    def share(text: str) -> tuple[int, int]:
        mine = {w for w in words(normal(text)) if content(w)}
        # Each of its quantities is held, or the sentence would not have come here.
        counted = sum(u != "rank" for _, u in quantities(text))
        return sum(is_known(stem(w), known) for w in mine) + counted, len(mine) + counted

    held, total = share(sentence)
    if held < SUPPORT * total:
        return "other words"
    for part in _PART_END.split(sentence):
        held, total = share(part)
        if total and held < PART * total:
            return f"nothing says: {part.strip()}"
    return None
