"""Words as the gate compares them: stems, synonyms, opposites, quantities and names."""

# ruff: noqa: SIM905, E501
import re
from collections.abc import Set as AbstractSet
from functools import lru_cache

from agent_runner.word_groups import GROUPS
from agent_runner.word_synonyms import SYNONYMS
from agent_runner.word_tables import COMMON_WORDS, IRREGULAR, LIGHT_WORDS, OPPOSITES

_SUFFIXES = (
    "ications ication izations ization ations ation ability ibility ators ator ating ated ates ate itions ition ments "
    "ment ions ion ically ingly ings ing edly ied ed ies es 's ness ally ly able ible ances ance ences ence ers er ors "
    "or als al ive iv ity ify ical ic s e y"
).split()
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
    "digit": ("digit", 1), "bar": ("bar", 1), "o'clock": ("clock", 1),
    "volt": ("v", 1), "v": ("v", 1), "°c": ("°", 1), "°": ("°", 1),
    "$": ("$", 1), "dollar": ("$", 1), "€": ("€", 1), "euro": ("€", 1), "£": ("£", 1), "pound": ("£", 1),
}  # fmt: skip
_ORDINALS = {w: n for n, w in enumerate("third fourth fifth sixth seventh eighth ninth tenth".split(), 3)} | {
    "first": 1
}
_EVERY = {"daily": 86400, "hourly": 3600, "weekly": 604800, "nightly": 86400}
_MONTHLY = {"monthly": 1, "quarterly": 3, "yearly": 12, "annually": 12, "annual": 12}
_REWRITTEN = (
    (r"[’‘]", "'"),
    (r"\b0(?=\d:\d\d)", ""),
    (r"\b12(:\d\d)? ?a\.?m\b\.?", r"0\1 o'clock"),
    (r"\b12(:\d\d)? ?p\.?m\b\.?", r"12\1 o'clock"),
    (r"\b(\d{1,2}(?::\d\d)?) ?a\.?m\b\.?", r"\1 o'clock"),
    *((rf"\b{n}(:\d\d)? ?p\.?m\b\.?", rf"{n + 12}\1 o'clock") for n in range(1, 12)),
    (r"\b(\d{1,2}):00\b", r"\1 o'clock"),
    (r"\b(\d{1,2}:\d\d)\b", r"\1 o'clock"),
    (r"\bo'clock o'clock\b", "o'clock"),
    (r"\be-mail", "email"),
    (r"\bcannot\b|\bcan't\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"(?<=[a-z])'(?:ve|ll|re|d|m)\b|\b(?<=it)'s\b", ""),
    (r"\bper cent\b", "percent"),
    (r"\bhalf an hour\b", "30 minutes"),
    (r"\ba fortnight\b|\bfortnight\b", "14 days"),
    (r"\bno need\b", "not need"),
    (r"\b(?:no|not) (?:more|longer|greater|larger|bigger) than\b|\bup to\b|\bat the most\b", "maximum"),
    (r"\b(?:no|not) (?:fewer|less|shorter) than\b", "minimum"),
    (r"\b(?:no|not) (?:later|earlier) than\b|\bat the latest\b|\bas (?:long|far|late|early) as(?= \d)", "within"),
    (r"\bas (?:many|much|large) as\b", "maximum"),
    (r"\bat least\b|\ba minimum of\b", "minimum"),
    (r"\bat most\b|\ba maximum of\b", "maximum"),
    (r"\bquarter of an hour\b", "15 minutes"),
    (r"\b(?:turn|switch|shut)(?:s|es|ed|ing)? (?:(?!on\b|off\b)[\w-]+ ){0,4}?(?:back )?on\b", "enable"),
    (r"\b(?:turn|switch|shut)(?:s|es|ed|ing)? ((?:[\w-]+ ){0,4}?)off\b", r"disable \1"),
    (r"\b(?:bring|brings|brought|get|put) ((?:[\w-]+ ){0,2})back\b", r"restore \1"),
    (r"\b(?:does|do|will) not go away\b", "stays"),
    (r"\b(?:as soon as|once (?=\w+ (?:has|have|is|are)\b)|once (?=[a-z]+ \w+ (?:have|has|are)))", "when "),
    (r"\b(?:no longer|not any ?more|not any longer)\b", "not"),
    (
        r"\b(?:on|of) (?:its|their|your) own\b(?! \w)|\bby (?:it|them)sel(?:f|ves)\b|\b(?:it|them)sel(?:f|ves)\b",
        "automatically",
    ),
    (
        r"\b(?:go|goes|went|gone|give|gives|given|send|sends|sent|bring|brings|brought|take|takes|taken|put|puts) ((?:[\w-]+ ){0,2})back\b",
        r"return \1",
    ),
    (r"\b(?:right away|straight away|at once|on the spot|without delay|instantly)\b", "immediately"),
    (r"\b(?:for good|for ever|forever)\b", "permanently"),
    (r"\b(?:make|makes|made|making) sure\b", "ensure"),
    (r"\b(?:get rid of|take out|takes out|take off|takes off)\b", "remove"),
    (r"\b(?:in (?:front of|advance|advance of)|prior to|ahead of)\b", "before"),
    (r"\b(?:in addition|as well|on top)\b", "also"),
    (
        r"\b(?:provided(?: that)?|providing that|as long as|so long as|on condition that|in case|in the event)\b(?! by| with)",
        "if",
    ),
    (r"\b(?:look|looks|looking) for\b", "find"),
    (r"\b(?:stays?|stayed|remains?) on(?= (?:when|whenever|while|until|if|even|after)\b|[.,;]|$)", "stays enabled"),
    (r"\b(?:stays?|stayed|remains?) off(?= (?:when|whenever|while|until|if|even|after)\b|[.,;]|$)", "stays disabled"),
    (r"\b(?:leave|leaves|leaving|left) ((?:(?!and\b)\w+ ){0,2})out\b", r"exclude \1"),
    (r"\b(?:log|sign)(?:s|ged|ned|ging|ning)?[ -](?:in|on)\b", "login"),
    (r"\b(?:log|sign)(?:s|ged|ned|ging|ning)?[ -]o(?:ut|ff)\b", "logout"),
    (r"\b(?:set|sets|setting)[ -]up\b", "configure"),
    (r"\b(?:type|types|typing|typed|fill|fills|filled|filling|key) in\b", "enter"),
    (r"\bback(?:s|ed|ing)? up\b|\bback-ups?\b", "backup"),
    (r"\b(?:carry|carries|carried|carrying) out\b", "perform"),
    (r"\b(?:find|finds|found) out\b", "learn"),
    (r"\b(?:pick|picks|picked) up\b", "collect"),
    (r"\b(?:run|runs|running|ran) out\b", "expire empty"),
    (r"\b(?:keep|keeps|kept|go|goes|going) on (?=\w+ing\b)", "keep "),
    (r"\bthird[- ]party\b", "thirdparty"),
    (r"\b(\w+) or (?:more|over|later|newer|above|higher)\b", r"\1"),
    (r"\bdue to\b", "because"),
    (r"\bshut(?:s|ting)? down\b", "close"),
    (r"\b(?:two|2)[- ](?:factor|step)\b|\b2fa\b|\bmfa\b", "twofactor"),
    (r"\bnot only\b", "also"),
    (r"\b(?:nobody|no one|none) (?:but|except|other than)\b|\bexclusively\b|\bsolely\b|\bnowhere but\b", "only"),
    (r"\bno one\b", "nobody"),
    (r"\bfree of charge\b|\bno charge\b|\bat no cost\b|\bwithout charge\b|\bcosts? nothing\b", "free"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
)
_COMPILED = tuple((re.compile(pattern), put) for pattern, put in _REWRITTEN)
_PART_END = re.compile(r"[.;:,!?)](?:\s|$)")
_WORD = re.compile(r"\d+(?:[.:/]\d+)*|o'clock|[^\W\d_]+(?:'s)?\d*|[%$€£]|°c?", re.IGNORECASE)
_RAW = re.compile(r"\.?[^\W_]+(?:[.'’-][^\W_]+)*")
_ODD = re.compile(r"[a-z][A-Z]|[^\W\d_]\d|\d[^\W\d_]|^\.[a-z]|^[A-Z]{2,}$|^\w+\.[a-z]{2,4}$")


@lru_cache(maxsize=5_000)
def normal(text: str) -> str:
    """`text` in lower case with the spellings and phrases that mean the same written in one way."""
    found = text.lower()
    for pattern, put in _COMPILED:
        found = pattern.sub(put, found)
    return found


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """`word` without its endings: rough, but the same for the forms of a word."""
    if word in _FORMS:
        word = _FORMS[word]
    for shortest in (3, 4):  # answered, answers: answ
        for suffix in _SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= shortest:
                word = word[: -len(suffix)]
                break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


_FORMS = dict(pair.split(":") for pair in IRREGULAR.split())
COMMON = frozenset(COMMON_WORDS.split())
LIGHT = frozenset(map(stem, LIGHT_WORDS.split()))
_MEANINGS: dict[str, set[str]] = {}
_KIN: dict[str, set[int]] = {}
_SIDES: dict[str, set[tuple[str, int]]] = {}
for _number, _line in enumerate(GROUPS.replace("\n", "|").split("|")):
    for _word in _line.split():
        _MEANINGS.setdefault(stem(_word), set()).add(f"{_number}=")
for _number, _line in enumerate(SYNONYMS.replace("\n", "|").split("|")):
    for _word in _line.split():
        _KIN.setdefault(stem(_word), set()).add(_number)
for _number, _line in enumerate(OPPOSITES.strip().splitlines()):
    for _sign, _side in zip((1, -1), _line.split("/"), strict=True):
        for _word in _side.split():
            _SIDES.setdefault(stem(_word), set()).add((f"{_number}~", _sign))


def words(text: str) -> list[str]:
    """The words of a text that went through `normal`, numbers and signs included."""
    return _WORD.findall(text)


def content(text: str) -> list[str]:
    """The stems of the words of `text` that say something, without numbers."""
    return [stem(w) for w in words(normal(text)) if is_content(w)]


def groups(one: str) -> AbstractSet[str]:
    """The groups of synonyms that a stem belongs to."""
    return _MEANINGS.get(one, frozenset())


def kin(one: str) -> AbstractSet[int]:
    """The groups of words that may stand for a stem in some sentences but not in all."""
    return _KIN.get(one, frozenset())


def is_rare(one: str) -> bool:
    """Whether no table has the stem: no everyday word of support English, so hardly one that a paraphrase brings."""
    return one not in _MEANINGS and one not in _KIN and one not in _SIDES and one not in LIGHT


def sides(word: str) -> AbstractSet[tuple[str, int]]:
    """The pairs of opposites that a word or stem belongs to, with its side."""
    return _SIDES.get(word) or _SIDES.get(stem(word)) or frozenset()


def is_content(word: str) -> bool:
    """Whether a word says something by itself and is no number."""
    return (
        word not in COMMON
        and word not in _NUMBER_WORDS
        and word not in _EVERY
        and word not in _MONTHLY
        and word[0].isalpha()
        and len(word) > 1
        and not (len(word) > 2 and _unit(word))
    )


def is_known(one: str, others: AbstractSet[str]) -> bool:
    """Whether `others`, with the groups they belong to, hold the stem or a synonym of it."""
    return one in others or not _MEANINGS.get(one, set()).isdisjoint(others)


def quantities(text: str) -> list[tuple[str, str]]:
    """Each quantity as its amount and what is counted: a dimension for known units, the next word's stem otherwise."""
    return [quantity for part in _PART_END.split(normal(text)) for quantity in _quantities_of(part)]


@lru_cache(maxsize=5_000)
def _quantities_of(text: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    tokens = words(text)
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
        if following in ("and", "to", "or") and _amount("".join(tokens[at + 2 : at + 3]) or "-"):
            following = "".join(tokens[at + 3 : at + 4])  # "1 and 4 weeks"
        before = tokens[at - 1] if at else ""
        found.append(_counted(word, amount, before, following))
    return tuple(found)


def plain_amounts(text: str) -> set[str]:
    """The numbers of `text` as they stand there, whatever they count."""
    return {amount for word in words(normal(text)) if (amount := _amount(word))}


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
