"""How an article is cut: at its headings, with the trail of headings kept, in pieces the embedding model can read."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from semantic_text_splitter import MarkdownSplitter

from knowledge.embeddings import MAX_TOKENS, tokenizer

BODY_TOKENS = MAX_TOKENS - 56  # what is left is for title and headings
FORMAT = "2"  # of `embedded_text`: part of the keys, so that another format embeds anew
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A passage: `section` is its trail of headings, `text` the article's own Markdown."""

    section: str
    text: str
    is_summary: bool = False

    def key(self) -> str:
        """The same for the same words under the same headings, whatever stands around them."""
        return hashlib.sha256(f"{FORMAT}\n{self.section}\n{self.text}".encode()).hexdigest()[:40]

    def embedded_text(self) -> str:
        """What the search reads of it: the trail and the words, without Markdown's marks and addresses."""
        words = plain(self.text)
        return f"{self.section}\n{words}" if self.section else words


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def plain(markdown: str) -> str:
    """The words of `markdown` as a reader sees them, a block a line; addresses cost tokens and say nothing."""
    lines = []
    for token in _markdown().parse(markdown):
        if token.type == "inline":
            lines.append("".join(_words(child) for child in token.children or ()))
        elif token.type in {"fence", "code_block"}:
            lines.append(token.content)
    return "\n".join(found for line in lines if (found := _ADDRESS.sub("", line).strip()))


def _words(token: Token) -> str:
    return "\n" if token.type in {"softbreak", "hardbreak"} else "" if token.type == "html_inline" else token.content


def _size(markdown: str) -> int:
    return len(tokenizer().encode(plain(markdown), add_special_tokens=False).ids)


@cache
def _splitter() -> MarkdownSplitter:
    return MarkdownSplitter.from_callback(_size, BODY_TOKENS)


def sections(title: str, body_md: str) -> list[tuple[str, str]]:
    """(trail of headings, Markdown below the last of them) in reading order; the part before the first has `title`."""
    lines = re.split(r"\r\n|\r|\n", body_md)  # as Markdown counts them; splitlines() also ends lines at U+2028
    heads: list[tuple[int, int, int, str]] = []  # first line, line after, level, text
    tokens = _markdown().parse(body_md)
    for i, token in enumerate(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            heads.append((token.map[0], token.map[1], int(token.tag[1]), tokens[i + 1].content))
    found: list[tuple[str, str]] = []
    trail: list[tuple[int, str]] = []
    first = heads[0][0] if heads else len(lines)
    found.append((title, "\n".join(lines[:first]).strip()))
    for n, (_, after, level, text) in enumerate(heads):
        end = heads[n + 1][0] if n + 1 < len(heads) else len(lines)
        trail = [*(t for t in trail if t[0] < level), (level, text)]
        found.append((" › ".join([title, *(t for _, t in trail)]), "\n".join(lines[after:end]).strip()))
    return [(section[:300], text) for section, text in found if text]


def pieces(title: str, summary: str, body_md: str) -> list[Piece]:
    """The article's passages in reading order, each at most MAX_TOKENS with its trail; title and summary come first."""
    found = [Piece(section=title[:300], text=summary, is_summary=True)] if summary else []
    for section, text in sections(title, body_md):
        found.extend(Piece(section=section, text=part) for part in _splitter().chunks(text))
    return found or [Piece(section="", text=title)]
