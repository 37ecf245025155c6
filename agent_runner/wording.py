"""Words as the gate compares them: stems, synonyms, opposites, denials, quantities and names."""

# ruff: noqa: SIM905
import re
from collections.abc import Set as AbstractSet
from functools import lru_cache

from agent_runner.word_tables import COMMON_WORDS, GROUPS, IRREGULAR, OPPOSITES

_SUFFIXES = (
    "ications ication izations ization ations ation ability ibility ators ator ating ated ates ate itions ition ments "
    "ment ions ion ically ingly ings ing edly ied ed ies es 's ness ally ly able ible ances ance ences ence ers er ors "
    "or als al ive ity ify s e y"
).split()
_NEGATIVE = re.compile(
    r"\b(?:not|no|never|without|nor|neither|none|nobody|nothing|nowhere|unless|stop(?:s|ped)? \w+ing|lack(?:s|ing)?"
    r"|instead of|rather than|hardly|except|avoid|fails? to|cease[sd]?)\b"
)
_DENIAL_END = re.compile(r"[.,;:!?]|\band\b|\bbut\b")
# Words that deny and have an opposite: what counts is that opposite, when the other side speaks of it.
_REFUSING = re.compile(
    r"\b(?:unable|fails?|impossible|unavailable|forbidden|prohibited|refuse[sd]?|prevent(?:s|ed)?|ineligible|invalid|excluded"
    r"|ignored?)\b"
)
_ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
         "seventeen eighteen nineteen").split()  # fmt: skip
_NUMBER_WORDS = (
    {w: n for n, w in enumerate(_ONES)}
    | {"once": 1, "twice": 2, "thrice": 3, "dozen": 12, "hundred": 100, "thousand": 1000, "million": 1_000_000}
    | {w: n * 10 for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
)
_UNITS = {
    "second": ("time", 1), "sec": ("time", 1), "minute": ("time", 60), "min": ("time", 60), "hour": ("time", 3600),
    "h": ("time", 3600), "day": ("time", 86400), "week": ("time", 604800), "fortnight": ("time", 1209600),
    "month": ("month", 1), "quarter": ("month", 3), "year": ("month", 12), "kb": ("kb", 1), "mb": ("mb", 1),
    "gb": ("gb", 1), "tb": ("tb", 1), "kilobyte": ("kb", 1), "megabyte": ("mb", 1), "gigabyte": ("gb", 1),
    "%": ("percent", 1), "percent": ("percent", 1), "per cent": ("percent", 1), "metre": ("m", 1), "meter": ("m", 1),
    "m": ("m", 1), "cm": ("cm", 1), "centimetre": ("cm", 1), "mm": ("mm", 1), "km": ("km", 1), "kilometre": ("km", 1),
    "kg": ("kg", 1), "kilogram": ("kg", 1), "kilo": ("kg", 1), "gram": ("g", 1), "g": ("g", 1), "litre": ("l", 1),
    "liter": ("l", 1), "ml": ("ml", 1), "millilitre": ("ml", 1), "degree": ("°", 1), "watt": ("w", 1), "w": ("w", 1),
    "mile": ("mile", 1), "time": ("times", 1), "pixel": ("px", 1), "px": ("px", 1), "character": ("char", 1),
    "digit": ("digit", 1), "bar": ("bar", 1), "volt": ("v", 1), "v": ("v", 1), "°c": ("°", 1), "°": ("°", 1),
    "$": ("$", 1), "dollar": ("$", 1), "€": ("€", 1), "euro": ("€", 1), "£": ("£", 1), "pound": ("£", 1),
}  # fmt: skip
_ORDINALS = {w: n for n, w in enumerate("third fourth fifth sixth seventh eighth ninth tenth".split(), 3)} | {
    "first": 1
}
_EVERY = {"daily": 86400, "hourly": 3600, "weekly": 604800, "nightly": 86400}
_MONTHLY = {"monthly": 1, "quarterly": 3, "yearly": 12, "annually": 12, "annual": 12}
_REWRITTEN = (
    (r"[’‘]", "'"),
    (r"\be-mail", "email"),
    (r"\bcannot\b|\bcan't\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"\bper cent\b", "percent"),
    (r"\bhalf an hour\b", "30 minutes"),
    (r"\ba fortnight\b|\bfortnight\b", "14 days"),
    (r"\bno need\b", "not need"),
    (r"\b(?:no|not) (?:more|longer|later|greater|larger|bigger) than\b|\bup to\b|\bat the most\b", "maximum"),
    (r"\b(?:no|not) (?:fewer|less|shorter|earlier) than\b", "minimum"),
    (r"\bat least\b|\ba minimum of\b", "minimum"),
    (r"\bat most\b|\ba maximum of\b", "maximum"),
    (r"\bquarter of an hour\b", "15 minutes"),
    (r"\b(?:turn|switch|shut)(?:s|es|ed|ing)? (?:(?!on\b|off\b)[\w-]+ ){0,4}?(?:back )?on\b", "enable"),
    (r"\b(?:turn|switch|shut)(?:s|es|ed|ing)? ((?:[\w-]+ ){0,4}?)off\b", r"disable \1"),
    (r"\b(?:bring|brings|brought|get|put) ((?:[\w-]+ ){0,2})back\b", r"restore \1"),
    (r"\b(?:does|do|will) not go away\b", "stays"),
    (r"\b(?:as soon as|once (?=\w+ (?:has|have|is|are)\b)|once (?=[a-z]+ \w+ (?:have|has|are)))", "when "),
    (r"\bno longer\b", "not"),
    (r"\bnot only\b", "also"),
    (r"\b(?:nobody|no one|none) (?:but|except|other than)\b|\bexclusively\b|\bsolely\b|\bnowhere but\b", "only"),
    (r"\bno one\b", "nobody"),
    (r"\bfree of charge\b|\bno charge\b|\bat no cost\b|\bwithout charge\b|\bcosts? nothing\b", "free"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
)
_WORD = re.compile(r"\d+(?:[.:/]\d+)*|[^\W\d_]+(?:'s)?\d*|[%$€£]|°c?", re.IGNORECASE)
_RAW = re.compile(r"\.?[^\W_]+(?:[.'’-][^\W_]+)*")
_ODD = re.compile(r"[a-z][A-Z]|[^\W\d_]\d|\d[^\W\d_]|^\.[a-z]|^[A-Z]{2,}$|^\w+\.[a-z]{2,4}$")


@lru_cache(maxsize=5_000)
def normal(text: str) -> str:
    """`text` in lower case with the spellings and phrases that mean the same written in one way."""
    found = text.lower()
    for pattern, put in _REWRITTEN:
        found = re.sub(pattern, put, found)
    return found


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """`word` without its endings: rough, but the same for the forms of a word."""
    if word in _FORMS:
        word = _FORMS[word]
    for _ in range(2):  # answered, answers: answ
        for suffix in _SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= 3:
                word = word[: -len(suffix)]
                break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


_FORMS = dict(pair.split(":") for pair in IRREGULAR.split())
COMMON = frozenset(COMMON_WORDS.split())
_MEANINGS: dict[str, set[str]] = {}
for _line in GROUPS.strip().splitlines():
    for _word in _line.split():
        _MEANINGS.setdefault(stem(_word), set()).add(_line.split()[0] + "=")
_POLES: dict[str, set[tuple[int, int]]] = {}
for _number, _line in enumerate(OPPOSITES.strip().splitlines()):
    for _sign, _side in zip((1, -1), _line.split("/"), strict=True):
        for _word in _side.split():
            _POLES.setdefault(_word if len(_word) < 4 else stem(_word), set()).add((_number, _sign))


def words(text: str) -> list[str]:
    """The words of a text that went through `normal`, numbers and signs included."""
    return _WORD.findall(text)


def content(text: str) -> list[str]:
    """The stems of the words of `text` that say something, without numbers."""
    return [
        stem(w)
        for w in words(normal(text))
        if w not in COMMON and w not in _NUMBER_WORDS and w[0].isalpha() and w[1:] and not (len(w) > 2 and _unit(w))
    ]


def meanings(stems: set[str]) -> set[str]:
    """`stems` and the groups of synonyms they belong to."""
    return stems.union(*(_MEANINGS.get(s, set()) for s in stems)) if stems else set()


def is_known(one: str, others: AbstractSet[str]) -> bool:
    """Whether `others`, with their `meanings`, hold the stem or a synonym of it."""
    return one in others or not _MEANINGS.get(one, set()).isdisjoint(others)


def poles(text: str) -> dict[int, set[int]]:
    """Which sides of which pairs of opposites `text` speaks of."""
    found: dict[int, set[int]] = {}
    for word in words(normal(text)):
        for pair, sign in _POLES.get(word, set()) | _POLES.get(stem(word), set()):
            found.setdefault(pair, set()).add(sign)
    return found


def denied(text: str) -> list[set[str]]:
    """What each denial in `text` is about: the stems of the next words up to the end of the clause."""
    text = normal(text)
    found = []
    for match in _NEGATIVE.finditer(text):
        rest = text[match.end() :]
        for end in (_DENIAL_END, _NEGATIVE):
            rest = end.split(rest)[0]
        found.append(set(content(rest)[:3]))
    return found


def denies(text: str) -> bool:
    """Whether `text` says no."""
    return bool(_NEGATIVE.search(normal(text)))


def refuses(text: str) -> bool:
    """Whether `text` says no in a word that has an opposite of its own, like forbidden."""
    return bool(_REFUSING.search(normal(text)))


def quantities(text: str) -> list[tuple[str, str]]:
    """Each quantity as its amount and what is counted: a dimension for known units, the next word's stem otherwise."""
    found: list[tuple[str, str]] = []
    tokens = words(normal(text))
    skip = False
    for at, word in enumerate(tokens):
        if skip:
            skip = False
            continue
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        if word in _EVERY or word in _MONTHLY:
            found.append((str(_EVERY.get(word) or _MONTHLY[word]), "time" if word in _EVERY else "month"))
            continue
        if word in _ORDINALS:
            found.append((str(_ORDINALS[word]), "rank"))
            continue
        amount = _amount(word)
        if amount is None:
            if word in ("a", "an", "per", "each", "every", "single") and (unit := _unit(following)) and unit[0] in (
                "time", "month"):  # fmt: skip
                found.append((str(unit[1]), unit[0]))
            continue
        second = _NUMBER_WORDS.get(following)
        if amount.isdecimal() and second is not None and word not in ("once", "twice"):
            is_tens = word in _NUMBER_WORDS and second < 10 <= int(amount) < 100
            if is_tens or second >= 100:
                amount = str(int(amount) + second if is_tens else int(amount) * second)
                following = tokens[at + 2] if at + 2 < len(tokens) else ""
                skip = True
        before = tokens[at - 1] if at else ""
        found.append(_counted(word, amount, before, following))
    return found


def _counted(word: str, amount: str, before: str, following: str) -> tuple[str, str]:
    if word in ("once", "twice", "thrice"):
        return amount, "times"
    if before in ("$", "€", "£"):
        return amount, before
    if (unit := _unit(following)) is None:
        return amount, stem(following) if following.isalpha() and following not in COMMON else ""
    return (str(int(amount) * unit[1]) if amount.isdecimal() else amount), unit[0]


def _amount(word: str) -> str | None:
    if word[0].isdigit():
        return str(int(word)) if word.isdecimal() else word.rstrip(".")
    number = _NUMBER_WORDS.get(word)
    return None if number is None else str(number)


def _unit(word: str) -> tuple[str, int] | None:
    return _UNITS.get(word) or _UNITS.get(word.removesuffix("s"))


def names(text: str) -> list[str]:
    """What `text` calls by a name: capitals in mid-sentence, file types, words with digits or capitals inside."""
    found = []
    is_start = True
    for match in _RAW.finditer(text):
        word = match.group(0)
        gap = text[max(match.start() - 2, 0) : match.start()]
        begins = is_start or bool(re.search(r"[.!?:\n]\s?$|^\W*[\"“*]$", gap))
        is_start = False
        if word[0].isdigit() and not re.search(r"[A-Za-z]", word):
            is_start = begins
            continue
        is_name = bool(_ODD.search(word)) or (word[0].isupper() and not begins and len(word) > 1)
        if (
            is_name
            and (word.istitle() or word.lower() not in COMMON)
            and not re.fullmatch(r"\d+(?:[kmgt]b|[a-z]{1,2})", word.lower())
        ):
            found.append(word.lower().removesuffix("'s").removesuffix("’s"))
    return found
