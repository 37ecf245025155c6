"""How a customer feels, without a key: two heads fitted on our own sentences over the local embedder, and words."""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_runner.sentiment_words import Words, words_of
from knowledge.calibration import logistic
from knowledge.embeddings import LOCAL_MODEL_ID, EmbeddingFailed, embedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = Path(__file__).parent / "data"
SENTENCES = DATA / "sentiment.jsonl"
WEIGHTS = DATA / "sentiment_weights.json"
SENTIMENTS = ("negative", "neutral", "positive")

WIDTH = 384  # what the local model gives; the rest of a stored vector is padding
RIDGE = 0.3  # more finds less anger, less takes more real questions for angry ones
LONGEST = 1500
MOST_SENTENCES = 12
NEGATIVE_BELOW = 0.3
NEGATIVE_CONFIDENCE = 0.8  # at most one false alarm in a hundred on held-out own sentences and on real questions
LENGTH_DOUBT = 0.8  # with less, every long problem report holds a sentence that looks angry
WORDS_ALONE_CONFIDENCE = 0.4
FALL = 0.08  # less is the difference between two ways of saying the same

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=\S)|\n+")
_NO_WORDS_OF_THEIRS = re.compile(r"https?://\S+|(?<!\S)@\w+|^>.*$", re.MULTILINE)  # links, handles, quoted lines
_HAS_WORDS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Feeling:
    """`score`: 0 furious, 0.5 neutral, 1 delighted. `confidence`: how sure that is, 0 to 1."""

    score: float
    confidence: float


@dataclass(frozen=True)
class _Heads:
    """One row each for negative and positive against the rest."""

    weights: "NDArray[Any]"
    intercepts: "NDArray[Any]"


def feel(text: str) -> Feeling:
    """The mood of a message; neutral without confidence when it holds no words."""
    sentences = split(text)
    if not sentences:
        return Feeling(0.5, 0.0)
    found = [words_of(sentence) for sentence in sentences]
    odds = _odds(sentences)
    if odds is None:
        return _by_words(found)
    return _combined([_mood(*pair, words) for pair, words in zip(odds, found, strict=True)])


def is_negative(feeling: Feeling) -> bool:
    """Whether the customer is so unhappy that a person should answer."""
    return feeling.score < NEGATIVE_BELOW and feeling.confidence >= NEGATIVE_CONFIDENCE


def is_falling(scores: Sequence[float]) -> bool:
    """Whether the mood fell clearly with each of the last three messages, and ended below neutral."""
    if len(scores) < 3:
        return False
    first, second, third = scores[-3:]
    return first - second >= FALL and second - third >= FALL and third < 0.5


def split(text: str) -> list[str]:
    """The sentences of the beginning of a message, those without words left out."""
    parts = (part.strip() for part in _SENTENCE_END.split(_NO_WORDS_OF_THEIRS.sub(" ", text[:LONGEST])))
    return [part for part in parts if _HAS_WORDS.search(part)][:MOST_SENTENCES]


def fit() -> dict[str, Any]:
    """What WEIGHTS must hold: the heads for the sentences as they are now. Takes some seconds."""
    rows = exemplars()
    vectors = _vectors([text for text, _ in rows])
    heads = fit_heads(vectors, [sentiment for _, sentiment in rows])
    return {
        "model_id": LOCAL_MODEL_ID,
        "sentences_sha256": hashlib.sha256(SENTENCES.read_bytes()).hexdigest(),
        "weights": [[round(float(w), 3) for w in row] for row in heads.weights],
        "intercepts": [round(float(i), 3) for i in heads.intercepts],
    }


def exemplars() -> list[tuple[str, str]]:
    """Our own sentences, each with its sentiment."""
    rows = [json.loads(line) for line in SENTENCES.read_text(encoding="utf-8").splitlines()]
    return [(row["text"], row["sentiment"]) for row in rows]


def fit_heads(vectors: "NDArray[Any]", sentiments: Sequence[str]) -> _Heads:
    """Two ridge logistic regressions by Newton's method; the same input gives the same heads."""
    import numpy as np

    inputs = np.hstack([vectors, np.ones((len(vectors), 1))])
    penalty = np.diag([*([RIDGE] * vectors.shape[1]), 1e-6])
    rows = []
    for wanted in ("negative", "positive"):
        target = np.array([float(sentiment == wanted) for sentiment in sentiments])
        row = np.zeros(inputs.shape[1])
        for _ in range(12):
            share = 1 / (1 + np.exp(-inputs @ row))
            slope = inputs.T @ (share - target) + penalty @ row
            curve = (inputs * (share * (1 - share))[:, None]).T @ inputs + penalty
            row -= np.linalg.solve(curve, slope)
        rows.append(row)
    return _Heads(np.array([row[:-1] for row in rows]), np.array([row[-1] for row in rows]))


@cache
def _heads() -> _Heads:
    import numpy as np

    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return _Heads(np.array(stored["weights"]), np.array(stored["intercepts"]))


def _vectors(texts: Sequence[str]) -> "NDArray[Any]":
    import numpy as np

    return np.array(embedder(LOCAL_MODEL_ID).embed(texts))[:, :WIDTH]


def _odds(sentences: Sequence[str]) -> list[tuple[float, float]] | None:
    """The log odds of negative and of positive for each sentence; None when the embedder cannot be used."""
    try:
        vectors = _vectors(sentences)
    except (EmbeddingFailed, ImportError):
        return None
    heads = _heads()
    return [(float(n), float(p)) for n, p in vectors @ heads.weights.T + heads.intercepts]


def _mood(negative: float, positive: float, words: Words) -> tuple[float, float]:
    """The shares of negative and of positive for one sentence."""
    return logistic(negative + words.negative), logistic(positive + words.positive)


def _combined(moods: Sequence[tuple[float, float]]) -> Feeling:
    """One clearly furious sentence counts alone; half-sure ones only when the whole message is like them."""
    worst = max(negative for negative, _ in moods)
    # Every further sentence is one more chance to be wrong, so the longer the message, the surer the worst must be.
    worst = logistic(_log_odds(worst) - LENGTH_DOUBT * math.log(len(moods)))
    negative = max(worst, sum(n for n, _ in moods) / len(moods))
    positive = sum(p for _, p in moods) / len(moods) * (1 - negative)
    neutral = max(0.0, 1 - negative - positive)
    return Feeling(round(0.5 + (positive - negative) / 2, 4), round(max(negative, positive, neutral), 4))


def _by_words(found: Sequence[Words]) -> Feeling:
    """What the words say alone: never sure enough to hand over."""
    negative = max(words.negative for words in found)
    positive = max(words.positive for words in found)
    if max(negative, positive) <= 0:
        return Feeling(0.5, 0.0)
    return Feeling(round(logistic(positive if negative <= 0 else -negative), 4), WORDS_ALONE_CONFIDENCE)


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share)) if 0 < share < 1 else math.copysign(30.0, share - 0.5)
