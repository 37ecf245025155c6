"""Which language a message is written in: by its script, else by the small words that hold its sentences together."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from agent_runner.language_words import ANYBODYS, ENDINGS, ENGLISH, LETTERS, WORDS
from agent_runner.own_words import own_words

ARTICLES = "en"  # the language of the knowledge base
SURE_FROM = 0.6  # of the words that tell something, so many speak for the language
FEW_WORDS = 2  # so few are certain only when all of them are known
KNOWN_SHARE = 0.2  # of all words: fewer may be a quote or a list of names

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_TOKEN = re.compile(r"[\w#./\\-]+")
_IDENTIFIER = re.compile(r"[_#/\\\d]|\w\.\w")  # also versions and paths
_QUOTED = re.compile(r"\"[^\"\n]{2,200}\"|“[^”\n]{2,200}”|„[^“”\n]{2,200}[“”]|«[^»\n]{2,200}»")
_SCRIPTS = (
    "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "DEVANAGARI",
)  # fmt: skip
_BY_SCRIPT = {
    "GREEK": "el", "ARABIC": "ar", "HEBREW": "he", "CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko",
    "THAI": "th", "DEVANAGARI": "hi",
}  # fmt: skip
_NAMES = {
    "en": "English", "es": "Spanish", "de": "German", "fr": "French", "pt": "Portuguese", "it": "Italian",
    "nl": "Dutch", "pl": "Polish", "tr": "Turkish", "sv": "Swedish", "da": "Danish", "no": "Norwegian",
    "fi": "Finnish", "cs": "Czech", "hu": "Hungarian", "ro": "Romanian", "id": "Indonesian", "ru": "Russian",
    "uk": "Ukrainian", "el": "Greek", "ar": "Arabic", "he": "Hebrew", "zh": "Chinese", "ja": "Japanese",
    "ko": "Korean", "th": "Thai", "hi": "Hindi",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Guess:
    """An ISO 639-1 code and how sure it is, 0 to 1; from SURE_FROM it may be relied on."""

    code: str
    confidence: float


def language_of(text: str) -> Guess | None:
    """The language of a message's own words; None when there are too few of them to tell.

    In doubt between English and another one it is English: a question that is taken for foreign is not answered.
    """
    said = own_words(text.replace("’", "'"))
    unquoted = _QUOTED.sub(" ", said)
    said = unquoted if len(_WORD.findall(unquoted)) >= 2 else said
    said = _TOKEN.sub(lambda token: " " if _IDENTIFIER.search(token[0]) else token[0], said)
    return _by_script(said) or _by_words(said)


def sure_language(*texts: str) -> str:
    """The code of the first of `texts` whose language is sure; empty when none is."""
    for text in texts:
        guess = language_of(text)
        if guess is not None and guess.confidence >= SURE_FROM:
            return guess.code
    return ""


def language_name(code: str) -> str:
    """What the language is called in English; the code itself when we do not know."""
    return _NAMES.get(code, code)


def _by_script(text: str) -> Guess | None:
    """Of a text that is mostly in another script than ours."""
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return None
    found = Counter(map(_script, letters))
    latin = found.pop("", 0)
    if not found:
        return None
    # One Chinese character is as much as half a word of ours.
    weight = 2 if {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"} & set(found) else 1
    foreign = sum(found.values()) * weight
    share = foreign / (foreign + latin)
    if share < SURE_FROM:
        return None
    return Guess(code=_of_script(found, text), confidence=round(share, 3))


def _script(letter: str) -> str:
    if letter < "\u0370":
        return ""
    name = unicodedata.name(letter, "")
    return next((script for script in _SCRIPTS if name.startswith(script)), "")


def _of_script(found: Counter[str], text: str) -> str:
    main = found.most_common(1)[0][0]
    if main == "CYRILLIC":
        return "uk" if re.search(r"[іїєґ]", text.lower()) else "ru"
    if found["HIRAGANA"] + found["KATAKANA"]:  # Chinese never writes them, Japanese always does
        return "ja"
    return _BY_SCRIPT[main]


def _by_words(text: str) -> Guess | None:
    words = list(dict.fromkeys(_words(text)))
    english = sum(1 for word, _ in words if word in ENGLISH)
    scores = {code: _score(words, code) for code in WORDS}
    best = max(scores, key=lambda code: scores[code].rank)
    foreign = scores[best].telling
    if not foreign and not english:
        return None
    share = foreign / (foreign + english)
    # Where no English word is, those that English has as well speak for the other language.
    all_told = foreign + (0 if english else scores[best].shared)
    if share >= SURE_FROM and _is_enough(foreign, all_told, len(words)):
        return Guess(code=best, confidence=round(share, 3))
    if english:
        # What little speaks for another language may be a name, a quote or a word of thanks.
        return Guess(code=ARTICLES, confidence=round(max(1 - share, SURE_FROM if english >= 2 else 0.5), 3))
    return Guess(code=best, confidence=round(min(share, SURE_FROM - 0.1), 3))


def _is_enough(telling: float, all_told: float, words: int) -> bool:
    if words <= FEW_WORDS:
        return telling >= words
    return telling >= 1 and all_told >= 2 and telling >= KNOWN_SHARE * words


@dataclass(frozen=True, kw_only=True)
class _Score:
    """How many words are this language's and not English (`telling`), how many are anybody's (`shared`), and how much
    all of them speak for this one among the foreign ones (`rank`)."""

    telling: float
    shared: int
    rank: float


def _score(words: list[tuple[str, bool]], code: str) -> _Score:
    telling = rank = 0.0
    shared = 0
    for word, is_name in words:
        if word in WORDS[code]:
            rank += 1 / _owners(word)
            telling += word not in ENGLISH and word not in ANYBODYS
            shared += word in ANYBODYS
        elif not is_name and word not in ENGLISH and _looks(word, code):
            rank += 0.3
            telling += 0.5
    return _Score(telling=telling, shared=shared, rank=rank)


def _owners(word: str) -> int:
    return sum(word in listed for listed in WORDS.values())


def _looks(word: str, code: str) -> bool:
    """A word in no table that is written as the language writes."""
    if any(code in LETTERS.get(letter, ()) for letter in word):
        return True
    return len(word) > 5 and word not in ANYBODYS and word.endswith(ENDINGS.get(code, ("\0",)))


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Every word in lower case, and whether it may be a name: capitalised, and not the first one of its line."""
    for line in text.split("\n"):
        for place, written in enumerate(_WORD.findall(line)):
            is_name = written[0].isupper() and not written.isupper() and place > 0
            word = written.lower()
            parts = [word] if "'" not in word or word in ENGLISH or _owners(word) else word.split("'")
            yield from ((part, is_name) for part in parts)
