"""Whether a cited passage carries a sentence: word for word, or with each of its claims."""

import re
from collections.abc import Sequence

from agent_runner.entailment import LONGEST, compare, figures_of
from agent_runner.facts import other_name, other_number
from agent_runner.wording import content, quantities
from knowledge.embeddings import EmbeddingFailed

STRICTNESS = -0.4  # log odds of a fault from which a sentence is kept back: rather a draft too many
DENIED = 0.5  # how much of a counted thing's clause may be a "no" that the passage does not have
_LINK = re.compile(r"https?://[^\s()<>\[\]*—–,;]+")  # what it may lead to is judged elsewhere (leaks.py)
_SIGN = re.compile(r"\w+|[^\w\s]")
_WHY = {
    "number": "another number",
    "negation": "it says the opposite",
    "name": "another name",
    "added_step": "nothing says a part of it",
}


def unsupported(sentence: str, passages: Sequence[str]) -> str | None:
    """Why no passage carries `sentence`, or None when one does."""
    if any(" ".join(sentence.split()) in " ".join(p.split()) for p in passages):
        return None
    without_links = _LINK.sub(" ", sentence)
    if not _says_something(without_links):
        return None
    problems = [_problem(without_links, passage) for passage in passages]
    if not all(problems):
        return None
    why = problems[0] if problems else "none is cited"
    return f"not in the cited passages ({why}): {sentence.strip()[:120]}"


def _says_something(text: str) -> bool:
    return bool(content(text) or quantities(text))


def _problem(sentence: str, passage: str) -> str | None:
    """The name that differs; else what the networks find, with the number that differs when one does."""
    if found := other_name(sentence, passage):
        return found
    if len(_SIGN.findall(sentence)) > LONGEST:
        return "it is too long to be checked"
    if not _says_something(passage):
        return "the article says nothing"
    if quantities(sentence) and figures_of(sentence, passage).get("+no", 0.0) >= DENIED:
        return "it says no where the article does not"
    try:
        finding = compare(sentence, passage)
    except (EmbeddingFailed, ImportError):
        return "it cannot be checked: the local model does not load"
    if finding.odds <= STRICTNESS:
        return None
    return other_number(sentence, passage) or _WHY[finding.fault]
