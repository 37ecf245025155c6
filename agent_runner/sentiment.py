"""How a customer feels, without a key: two heads fitted on our own sentences over the local embedder, and words."""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
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
RIDGE = 0.4  # more finds less anger, less takes more real questions for angry ones
LONGEST = 8000
MOST_SENTENCES = 100
EMBEDDED = 3  # sentences, the most telling ones: more change no figure and cost 4 ms each
EMBEDDED_CHARACTERS = 400  # of all of them, each counted as long as the longest: padding costs like text
LONGEST_SENTENCE = 240
CALM = -2.5  # the log odds of negative, and of positive, for a sentence that nothing marks
REMEMBERED = 256  # messages: a run that is repeated reads them again
NEGATIVE_BELOW = 0.3
NEGATIVE_CONFIDENCE = 0.8  # at most one false alarm in a hundred on held-out own sentences and on real questions
LENGTH_DOUBT = 0.8  # with less, every long problem report holds a sentence that looks angry
WORDS_ALONE_CONFIDENCE = 0.4
FALLEN_OVER = 3  # messages
FALL = 0.08  # less is the difference between two ways of saying the same

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+(?=\S)|\n+")
_NO_WORDS_OF_THEIRS = re.compile(r"https?://\S+|(?<!\S)@\w+|^>.*$", re.MULTILINE)  # links, handles, quoted lines
_HAS_WORDS = re.compile(r"[^\W\d_]{2,}")
# Anger is about somebody: steps, logs and plain statements about a program name nobody.
_ABOUT_US = re.compile(
    r"\b(?:you(?:r|rs|'re|’re|rselves)?|u|ur|guys|people|staff|team|service|support|company|customers?)\b|!",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"\b(?:i|i['’]\w+|my|me|we|us|our|never|worst|still|again|why|how|nobody|money|really|so|very|too|even|please"
    r"|thank\w*)\b",
    re.IGNORECASE,
)
_SHORT = 60  # characters


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
    chosen = most_telling(sentences, found)
    try:
        odds = dict(zip(chosen, _odds(tuple(sentences[i][:LONGEST_SENTENCE] for i in chosen)), strict=True))
    except (EmbeddingFailed, ImportError):
        return _by_words(found)
    return _combined([_mood(*odds.get(i, (CALM, CALM)), words) for i, words in enumerate(found)])


def is_negative(feeling: Feeling) -> bool:
    """Whether the customer is so unhappy that a person should answer."""
    return feeling.score < NEGATIVE_BELOW and feeling.confidence >= NEGATIVE_CONFIDENCE


def is_falling(scores: Sequence[float]) -> bool:
    """Whether the mood fell clearly with each of the last three messages, and ended below neutral."""
    if len(scores) < FALLEN_OVER:
        return False
    first, second, third = scores[-FALLEN_OVER:]
    return first - second >= FALL and second - third >= FALL and third < 0.5


def split(text: str) -> list[str]:
    """The sentences of the beginning of a message, those without words left out."""
    parts = (part.strip() for part in _SENTENCE_END.split(_NO_WORDS_OF_THEIRS.sub(" ", text[:LONGEST])))
    return [part for part in parts if _HAS_WORDS.search(part)][:MOST_SENTENCES]


def most_telling(sentences: Sequence[str], found: Sequence[Words]) -> list[int]:
    """Which sentences are worth a vector: those with strong words, about us, personal or short; the best few."""
    marks = [_mark(sentence, words) for sentence, words in zip(sentences, found, strict=True)]
    chosen: list[int] = []
    longest = 0
    for i in sorted(range(len(sentences)), key=lambda i: -marks[i]):
        if not marks[i] or len(chosen) == EMBEDDED:
            break
        would_be = max(longest, min(LONGEST_SENTENCE, len(sentences[i])))
        if (len(chosen) + 1) * would_be <= EMBEDDED_CHARACTERS:
            chosen.append(i)
            longest = would_be
    return chosen


def _mark(sentence: str, words: Words) -> float:
    is_about_us, is_personal = bool(_ABOUT_US.search(sentence)), bool(_PERSONAL.search(sentence))
    strength = 2 * max(words.negative, 0.0) + max(words.positive, 0.0)
    return strength + 0.8 * is_about_us + 0.3 * is_personal + 0.4 * (len(sentence) < _SHORT)


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


@lru_cache(maxsize=REMEMBERED)
def _odds(sentences: tuple[str, ...]) -> list[tuple[float, float]]:
    """The log odds of negative and of positive for each sentence. Raises EmbeddingFailed, ImportError."""
    if not sentences:
        return []
    heads = _heads()
    return [(float(n), float(p)) for n, p in _vectors(sentences) @ heads.weights.T + heads.intercepts]


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
