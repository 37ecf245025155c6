"""Whether a cited passage carries a sentence: word for word, or with each of its claims."""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from agent_runner.entailment import odds_against
from agent_runner.facts import other_name, other_number
from agent_runner.likeness import SENTENCE_END, Figures, figures
from agent_runner.wording import content, quantities

__all__ = ["SENTENCE_END", "unsupported"]

WEIGHTS = Path(__file__).parent / "data" / "gate_weights.json"
TURNED = 0.5  # how far a sentence that counts something may say no where the article says yes
_LINK = re.compile(r"https?://\S+")  # what it may lead to is judged elsewhere (leaks.py)
AGAINST = "against"  # the figure that the networks give
_WHY = {
    "unknown": "other words", "share_unknown": "other words", "foreign": "other words", "own_words": "other words",
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
    problems = [_problem(_LINK.sub("", sentence), passage) for passage in passages]
    if not all(problems):
        return None
    why = problems[0] if problems else "none is cited"
    return f"not in the cited passages ({why}): {sentence.strip()[:120]}"


def _problem(sentence: str, passage: str) -> str | None:
    """The name that differs; else what weighs most, when all that speaks against it weighs too much."""
    if found := other_name(sentence, passage):
        return found
    values = figures_of(sentence, passage)
    if quantities(sentence) and values.get("+no", 0.0) >= TURNED:
        return "it says no where the article does not"
    values[AGAINST] = odds_against(sentence, passage)
    weights, limit = _weights()
    parts = {name: values.get(name, 0.0) * weight for name, weight in weights.items()}
    if sum(parts.values()) <= limit:
        return None
    if found := other_number(sentence, passage):
        return found
    worst = max((name for name in parts if name != AGAINST), key=lambda name: parts[name])
    return _WHY.get(worst, "a claim is turned round") if parts[worst] else "it says something else"


def figures_of(sentence: str, passage: str) -> Figures:
    """All that is weighed but what the networks say."""
    found = figures(sentence, passage)
    another = other_number(sentence, passage) is not None
    return {**found, "number": float(another), "own_words": 1 - found["copy"]}


@cache
def _weights() -> tuple[dict[str, float], float]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return stored["weights"], stored["limit"]
