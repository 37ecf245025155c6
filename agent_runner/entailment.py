"""How far a passage speaks against a sentence: small networks over the words of both and the figures of likeness.py."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_runner.facts import other_number
from agent_runner.likeness import Figures, figures
from knowledge.embeddings import local_embedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("faithful", "number", "negation", "name", "added_step")  # what a network tells apart, in this order
NET = Path(__file__).parent / "data" / "gate_net.npz"
SHARPNESS = 20.0  # how much more a word counts that is nearer
PORTION = 900  # characters read at once: the local model takes 256 tokens
LONGEST = 64  # words of a sentence, and of the one that it is laid beside
SCALE = 8.0  # sums over words are divided by it, to be of the size of the largest
_PIECE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
_MARKS = re.compile(r"[*_`#]+")  # of Markdown


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """A sentence beside a passage, a row for each word.

    The sentence's words, what the whole passage and what its nearest sentence says in their place; that nearest
    sentence's words, and what the sentence says in theirs; and the figures of both.
    """

    said: "NDArray[Any]"
    anywhere: "NDArray[Any]"
    there: "NDArray[Any]"
    near: "NDArray[Any]"
    back: "NDArray[Any]"
    said_hints: "NDArray[Any]"
    near_hints: "NDArray[Any]"
    figures: Figures


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the networks say: the log odds of a fault, and the fault of KINDS that is the likeliest."""

    odds: float
    fault: str


def compare(sentence: str, passage: str) -> Finding:
    """Whether `passage` carries `sentence`. Raises EmbeddingFailed, ImportError."""
    import numpy as np

    nets = _nets()
    found = pair(sentence, passage)
    faithful, *faulty = np.mean([outcome(net, found) for net in nets], axis=0)
    return Finding(odds=float(np.logaddexp.reduce(faulty) - faithful), fault=KINDS[1 + int(np.argmax(faulty))])


def pair(sentence: str, passage: str) -> Pair:
    """`sentence` laid beside `passage`."""
    mine, theirs = _read(sentence), _read(passage)
    said, words = mine.vectors[:LONGEST], theirs.vectors
    nearness = said @ words.T
    start, end = max(theirs.pieces, key=lambda piece: nearness[:, piece[0] : piece[1]].max(axis=1).sum())
    end = min(end, start + LONGEST)
    near = words[start:end]
    beside = nearness[:, start:end]
    is_same = _same(mine.words[:LONGEST], theirs.words)
    return Pair(
        said=said,
        anywhere=_in_place(nearness, words),
        there=_in_place(beside, near),
        near=near,
        back=_in_place(beside.T, said),
        said_hints=_hints(nearness, beside, is_same, (start, end)),
        near_hints=_hints(beside.T, beside.T, is_same[:, start:end].T, (0, len(said))),
        figures=figures_of(sentence, passage),
    )


@lru_cache(maxsize=50)
def figures_of(sentence: str, passage: str) -> Figures:
    """The figures that the networks read beside the words; one that is left out is 0."""
    found = figures(sentence, passage)
    another = other_number(sentence, passage) is not None
    return {**found, "number": float(another), "own_words": 1 - found["copy"]}


def _same(mine: Sequence[str], theirs: Sequence[str]) -> "NDArray[Any]":
    import numpy as np

    return np.array([[one == other for other in theirs] for one in mine])


def _hints(
    nearness: "NDArray[Any]", beside: "NDArray[Any]", is_same: "NDArray[Any]", span: tuple[int, int]
) -> "NDArray[Any]":
    """For each word: how near the nearest one is, how near in the nearest piece, whether it is there, whether it is the
    very word, and whether what stands for it and for the word before it comes in the same order."""
    import numpy as np

    best, there = nearness.argmax(axis=1), beside.argmax(axis=1)
    steps = np.clip(np.diff(there, prepend=there[:1] - 1), -3, 3) / 3
    is_there = (best >= span[0]) & (best < span[1])
    columns = [nearness.max(axis=1), beside.max(axis=1), is_there, steps, steps < 0]
    columns += [is_same.any(axis=1), is_same[:, span[0] : span[1]].any(axis=1)]
    return np.stack(columns, axis=1).astype(np.float32)


def _in_place(nearness: "NDArray[Any]", words: "NDArray[Any]") -> "NDArray[Any]":
    import numpy as np

    shares = np.exp(SHARPNESS * nearness)
    place: NDArray[Any] = (shares / shares.sum(axis=1, keepdims=True)) @ words
    return place


@dataclass(frozen=True, kw_only=True, eq=False)
class _Text:
    """The words of a text, a vector for each, and from which to which of them each of its pieces goes."""

    words: tuple[str, ...]
    vectors: "NDArray[Any]"
    pieces: tuple[tuple[int, int], ...]


@lru_cache(maxsize=64)
def _read(text: str) -> _Text:
    import numpy as np

    text = _MARKS.sub("", text)
    ends = [match.end() for match in _PIECE_END.finditer(text)]
    spans: list[tuple[int, int]] = []
    rows = []
    for first, last in _portions(len(text), ends):
        read = local_embedder().words(text[first:last])
        spans += [(first + start, first + end) for start, end in read.spans]
        rows.append(read.vectors)
    piece_of = [bisect_right(ends, start) for start, _ in spans]
    changes = [0, *(i for i, (a, b) in enumerate(pairwise(piece_of), 1) if a != b), len(spans)]
    return _Text(
        words=tuple(text[start:end].lower() for start, end in spans),
        vectors=np.vstack(rows),
        pieces=tuple((a, b) for a, b in pairwise(changes) if b > a),
    )


def _portions(length: int, ends: list[int]) -> list[tuple[int, int]]:
    """`length` characters in portions of at most PORTION that end with a piece where one does."""
    found = []
    first = 0
    while first < length:
        last = min(length, first + PORTION)
        if last < length:
            last = max((end for end in ends if first < end <= last), default=last)
        found.append((first, last))
        first = last
    return found


Net = dict[str, "NDArray[Any]"]


@cache
def _nets() -> list[Net]:
    import numpy as np

    with np.load(NET) as stored:
        arrays = {name: stored[name] for name in stored.files}
    names = arrays.pop("figures")
    del arrays["rows"]  # the fingerprint of the pairs
    count = len(arrays["view"])
    nets = [{name: array[number].astype(np.float32) for name, array in arrays.items()} for number in range(count)]
    return [{**net, "figures": names} for net in nets]


def outcome(net: Net, found: Pair) -> "NDArray[Any]":
    """How much speaks for each of KINDS, by one network."""
    import numpy as np

    said, anywhere, there, near, back = (
        rows @ net["view"] for rows in (found.said, found.anywhere, found.there, found.near, found.back)
    )
    read = []
    for rows, name in (
        ([said, anywhere, there, said * anywhere, said * there, found.said_hints], "said"),
        ([near, back, near * back, found.near_hints], "near"),
    ):
        marks = np.maximum(np.hstack(rows) @ net[f"{name}_weights"] + net[f"{name}_bias"], 0)
        read += [marks.sum(axis=0) / SCALE, marks.max(axis=0)]
    read.append(in_order(found.figures, net["figures"]) * net["scale"])
    all_read = np.hstack(read)
    seen = np.maximum(all_read @ net["whole_weights"] + net["whole_bias"], 0)
    kinds: NDArray[Any] = np.hstack([all_read, seen]) @ net["sum_weights"] + net["sum_bias"]
    return kinds


def in_order(found: Figures, names: Iterable[str]) -> "NDArray[Any]":
    """The figures by these names."""
    import numpy as np

    return np.array([found.get(name, 0.0) for name in names], dtype=np.float32)
