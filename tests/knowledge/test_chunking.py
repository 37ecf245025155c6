"""How an article is cut: at its headings, in readable pieces, and nothing gets lost."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import pieces, sections
from knowledge.embeddings import MAX_TOKENS, tokenizer
from knowledge.loading import read_articles
from tests.factories import SAMPLE

BODY = """\
Before any heading.

## First

Text of the first.

### Deeper

Text of the deeper.

## Second
Text of the second, right below.

Setext heading
--------------

Its text.

```
# no heading in code
```

- a list
  # no heading in a list either
"""


def test_sections_follow_the_headings_and_keep_their_trail() -> None:
    found = dict(sections("Title", BODY))
    assert list(found) == [
        "Title",
        "Title › First",
        "Title › First › Deeper",
        "Title › Second",
        "Title › Setext heading",
    ]
    assert found["Title"] == "Before any heading."
    assert found["Title › First › Deeper"] == "Text of the deeper."
    assert found["Title › Second"] == "Text of the second, right below."
    assert "# no heading in code" in found["Title › Setext heading"]


@pytest.mark.parametrize(
    "end", ["\n", "\r\n", "\r", "\n\u2028", "\n\x85", "\n\x0c"], ids=["unix", "windows", "mac", "LS", "NEL", "FF"]
)
def test_line_ends_of_any_editor_lose_no_line(end: str) -> None:
    lines = ["zero\u2028half", "", "## One", "", "first", "", "## Two", "", "second", "", "third"]
    found = dict(sections("T", end.join(lines)))
    words = " ".join([*found, *found.values()])
    for word in ("zero", "half", "One", "first", "Two", "second", "third"):
        assert word in words
    if "\u2028" not in end and "\x85" not in end and "\x0c" not in end:
        assert list(found) == ["T", "T › One", "T › Two"]
        assert found["T › Two"].split() == ["second", "third"]


def test_the_summary_comes_first_and_is_marked() -> None:
    first, *rest = pieces("Title", "What it is about.", BODY)
    assert (first.section, first.text, first.is_summary) == ("Title", "What it is about.", True)
    assert not any(p.is_summary for p in rest)
    assert pieces("Title", "", "Text.")[0].text == "Text."


def test_an_article_without_text_is_found_by_its_title() -> None:
    (only,) = pieces("Title", "", "")
    assert (only.section, only.text, only.embedded_text()) == ("", "Title", "Title")


def test_long_text_is_cut_between_words() -> None:
    text = " ".join(f"word{n}" for n in range(2000))
    found = pieces("Title", "", f"## Part\n\n{text}")
    assert len(found) > 5
    assert " ".join(p.text for p in found) == text
    assert {p.section for p in found} == {"Title › Part"}


def test_every_piece_of_the_sample_fits_the_model_with_its_trail() -> None:
    for article in read_articles(SAMPLE):
        for piece in pieces(article.title, article.summary, article.body_md):
            assert len(tokenizer().encode(piece.embedded_text()).ids) <= MAX_TOKENS, piece.section
            assert piece.is_summary or piece.text in re.sub(r"\r\n?", "\n", article.body_md)


def test_a_key_is_of_the_words_and_their_place() -> None:
    one = pieces("Title", "", "## A\n\nSame words.\n\n## B\n\nSame words.")
    again = pieces("Title", "", "## Zero\n\nNew.\n\n## A\n\nSame words.\n\n## B\n\nSame words.")
    assert one[0].key() != one[1].key()
    assert {p.key() for p in one} <= {p.key() for p in again}


MARKDOWN = st.lists(
    st.sampled_from(["# Heading one", "## Heading two", "text", "- item", "> quote", "```", "1. step", "", "| a | b |"])
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=30),
    max_size=20,
).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(MARKDOWN)
def test_no_word_of_any_article_gets_lost(body: str) -> None:
    found = pieces("Title", "", body)
    assert all(len(p.section) <= 300 for p in found)
    kept = " ".join(f"{p.section} {p.text}" for p in found)
    for word in re.findall(r"\b(?:text|item|quote|step)\b", body):
        assert word in kept
    text = " ".join(words for _, words in sections("Title", body))
    assert text.count("item") <= body.count("item")
