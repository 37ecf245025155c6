"""Whether a section is about the customer's own system, provider and version: steps for another one only look right."""

import re
from collections.abc import Sequence

from knowledge.search import Hit

type Group = dict[str, re.Pattern[str]]


def _group(**names: str) -> Group:
    """Names of which a section is about one and a customer has one, each with the words for it."""
    return {
        name.replace("_", " "): re.compile(rf"(?<![\w.-])(?:{words})(?![\w-])", re.IGNORECASE)
        for name, words in names.items()
    }


_SYSTEMS = _group(
    Windows=r"windows|win ?(?:7|8|10|11)",
    macOS=r"mac|macs|macos|mac os|os ?x|macbooks?|imac|mac ?mini",
    Linux=r"linux|ubuntu|debian|fedora|mint|opensuse|arch linux",
    Android=r"android|samsung|pixel",
    iOS=r"ios|iphones?|ipads?|ipados",
    Chrome_OS=r"chromebooks?|chrome ?os",
)
_PROVIDERS = _group(
    Google=r"google|gmail|googlemail|g ?suite|google workspace",
    Microsoft=r"microsoft|outlook|hotmail|office ?365|microsoft 365|o365|exchange|msn",
    Yahoo=r"yahoo|aol|ymail|verizon|at&t|sbcglobal",
    Apple=r"icloud|apple id",
    Proton=r"proton|protonmail",
    Zoho=r"zoho",
    GMX=r"gmx",
    Slack=r"slack",
    Okta=r"okta",
)
_BROWSERS = _group(
    Firefox=r"firefox",
    Chrome=r"(?:google )?chrome(?! ?os)|chromium",
    Safari=r"safari",
    Edge=r"(?:microsoft )?edge",
)
_GROUPS = (_SYSTEMS, _PROVIDERS, _BROWSERS)
# Beside them, what sections are written for but articles mention freely.
_ACCOUNTS = _group(IMAP=r"imap", POP=r"pop|pop3", Exchange=r"exchange")
_ROLES = _group(
    owner=r"owners?", admin=r"admins?|administrators?", member=r"members?", guest=r"guests?", editor=r"editors?"
)
_MOBILE = re.compile(r"\b(?:mobile|(?:smart)?phones?|tablets?)\b", re.IGNORECASE)
# "version 102.6.1", "v115", "Thunderbird 128", "102.13.1": the first number counts. Not dates, times or amounts.
_VERSION = re.compile(
    r"(?<![\d./:-])(\d{1,3})(?:\.\d+){1,3}(?![\d:/]|\s?(?:%|[kmg]b\b))|\b(?:version|v\.?|release) ?(\d{1,3})\b", re.I
)
_IN_A_TITLE = re.compile(r"\b[A-Z]\w+ ([1-9]\d|1\d\d)\b")  # not "status 404"


def conflicts(asked: str, hit: Hit) -> list[str]:
    """What the section, its headings or its article are for that the customer does not have, as findings for staff."""
    headings = f"{hit.title}\n{hit.section}"
    found = []
    for group in _GROUPS:
        theirs, about, around = _named(asked, group), _named(headings, group), _named(hit.passage, group)
        if group is _SYSTEMS and _MOBILE.search(asked):
            theirs |= {"Android", "iOS"}
        if about and not about & theirs:
            found.append(f"it is about {_listed(about)}, which the customer does not mention")
        elif theirs and around and not theirs & (around | about):
            found.append(f"it speaks of {_listed(around)}, the customer of {_listed(theirs)}")
    versions = _versions(headings) | set(_IN_A_TITLE.findall(headings))
    if versions and not versions & (_versions(asked) | set(re.findall(r"\d+", asked))):
        found.append(f"it is about version {_listed(versions)}, which the customer does not mention")
    return found


def facet_of(sections: Sequence[str], section: str, asked: str) -> tuple[str, ...]:
    """What `section` and its neighbours are each for, when that alone tells them apart and `asked` leaves it open.

    All are trails of headings. Empty when the section is for everybody, or when the customer has said it.
    """
    above, _, heading = section.rpartition(" › ")
    for group in (*_GROUPS, _ACCOUNTS, _ROLES):
        if len(_named(heading, group)) != 1 or _named(asked, group):
            continue
        if group is _SYSTEMS and _MOBILE.search(asked):
            continue
        beside = [_named(s.rpartition(" › ")[2], group) for s in sections if s.rpartition(" › ")[0] == above]
        values = sorted({name for names in beside if len(names) == 1 for name in names})
        if len(values) > 1:
            return tuple(values)
    return ()


def _named(text: str, group: Group) -> set[str]:
    return {name for name, pattern in group.items() if pattern.search(text)}


def _versions(text: str) -> set[str]:
    return {one or other for one, other in _VERSION.findall(text)}


def _listed(names: set[str]) -> str:
    return " and ".join(sorted(names))
