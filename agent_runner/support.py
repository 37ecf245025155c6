"""Whether a cited passage carries a sentence: word for word, or with each of its claims."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from agent_runner.facts import other_facts
from agent_runner.likeness import SENTENCE_END, Figures, figures
from agent_runner.wording import content, quantities

__all__ = ["SENTENCE_END", "unsupported"]

WEIGHTS = Path(__file__).parent / "data" / "gate_weights.json"
SHORT = 2  # words that say something: of so few, each must be known, or have a relative in the passage
SHORT_UNKNOWN = 0.4
TURNED = 0.5  # how far a sentence that counts something may say no where the article says yes
UNKNOWN = 0.5  # share of a sentence that its passage may not know, whatever else speaks for it
DENIED = 0.6  # how far a sentence that says no may be made of words that the passage says without it
_WHY = {
    "unknown": "other words", "foreign": "other words",
    "new_verb": "nothing asks for it", "step": "nothing says a part of it",
    "odd_part": "a part is added to what it says",
    "odd_share": "a part is added to what it says", "new_duty": "nothing asks for it", "replaced": "other words",
    "single": "a word is changed", "skips": "it is said of something else", "opposed": "the opposite",
    "turned": "the opposite", "turned_openly": "the opposite", "reversed": "the other order",
    "unbacked": "it says no where the article does not", "denies_all": "it says no where the article does not",
    "affirms": "the article says no", "affirms_all": "the article says no", "inside": "the article says no",
    "for_all": "only some, says the article",
}  # fmt: skip


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
    """The number or name that differs; else what weighs most, when all that speaks against it weighs too much."""
    if found := other_facts(sentence, passage):
        return found
    values = figures(sentence, passage)
    if found := kept_back(values):
        return found
    if len(set(content(sentence))) <= SHORT and values["share_unknown"] > SHORT_UNKNOWN:
        return "other words"
    if quantities(sentence) and values.get("+no", 0.0) >= TURNED:
        return "it says no where the article does not"
    weights, limit = _weights()
    parts = {name: values.get(name, 0.0) * weight for name, weight in weights.items()}
    if sum(parts.values()) <= limit:
        return None
    worst = max(parts, key=lambda name: parts[name])
    return _WHY.get(worst, "a claim is turned round")


def kept_back(values: Figures) -> str | None:
    """What keeps a sentence back by itself, whatever the other figures are."""
    if values["share_unknown"] > UNKNOWN:
        return "other words"
    return "it says no where the article does not" if values["denies_known"] > DENIED else None


@cache
def _weights() -> tuple[dict[str, float], float]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return stored["weights"], stored["limit"]
