"""What a draft would give away or lead to: foreign addresses, other people's data, secrets, words in disguise.

Whatever looks like one and is not said by the cited passages is a finding. A finding never repeats what it found.
"""

import re
from collections.abc import Collection, Iterator
from functools import cache
from urllib.parse import urlsplit

from agent_runner.prompts import CUSTOMER_SUCCESS_SYSTEM_PROMPT
from fte_project.markup import links
from fte_project.text import clean_text

SHINGLE = 6  # words in a row that are the prompt's and nobody else's
# Beside ASCII and the letters of Latin alphabets: what people and models write in plain English.
_TYPOGRAPHIC = frozenset("‘’“”–—…•·×÷→←↑↓≥≤°€£¥§©®™½¼¾«»✓✅🙂😊😀👍👋🙏🎉")
_WORD = re.compile(r"\w+")
_SPACES = re.compile(r"[^\S\n\r]")
_DOT = r"(?:\.|\s?[(\[{]\s?(?:dot|\.)\s?[)\]}]\s?|\sdot\s)"
_AT = r"(?:@|\s?[(\[{]\s?(?:at|@)\s?[)\]}]\s?|\sat\s(?=[\w-]+\sdot\s))"
_POINT = r"(?:\.|\[\.\]|\(\.\))"
_LABEL = r"[a-z0-9-]{1,63}"
_KEY = r"[\w+/=.-]"
_SMALL_NUMBER = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
# What it is, what it looks like.
_LOOKS_LIKE = tuple(
    (what, re.compile(pattern, re.IGNORECASE))
    for what, pattern in (
        ("an e-mail address", rf"(?<![\w.+-])[\w.+-]{{1,64}}{_AT}[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{1,9}}"),
        ("a phone number", r"\+?\(?\d(?:[\s()./-]{0,3}\d){6,}"),
        ("a phone number in words", rf"\b{_SMALL_NUMBER}(?:[\s,-]+{_SMALL_NUMBER}){{3,}}\b"),
        ("the reference of a ticket", r"\bt\s?-\s?\d{3,}\b"),
        ("a page that is not for everybody", r"/(?:support|admin|api)/\S*"),
        ("something like a key", rf"(?<!{_KEY})(?={_KEY}{{0,40}}\d)(?={_KEY}{{0,40}}[a-z]){_KEY}{{20,}}"),
        ("something like a key", r"\w[\w+/=-]{31,}"),
        ("an internal name", r"(?<![a-z0-9_])[a-z0-9]+_[a-z0-9]\w*"),
        ("letters one by one", r"(?<!\w)\w(?:\W{1,3}\w(?!\w)){3,}"),
        ("signs instead of words", r"(?:[^\w\s] ?){8,}"),
        ("an address", rf"(?<![\w.-]){_LABEL}(?:{_POINT}{_LABEL}){{0,9}}{_POINT}[a-z][a-z0-9-]{{1,62}}"),
        ("an address", r"\b[\w-]{1,63}(?: ?[(\[{] ?dot ?[)\]}] ?| dot )[\w-]"),
        ("an address", r"(?<![\w/:])//[\w.-]|\b[a-z][a-z0-9+.-]{1,20}:[/\\]"),
        ("an address", r"\b(?:javascript|vbscript|data|file|blob|mailto|tel|sms|https?|ftp):\S"),
        ("percent-encoded text", r"%[0-9a-f]{2}"),
        ("an image", r"!\["),
        ("a link by reference", r"\] ?\[|\[[^\]]{1,200}\]:"),
        ("HTML", r"<[a-z/!?]|&#?\w{1,20};"),
    )
)  # fmt: skip


def legible(text: str) -> str:
    """`text` as people will read it: no characters that cannot be stored, and every odd space is a space."""
    return clean_text(_SPACES.sub(" ", text))


def leaks(text: str, known: str, pages: Collection[str], hosts: Collection[str]) -> list[str]:
    """What `text` holds that it may not have from `known`, all that may be repeated.

    `pages` are the addresses that may be linked, below our own `hosts` or as they are.
    """
    found = [f"a link to {host}" for host in _foreign_hosts(text, known, pages, hosts)]
    # Our own pages were looked at as links; nothing that stands in their place may hide in them.
    rest, known = " ".join(text.split()), " ".join(known.split())
    for link in links(text):
        if _is_ours(link, pages, hosts):
            rest = rest.replace(link, " ")
    for what, pattern in _LOOKS_LIKE:
        ours = {_folded(m.group(0)) for m in pattern.finditer(known)}
        if any(_folded(m.group(0)) not in ours for m in pattern.finditer(rest)):
            found.append(what)
    if strange := {c for c in text if not _is_plain(c)} - set(known):
        found.append(
            f"characters that are none of English: {', '.join(sorted(f'U+{ord(c):04X}' for c in strange)[:5])}"
        )
    if (_shingles(text) & _of_the_prompt()) - _shingles(known):
        found.append("words of the assistant's instructions")
    return list(dict.fromkeys(found))


def _foreign_hosts(text: str, known: str, pages: Collection[str], hosts: Collection[str]) -> Iterator[str]:
    repeated = set(links(known))
    for link in links(text):
        if link not in repeated and not _is_ours(link, pages, hosts) and not _is_named(link, known):
            yield _host(link) or "an address that is none"


def _is_named(link: str, known: str) -> bool:
    """A bare host that the articles name, as code it may be: imap.example.net."""
    host = _host(link)
    is_bare = link.rstrip("/") in {host, f"http://{host}", f"https://{host}"}
    return is_bare and bool(host) and bool(re.search(rf"(?<![\w.@/-]){re.escape(host)}(?![\w@/-]|\.\w)", known.lower()))


def _is_ours(link: str, pages: Collection[str], hosts: Collection[str]) -> bool:
    """One of the pages, by its path or at one of our hosts; nothing is added to it."""
    if link in pages:
        return True
    scheme, _, rest = link.partition("://")
    host, slash, path = rest.partition("/")
    return scheme in {"http", "https"} and host.lower() in hosts and slash + path in pages


def _host(link: str) -> str:
    try:
        return (urlsplit(link if "//" in link else f"//{link}").hostname or "").lower()
    except ValueError:  # "https://[x" and the like
        return ""


def _folded(found: str) -> str:
    """The same for two spellings of the same thing."""
    return re.sub(r"[\s().-]+", "", found).lower()


def _is_plain(character: str) -> bool:
    return " " <= character <= "~" or character == "\n" or "À" <= character < "ɐ" or character in _TYPOGRAPHIC


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1)}


@cache
def _of_the_prompt() -> frozenset[tuple[str, ...]]:
    return frozenset(_shingles(CUSTOMER_SUCCESS_SYSTEM_PROMPT))
