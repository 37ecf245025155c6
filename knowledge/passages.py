"""From an article's pieces to what may be quoted of it: a section as its author wrote it, its lists whole."""

import re
from collections.abc import Sequence
from typing import NamedTuple

LONGEST = 2800  # characters: about 450 words, the longest that a mail may be
_GOES_ON = re.compile(r"\s*(?:[2-9]|\d\d+)[.)] |\s*[-*+] |\s{2,}\S")
_STEP = re.compile(r"(?:Step )?(?:[2-9]|\d\d+)[.):] ")
_LIST_ITEM = re.compile(r"\s*(?:\d+[.)]|[-*+]) ")


class Part(NamedTuple):
    """A piece of an article: `section` is its trail of headings."""

    position: int
    section: str
    text: str


def quoted(parts: Sequence[Part], position: int) -> tuple[str, bool]:
    """What is quoted of a section and those below it, of which the part at `position` is the best; and whether that is
    all that belongs together: no list is cut, and nothing is announced that does not follow.

    All of it when it fits into LONGEST, else the part's own section, else the part and as much of what stands around it
    as fits: first the rest of the list that it is part of.
    """
    chosen = next(n for n, part in enumerate(parts) if part.position == position)
    first, last = _run(parts, chosen)
    if _size(parts[first : last + 1]) > LONGEST and not _are_steps(parts[first : last + 1]):
        first, last = _own(parts, chosen)
    if _size(parts[first : last + 1]) > LONGEST:
        first, last = _grown(parts, chosen, first, last)
    text = _joined(parts[first : last + 1])
    return text, not (_is_cut(parts, first) or _is_cut(parts, last + 1) or text.rstrip().endswith(":"))


def _run(parts: Sequence[Part], chosen: int) -> tuple[int, int]:
    """The parts that follow one another: two sections of an article may have the same trail."""
    first = last = chosen
    while first > 0 and parts[first - 1].position == parts[first].position - 1:
        first -= 1
    while last + 1 < len(parts) and parts[last + 1].position == parts[last].position + 1:
        last += 1
    return first, last


def _own(parts: Sequence[Part], chosen: int) -> tuple[int, int]:
    first = last = chosen
    while first > 0 and parts[first - 1].section == parts[chosen].section:
        first -= 1
    while last + 1 < len(parts) and parts[last + 1].section == parts[chosen].section:
        last += 1
    return first, last


def _are_steps(parts: Sequence[Part]) -> bool:
    """Whether headings are the steps of a list: none of them says anything alone."""
    return any(_STEP.match(part.section.rpartition(" › ")[2]) for part in parts)


def _grown(parts: Sequence[Part], chosen: int, lowest: int, highest: int) -> tuple[int, int]:
    first = last = chosen
    while True:
        more = [n for n, is_possible in ((first - 1, first > lowest), (last + 1, last < highest)) if is_possible]
        cut = [n for n in more if _is_cut(parts, n + 1 if n < first else n)]
        fits = [n for n in cut or more if _size(parts[min(n, first) : max(n, last) + 1]) <= LONGEST]
        if not fits:
            return first, last
        first, last = min(first, fits[-1]), max(last, fits[-1])


def _is_cut(parts: Sequence[Part], n: int) -> bool:
    """Whether a list goes on from part n - 1 to part n."""
    if not 0 < n < len(parts) or parts[n].position != parts[n - 1].position + 1:
        return False
    if parts[n].section != parts[n - 1].section:
        return bool(_STEP.match(parts[n].section.rpartition(" › ")[2]))
    before = parts[n - 1].text.rstrip().rpartition("\n\n")[2]
    return bool(_GOES_ON.match(parts[n].text)) and any(_LIST_ITEM.match(line) for line in before.split("\n"))


def _size(parts: Sequence[Part]) -> int:
    return sum(len(part.text) for part in parts)


def _joined(parts: Sequence[Part]) -> str:
    """In reading order, each new section below the article's own title under its heading."""
    blocks: list[str] = []
    section = ""
    for part in parts:
        heading = part.section.rpartition(" › ")[2] if " › " in part.section else ""
        if heading and part.section != section:
            blocks.append(f"**{heading}**")
        section = part.section
        blocks.append(part.text)
    return "\n\n".join(blocks)
