"""What only people may say: that somebody did, does or will do something, and what something costs.

An article may say it too; then those very words may be repeated. A draft cannot know more than the article.
"""

# ruff: noqa: SIM905
import re
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# What follows a word for ourselves, up to its verb, is said by the article in the same words, or not at all.
_OURSELVES = frozenset("i we let".split())
_BETWEEN = frozenset(
    "already also always just now then still gladly happily really personally ourselves myself".split()
)
_REFUSING = frozenset("can't cannot don't".split())
_PROMISED = frozenset(
    "refund pay give credit replace reset delete change cancel compensate guarantee promise waive".split()
)
_UNLESS = frozenset("if when unless until whenever".split())
_AUXILIARY = frozenset(
    "am are was were be been being have has had do did does can could will would shall should may might must going to "
    "went ahead and able about trying happy not never us me".split()
)
_PARTICIPLE = r"(?:\w+(?:ed|en|wn|nt|ft|lt|pt|ught|ut|et)|reset|set|done|gone|made|paid)"
_PEOPLE = (
    r"(?:(?:our|the|an?|my|your) (?:\w+ ){0,2}(?:team|engineers?|colleagues?|agents?|managers?|specialists?|staff"
    r"|developers?|experts?|person|human|advisors?|technicians?)|some(?:body|one)|another person)"
    r" (?:(?:from|in|at|of) (?:\w+ )?\w+ |\w+ly )?"
)
_PATTERNS = tuple(
    (what, re.compile("|".join(patterns), re.IGNORECASE))
    for what, *patterns in (
        ("who will do something", rf"\b{_PEOPLE}(?:will|shall|(?:is|are) going to|(?:has|have)(?! to))\b"),
        (
            "when something will be",
            r"\b(?<!as )(?:soon|shortly|today|tonight|tomorrow|asap|(?:next|this) (?:week|month|release))\b",
        ),
        (
            "that it is done",
            r"\b(?:all done|done[.,!]|(?:is|are|been|consider it) (?:now )?done(?! with))\b",
            r"(?:\bdone[.!]|: ?done\b)",
        ),
        (
            "that it is so now",
            rf"\b(?:is|are|has|have) (?:now|already) (?:been )?{_PARTICIPLE}\b",
            rf"\b(?:is|are) {_PARTICIPLE} (?:now|already)\b",
            r"\byour (?:\w+ ){1,3}(?:is|are) (?:re)?set\b",
        ),
        ("what is on its way", r"\b(?:on (?:its|the|their) way|under way|in progress)\b"),
        (
            "what it costs",
            r"\b(?:bucks|fees?|cheap(?:er|ly)?|half price|free of charge|waived?)\b",
            r"\b\d+\s?(?:%|percent) (?:off|less|cheaper)",
        ),
        ("that something may be left out", r"\b(?:ignore|disregard|bypass)\b"),
        ("an assurance", r"\b(?:not even|nobody else|no one else) "),
        ("something about others", r"\b(?:competitors?|competition|rivals?|(?:better|worse|safer) than)\b"),
        (
            "a demand for a secret",
            r"\b(?:send|tell|give|reply|e-?mail|share|provide|forward|dictate)\b[^.!?\n]{0,40}"
            r"\b(?:passwords?|passcodes?|codes?|pins?|tokens?|card|keys?)\b",
        ),
    )
)
_FREE = re.compile(
    r"\b(?:for free|costs? nothing|(?:(?:at|for|is) )?no (?:extra |additional )?(?:charges?|costs?|fees?)"
    r"|without (?:an? |any )?(?:extra |additional )?(?:charges?|costs?|fees?))\b"
)
_PAST = re.compile(
    rf"\b(?:has|have|had|was|were)(?: \w{{1,20}}ly| already| now| just| not){{0,3}} (?:been )?{_PARTICIPLE}\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.!?;:,]\s+|\n+|\s[–—-]\s")
_IF = re.compile(
    r"\b(?:if|when|whenever|once|after|until|unless|before|as soon as|because|since|that|which|who|whether|what|where"
    r"|how|everything|anything|those|in case|even|although|than|as long as|while|may|might|can|could)\b",
    re.IGNORECASE,
)


def promises(text: str, source: str) -> list[str]:
    """What `text` promises, claims to have done or prices, and `source` does not, in words for staff."""
    found = [f"it says {what}" for what, pattern in _PATTERNS if _new(pattern, text, source)]
    if any(not _is_custom(said, source) for said in _said_by_us(text) - _said_by_us(source)):
        found.append("it says what we do")
    if set(_deeds(text)) - set(_deeds(source)):
        found.append("it says that something was done")
    return found


def _new(pattern: re.Pattern[str], text: str, source: str) -> bool:
    theirs = re.sub(r"\b(is|are|stays?) free\b(?! (?:of|to|up|from)\b)", r"\1 free of charge", _plain(source))
    return any(m.group(0) not in theirs for m in pattern.finditer(_plain(text)))


def _plain(text: str) -> str:
    """Only words and their punctuation: no emphasis, no hyphens that could be spaces, one way to say what is free."""
    text = re.sub(r"[*`>#|\"“”_-]+", " ", text.lower().replace("e-mail", "email").replace("’", "'"))
    return _FREE.sub("free of charge", re.sub(r"[ \t]+", " ", text))


def _said_by_us(text: str) -> set[tuple[str, ...]]:
    """Each time we speak of ourselves: the words from there to the verb."""
    found = set()
    words = [part for w in _WORD.findall(_plain(text)) for part in _parts(w)]
    for at, word in enumerate(words):
        if word in _OURSELVES and not (word == "let" and words[at + 1 : at + 2] not in (["me"], ["us"])):
            said = [word]
            for following in words[at + 1 : at + 8]:
                if following not in _BETWEEN:
                    said.append(following)
                if following not in _AUXILIARY | _BETWEEN:
                    break
            if not (at and words[at - 1] in _UNLESS):
                found.add(tuple(said))
    return found


def _is_custom(said: tuple[str, ...], source: str) -> bool:
    """What a company cannot do, or does with everybody, said of the thing by the article: "orders are shipped"."""
    if (said[0] == "we" and (said[-1] in _REFUSING or "unable" in said)) or said[:3] == ("let", "us", "know"):
        return True
    is_present = len(said) == 2 and said[0] == "we" and not re.fullmatch(_PARTICIPLE, said[1])
    return is_present and said[1] not in _PROMISED and said[1][:4] in _plain(source)


def _parts(word: str) -> list[str]:
    """I've: I have."""
    for short, long in (("'ve", "have"), ("'ll", "will"), ("'m", "am"), ("'re", "are"), ("'d", "would")):
        if word.endswith(short):
            return [word.removesuffix(short), long]
    return [word]


def _deeds(text: str) -> Iterator[str]:
    """What has been done, outside of conditions."""
    for clause in _CLAUSE.split(_plain(text)):
        for match in _PAST.finditer(clause):
            if not _IF.search(clause[: match.start()]):
                yield match.group(0)
