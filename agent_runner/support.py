"""Whether a cited passage carries a sentence: word for word, or with each of its claims."""

import re
from collections.abc import Sequence

from agent_runner.entailment import compare, figures_of
from agent_runner.facts import other_name, other_number
from agent_runner.likeness import SENTENCE_END
from agent_runner.wording import content, quantities

__all__ = ["SENTENCE_END", "unsupported"]

STRICTNESS = -0.4  # log odds of a fault from which a sentence is kept back: rather a draft too many
DENIED = 0.5  # how much of a counted thing's clause may be a "no" that the passage does not have
_LINK = re.compile(r"https?://\S+")  # what it may lead to is judged elsewhere (leaks.py)
_WHY = {
    "number": "another number",
    "negation": "it says the opposite",
    "name": "another name",
    "added_step": "nothing says a part of it",
}


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
    """The name that differs; else what the networks find, with the number that differs when one does."""
    if found := other_name(sentence, passage):
        return found
    if quantities(sentence) and figures_of(sentence, passage).get("+no", 0.0) >= DENIED:
        return "it says no where the article does not"
    finding = compare(sentence, passage)
    if finding.odds <= STRICTNESS:
        return None
    return other_number(sentence, passage) or _WHY[finding.fault]
