"""Fixed rules that hand over before any model is asked. All languages are tried; tests hold both sides of each."""

import re
import unicodedata
from dataclasses import dataclass

from agent_runner.trigger_words import ENGLISH
from agent_runner.trigger_words_abroad import ABROAD, ONE_WORD_ABROAD, PRODUCT_THINGS
from tickets.reasons import Reason, Urgency


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Why a message goes to people without the model. `words` is what was found, for staff."""

    reason: Reason
    urgency: Urgency
    words: str


# In order: the first rule that finds its words decides, so the graver reasons come first.
URGENCY: dict[Reason, Urgency] = {
    Reason.POLICY: Urgency.CRITICAL,
    Reason.LEGAL: Urgency.HIGH,
    Reason.SECURITY: Urgency.CRITICAL,
    Reason.REFUND_REQUEST: Urgency.NORMAL,
    Reason.PRICING_INQUIRY: Urgency.NORMAL,
    Reason.ABUSE: Urgency.HIGH,
    Reason.CUSTOMER_REQUEST: Urgency.NORMAL,
    Reason.ACCOUNT_ACTION: Urgency.NORMAL,
    Reason.NEGATIVE_SENTIMENT: Urgency.HIGH,
}


def _words(alternatives: tuple[str, ...], before: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![{before}])(?:" + "|".join(alternatives) + r")(?![\w-])", re.IGNORECASE | re.MULTILINE)


def _rules() -> tuple[tuple[Reason, Urgency, re.Pattern[str]], ...]:
    found = []
    for reason, urgency in URGENCY.items():
        found.append((reason, urgency, _words(ENGLISH[reason], r"\w'-")))
        # French and Italian join an article to its word with an apostrophe: l'avocat, l'abbonamento.
        found.extend((reason, urgency, _words(words[reason], r"\w-")) for words in ABROAD.values())
    return tuple(found)


RULES = _rules()

# One word on a line of its own is a sentence; our answers tell customers so.
_ONE_WORD = re.compile(
    r"^[^\w\n]*(?:please )?(?:human|agent|representative|person|operator|customer (?:care|service|support)"
    + "".join(f"|{word}" for word in ONE_WORD_ABROAD)
    + r")(?:,? (?:please|por favor|bitte|s'il vous plait|svp|per favore))?[^\w\n]*$",
    re.IGNORECASE | re.MULTILINE,
)

# Names that are also words of the rules: of people who are spoken of, and of firms. Case tells them from the words.
_NAMES = re.compile(
    r"(?:(?<=colleague )|(?<=friend )|(?<=boss )|(?<=client )|(?<=customer )|(?<=[Ff]or )|(?<=named )|(?<=called )"
    r"|(?<=Mr )|(?<=Mrs )|(?<=Ms )|(?<=Dr )|(?<=Mr\. )|(?<=Mrs\. )|(?<=Ms\. )|(?<=Dr\. ))"
    r"[A-Z][\w'-]+ (?:Price|Legal|Law)\b"
    r"|\b[A-Z]\w+ (?:&|and) (?:Price|Law|Legal)\b(?: [A-Z]\w+)*|\b(?:Price|Law) (?:&|and) [A-Z]\w+"
)
_SPACES = re.compile(r"[^\S\n]+")


def find_trigger(text: str) -> Trigger | None:
    """The first rule that `text` (subject and message) meets, or None."""
    text = unicodedata.normalize("NFC", _SPACES.sub(" ", text.replace("’", "'")))
    plain = _without_accents(text)
    if word := _ONE_WORD.search(plain):
        words = text[word.start() : word.end()].strip()[:40]
        return Trigger(reason=Reason.CUSTOMER_REQUEST, urgency=Urgency.NORMAL, words=words)
    plain = _NAMES.sub(_blank, PRODUCT_THINGS.sub(_blank, plain))
    for reason, urgency, pattern in RULES:
        if found := pattern.search(plain):
            return Trigger(reason=reason, urgency=urgency, words=text[found.start() : found.end()][:80])
    return None


def _without_accents(text: str) -> str:
    """As long as `text`, letter for letter, so that what is found can be shown as it was written."""
    if text.isascii():
        return text
    return "".join(letter if letter.isascii() else unicodedata.normalize("NFD", letter)[0] for letter in text)


def _blank(thing: re.Match[str]) -> str:
    return "_" * len(thing.group(0))
