"""How an article is cut: at its headings, with the trail of headings kept, in pieces the embedding model can read."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from semantic_text_splitter import MarkdownSplitter

from knowledge.embeddings import MAX_TOKENS, tokenizer

BODY_TOKENS = MAX_TOKENS - 56  # what is left is for title and headings


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A passage: `section` is its trail of headings, `text` the article's own Markdown."""

    section: str
    text: str
    is_summary: bool = False

    def key(self) -> str:
        """The same for the same words under the same headings, whatever stands around them."""
        return hashlib.sha256(f"{self.section}\n{self.text}".encode()).hexdigest()[:40]

    def embedded_text(self) -> str:
        return f"{self.section}\n{self.text}" if self.section else self.text


@cache
def _splitter() -> MarkdownSplitter:
    return MarkdownSplitter.from_huggingface_tokenizer(tokenizer(), BODY_TOKENS)


def sections(title: str, body_md: str) -> list[tuple[str, str]]:
    """(trail of headings, Markdown below the last of them) in reading order; the part before the first has `title`."""
    lines = re.split(r"\r\n|\r|\n", body_md)  # as Markdown counts them; splitlines() also ends lines at U+2028
    heads: list[tuple[int, int, int, str]] = []  # first line, line after, level, text
    tokens = MarkdownIt("commonmark").parse(body_md)
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
