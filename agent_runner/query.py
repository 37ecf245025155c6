"""What is searched for before the model is asked: the customer's words without what says nothing about the matter."""

import re

from agent_runner.context import RunContext

FEW_WORDS = 7
LONGEST = 2000
_TAG = re.compile(r"</?[a-z][^<>]{0,300}>", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S+|\S+@\S+\.\S+")
# A greeting ends with its line or a mark; who is greeted has a name, or is one of a few words.
_GREETING = re.compile(
    r"\A\s*(?:(?i:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|morning)"
    r"(?: (?i:there|all|everyone|everybody|team|support|sir|madam|or|guys|folks|to|you|the)| [A-Z][\w'-]*){0,4}"
    r"\s*(?:[,.!:;]|\n|\Z)\s*)+"
)
_FAREWELL = re.compile(
    r"\n\s*(?:(?:(?:kind|best|warm|many|with (?:kind|best)) )?(?:regards|wishes|thanks|greetings)|best|cheers|sincerely"
    r"|thank you|yours\b[^\n?]{0,20}|thanks? (?:in advance|so much|a lot|again)|sent from [^\n?]{0,40})"
    r"\s*[,.!]*\s*(?:\n[^\n?]{0,60}){0,4}\s*\Z",
    re.IGNORECASE,
)


def first_query(context: RunContext) -> str:
    """What the prepared search asks.

    A follow-up asks something new: the old subject would pull the search back to what was answered. One of few words
    ("and on my phone?") means nothing without the words before it.
    """
    question = without_courtesies(context.question)
    if not context.has_history:
        return f"{context.subject}\n{question}"[:LONGEST]
    said = [question]
    for earlier in context.asked_before:
        if len(said[-1].split()) >= FEW_WORDS:
            break
        said.append(without_courtesies(earlier))
    return "\n".join(said)[:LONGEST]


def without_courtesies(text: str) -> str:
    """The text without greeting, farewell, addresses and tags; as it was when nothing else is in it."""
    kept = _TAG.sub(" ", _ADDRESS.sub(" ", text))
    kept = _FAREWELL.sub("", _GREETING.sub("", kept)).strip()
    return kept or text
