"""An article's revisions as people read them: who changed what, line by line, and how to have a text back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

from knowledge.models import Article
from knowledge.publishing import TEXT, save

CONTEXT_LINES = 1
# Above these, words are not compared: it takes the square of their number.
WORDS_OF_A_LINE = 200
CHARACTERS_OF_A_TEXT = 50_000
ALIKE = 0.5  # share of the words that are the same, for two lines to be shown as one that was changed
WORD = re.compile(r"\w+\s*|[^\w\s]\s*|^\s+")
FIELDS = {"slug": "Slug", "category": "Category", "topics": "Topics", "url": "Address"}
STATUS_WORDS = {"draft": "Back to draft", "published": "Published", "archived": "Archived"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a comparison. `kind`: same, gone, new, or gap for lines left out. `parts`: (text, is changed)."""

    kind: str
    parts: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A part of an article before and after, line by line."""

    name: str
    lines: list[Line]


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One save of an article. `record`: the row of its history; `words`: what was done; `compared`: the details."""

    record: Any
    who: str
    words: list[str]
    compared: list[Compared]
    is_current_text: bool


def revisions(article: Article, *, start: int = 0, limit: int = 20) -> list[Revision]:
    """Its saves from the newest on, each compared with the one before."""
    records = list(article.history.select_related("history_user")[start : start + limit + 1])
    has_first = len(records) <= limit
    pairs = [*pairwise(records), *([(records[-1], None)] if records and has_first else [])]
    return [_revision(article, record, before) for record, before in pairs]


def revision(article: Article, record: Any) -> Revision:
    """One of its saves."""
    older = article.history.filter(history_date__lte=record.history_date).exclude(pk__gte=record.pk)
    return _revision(article, record, older.first())


def restore(article: Article, record: Any) -> None:
    """Have the text of that save back, as a new revision; the status stays as it is. Raises EmptyText."""
    for name in TEXT:
        setattr(article, name, getattr(record, name))
    article._change_reason = f"Text of revision {record.revision} restored"
    save(article)


def has_text_of(article: Article, record: Any) -> bool:
    """Whether the article's text is that save's text."""
    return all(getattr(article, name) == getattr(record, name) for name in TEXT)


def _revision(article: Article, record: Any, before: Any | None) -> Revision:
    user = record.history_user
    return Revision(
        record=record,
        who=(user.get_full_name() or user.username) if user else "A command",
        words=_words(record, before),
        compared=changes(before, record) if before else [],
        is_current_text=has_text_of(article, record),
    )


def _words(record: Any, before: Any | None) -> list[str]:
    """What was done, in short: Created; Text, Category: billing; Published."""
    if before is None:
        return ["First revision"]
    words = [record.history_change_reason] if record.history_change_reason else []
    names = {"title": "Title", "summary": "Summary", "body_md": "Text"}
    words += [f"{words_for} changed" for name, words_for in names.items() if _differ(before, record, name)]
    for name, words_for in FIELDS.items():
        if _differ(before, record, name):
            value = getattr(record, name)
            words.append(f"{words_for}: {(', '.join(value) if isinstance(value, list) else value) or 'none'}")
    if before.status != record.status:
        words.append(STATUS_WORDS[record.status])
    return words or ["Saved without a change"]


def _differ(before: Any, after: Any, name: str) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def changes(before: Any, after: Any) -> list[Compared]:
    """What is different in the text of `after`: each an article, or a save of one."""
    return [
        Compared(name=words, lines=compare(getattr(before, name), getattr(after, name)))
        for name, words in (("title", "Title"), ("summary", "Summary"), ("body_md", "Text"))
        if _differ(before, after, name)
    ]


def compare(before: str, after: str) -> list[Line]:
    """The lines that differ, with a little of what is around them; in changed lines the changed words are marked."""
    old, new = before.splitlines(), after.splitlines()
    by_words = max(len(before), len(after)) <= CHARACTERS_OF_A_TEXT
    lines: list[Line] = []
    end = 0
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT_LINES):
        if group[0][1] > end:
            lines.append(Line(kind="gap"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [Line(kind="same", parts=((text, False),)) for text in old[i1:i2]]
            else:
                lines += _changed(old[i1:i2], new[j1:j2], by_words=by_words)
        end = group[-1][2]
    if lines and end < len(old):
        lines.append(Line(kind="gap"))
    return lines


def _changed(old: list[str], new: list[str], *, by_words: bool) -> Iterator[Line]:
    """Lines that were replaced: in pairs with their words compared when they are as many, one by one otherwise."""
    if len(old) != len(new) or not by_words:
        yield from (Line(kind="gone", parts=((text, True),)) for text in old)
        yield from (Line(kind="new", parts=((text, True),)) for text in new)
        return
    for before, after in zip(old, new, strict=True):
        gone, came = _words_compared(before, after)
        yield Line(kind="gone", parts=gone)
        yield Line(kind="new", parts=came)


def _words_compared(before: str, after: str) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    """The parts of both lines; all of it is changed when hardly anything is the same."""
    old, new = WORD.findall(before), WORD.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    is_long = max(len(old), len(new)) > WORDS_OF_A_LINE
    if is_long or matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE or matcher.ratio() < ALIKE:
        return ((before, True),), ((after, True),)
    gone, came = [], []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if i2 > i1:
            gone.append(("".join(old[i1:i2]), tag != "equal"))
        if j2 > j1:
            came.append(("".join(new[j1:j2]), tag != "equal"))
    return tuple(gone), tuple(came)
