"""Fixed rules that hand over before any model is asked. One reviewed table; tests hold both sides of every rule."""

import re
from dataclasses import dataclass

from fte_project.events import Channel
from tickets.reasons import Reason, Urgency


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Why a message goes to people without the model. `words` is what was found, for staff."""

    reason: Reason
    urgency: Urgency
    words: str


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\w'’-])(?:" + "|".join(alternatives) + r")(?![\w-])", re.IGNORECASE)


_PERSON = r"(?:(?:a|an|the|some|your|one of your) )?(?:(?:real|actual|live|human|support|customer service) )*"
_SOMEONE = (
    r"(?:human(?: being)?|person|representative|agent|operator|somebody|someone|member of (?:your )?(?:staff|team))"
)

# In order: the first rule that finds its words decides. What each must not catch stands in the tests.
RULES: tuple[tuple[Reason, Urgency, re.Pattern[str]], ...] = (
    (
        Reason.LEGAL,
        Urgency.HIGH,
        _words(
            r"(?:my|our|a|the) (?:lawyers?|attorneys?|solicitors?|legal team)",
            r"lawyers?",
            r"attorneys?(?! general'?s? office)",
            r"(?:i|we)(?:'ll|’ll| will| am going to|'m going to| are going to| shall| may| might| could)? sue",
            r"(?:to|will) sue (?:you|your company|them)",
            r"suing",
            r"legal (?:action|steps|proceedings|claim|notice|department)",
            r"take (?:you|this) to court",
            r"breach of contract",
            r"gdpr (?:request|complaint)",
            r"(?:delete|erase|remove|send me|export) all (?:of )?my (?:personal )?data",
            r"right to (?:be forgotten|erasure)",
            r"data (?:subject|protection) (?:access )?(?:request|authority|officer)",
        ),
    ),
    (
        Reason.SECURITY,
        Urgency.CRITICAL,
        _words(
            r"(?:my|our|the) (?:account|workspace) (?:was|is|has been|got|were) (?:hacked|compromised|stolen|taken over)",
            r"someone (?:else )?(?:logged|signed|broke) (?:in ?to|into) (?:my|our) (?:account|workspace)",
            r"(?:data|security) (?:breach|leak)",
            r"unauthori[sz]ed (?:access|login|charge)s?",
        ),
    ),
    (
        Reason.REFUND_REQUEST,
        Urgency.NORMAL,
        _words(
            r"refunds?",
            r"refunded",
            r"(?:my|our|the) money back",
            r"charge ?back",
            r"(?:charged|billed) (?:me |us )?(?:twice|double|again)",
            r"double[- ]charged",
        ),
    ),
    (
        Reason.PRICING_INQUIRY,
        Urgency.NORMAL,
        _words(
            r"pric(?:e|es|ing)",
            r"discounts?",
            r"how much (?:does|do|is|are|would|will|for)(?! (?:space|time|data|memory|storage))[^.?!]{0,60}(?:cost|pay|plan|licen[cs]e|seat|month|year|per user)",
            r"(?:costs?|pay) (?:per|a|each) (?:month|user|seat|year)",
            r"cheaper (?:plan|option|subscription|tier)",
            r"what (?:does|would|will) (?:it|this|that|the \w+ plan) cost",
            r"quote for (?:a|our|\d+)",
        ),
    ),
    (
        Reason.ABUSE,
        Urgency.HIGH,
        _words(
            r"(?:mother)?fuck\w*",
            r"bullshit",
            r"assholes?",
            r"bastards?",
            r"(?:you|you're|you’re|u|ur)(?: are)?(?: all)?(?: such)?(?: a(?:n)?)?(?: bunch of)? (?:stupid|idiots?|morons?|useless|incompetent|scammers?|liars?)(?: \w+)?",
            r"stupid (?:idiots?|company|people|bot)",
            r"piece of (?:shit|crap)",
            r"(?:i will|i'll|i’ll) (?:find|hurt|kill) (?:you|someone|somebody)",
            r"go to hell",
        ),
    ),
    (
        Reason.POLICY,
        Urgency.CRITICAL,
        _words(r"(?:kill|hurt|harm) myself", r"suicid(?:e|al)", r"end my life"),
    ),
    (
        Reason.CUSTOMER_REQUEST,
        Urgency.NORMAL,
        _words(
            rf"(?:speak|talk|chat|connect me|transfer me|put me through|pass me|get me|give me|hand me(?: over)?)(?: (?:to|with))? {_PERSON}{_SOMEONE}",
            rf"(?:want|need|like|prefer|get)(?: to (?:speak|talk|chat)(?: to| with)?)? {_PERSON}(?:human(?: being)?|real person|representative|live agent|human agent|operator)",
            r"(?:speak|talk) (?:to|with) (?:a |the |your )?manager",
            r"(?:is|are) (?:there|you) (?:a|any) (?:real |actual )?(?:human|person)s?",
            r"(?:no|not a|stop the) (?:ro)?bots?",
            r"call me(?: back)?",
        ),
    ),
    (
        Reason.ACCOUNT_ACTION,
        Urgency.NORMAL,
        _words(
            r"(?:please |can you |could you )(?:cancel|delete|close|suspend|reactivate|unlock|merge|upgrade|downgrade) (?:my|our) (?:account|workspace|subscription|plan)(?: for me)?",
        ),
    ),
)

# On WhatsApp one word is a sentence.
_WHATSAPP_PERSON = re.compile(r"^\W*(?:human|agent|representative|person|operator)\W*$", re.IGNORECASE)


def find_trigger(text: str, channel: str) -> Trigger | None:
    """The first rule that `text` (subject and message) meets, or None."""
    if channel == Channel.WHATSAPP and _WHATSAPP_PERSON.match(text):
        return Trigger(reason=Reason.CUSTOMER_REQUEST, urgency=Urgency.NORMAL, words=text.strip()[:40])
    for reason, urgency, pattern in RULES:
        if found := pattern.search(text):
            return Trigger(reason=reason, urgency=urgency, words=found.group(0)[:80])
    return None
