"""The gate: a pure function that decides what happens to a draft. The model proposes, this disposes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent_runner.agreement import conflicts
from agent_runner.context import Draft
from agent_runner.leaks import leaks
from agent_runner.likeness import SENTENCE_END
from agent_runner.promises import promises
from agent_runner.sentiment import NEGATIVE_BELOW
from agent_runner.support import unsupported
from knowledge.search import Hit
from tickets.reasons import Reason, Urgency

MODEL_SURE_FROM = 0.6  # what a model must say of its own answer, where it is not the search's word

_PRICE = re.compile(r"[$€£¥]\s?\d|\b\d+(?:[.,]\d+)?\s?(?:usd|eur|gbp|dollars?|euros?|pounds)\b", re.IGNORECASE)
_PROMISE = re.compile(
    r"\b(?:refund(?:ed)?|discount|compensat\w+|guarantee\w*|lawsuit|attorney|lawyer)\b"
    r"|\b(?:i|we)(?:'ve|’ve| have)? (?:just )?(?:reset|deleted|changed|cancelled|canceled|updated|fixed|credited)\b"
    r"|\b(?:i|we)(?:'ll|’ll| will) \w+",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """The four verdicts."""

    ANSWER = "answer"
    SUGGEST = "suggest"
    DRAFT = "draft"
    HAND_OVER = "hand_over"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What happens to the draft, why people are asked when they are, and every finding in words."""

    kind: Kind
    reason: Reason | None = None
    findings: tuple[str, ...] = ()
    urgency: Urgency = Urgency.NORMAL
    text: str = ""  # a fixed reply to send instead of the draft; `text_kind` is its Message.Kind
    text_kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the channel and the knowledge base allow."""

    max_words: int
    link_hosts: frozenset[str]
    question: str = ""  # the customer's words
    reference: str = ""  # of the ticket itself, which may be named
    language: str = "en"
    is_certain: bool = True  # False: found by words alone, nothing is known about nearness
    is_calibrated: bool = True  # False: nobody knows yet what nearness means for this embedding model
    is_clear: bool = True  # the knowledge base is near enough to answer alone …
    answer_from: float = MODEL_SURE_FROM  # … from this confidence on
    may_suggest: bool = True  # what was found is worth the customer's look


def judge(draft: Draft, hits: Mapping[str, Hit], limits: Limits) -> Verdict:
    """Decide about `draft`, given the passages that were found. No effects, no clock, no database."""
    cited = draft.cited(hits)
    if draft.sentiment < NEGATIVE_BELOW:
        return Verdict(
            kind=Kind.HAND_OVER, reason=Reason.NEGATIVE_SENTIMENT, findings=("the customer is very unhappy",)
        )
    if not draft.message.strip() or not cited:
        return Verdict(kind=Kind.HAND_OVER, reason=Reason.MISSING_KNOWLEDGE, findings=("no answer with a source",))
    forbidden = _forbidden(draft, cited, limits)
    if forbidden:
        return Verdict(kind=Kind.DRAFT, reason=Reason.POLICY, findings=tuple(forbidden))
    doubts = _doubts(draft, cited, limits)
    if len(cited) < len(draft.citations):
        doubts.append("it cites a passage that was not found")
    if doubts:
        return Verdict(kind=Kind.DRAFT, reason=Reason.LOW_CONFIDENCE, findings=tuple(doubts))
    unsure = _unsure(draft, cited, limits)
    if not unsure:
        return Verdict(kind=Kind.ANSWER)
    if limits.may_suggest:
        return Verdict(kind=Kind.SUGGEST, reason=Reason.LOW_CONFIDENCE, findings=tuple(unsure))
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.MISSING_KNOWLEDGE, findings=tuple(unsure))


def _unsure(draft: Draft, cited: list[Hit], limits: Limits) -> list[str]:
    """Why a person should answer although nothing is wrong with the draft."""
    found = []
    if not limits.is_clear:
        found.append("the articles are not near enough")
    if draft.confidence < limits.answer_from:
        found.append(f"confidence {draft.confidence:.2f}, {limits.answer_from:.2f} is needed")
    if len(draft.message.split()) > limits.max_words:
        found.append(f"longer than {limits.max_words} words")
    for hit in cited:
        if not hit.is_whole:
            found.append(f"the section “{hit.section}” is too long to be quoted whole")
        found += conflicts(limits.question, hit)
    return found


def _forbidden(draft: Draft, cited: list[Hit], limits: Limits) -> list[str]:
    """What must never be said unless an article says it word for word."""
    source = "\n".join(hit.passage for hit in cited)
    found = []
    for pattern, what in ((_PRICE, "a price"), (_PROMISE, "a promise or a legal word")):
        found += [f"{what}: {m.group(0)}" for m in pattern.finditer(draft.message) if m.group(0) not in source]
    known = "\n".join([source, *(f"{hit.title}\n{hit.section}" for hit in cited), limits.reference])
    found += promises(draft.message, source)
    found += leaks(draft.message, known, {hit.url for hit in cited}, limits.link_hosts)
    return found


def _doubts(draft: Draft, cited: list[Hit], limits: Limits) -> list[str]:
    """What the cited passages do not carry, sentence by sentence."""
    doubts = [] if limits.is_certain else ["the search was by words only"]
    if limits.is_certain and not limits.is_calibrated:
        doubts.append("the embedding model is not calibrated: run manage.py calibrate")
    if draft.language.lower()[:2] != limits.language:
        doubts.append(f"it is written in {draft.language}, the articles in {limits.language}")
    passages = [f"{hit.title}\n{hit.section}\n{hit.passage}" for hit in cited]
    for sentence in SENTENCE_END.split(draft.message):
        if problem := unsupported(sentence, passages):
            doubts.append(problem)
    return doubts
