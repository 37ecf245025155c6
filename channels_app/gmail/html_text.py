"""HTML mail as plain text in which quotes begin with `>`, so that one set of rules tells what is new."""

import re

import lxml.html
from inscriptis import get_text
from lxml import etree

HTML_LIMIT = 500_000
QUOTES = 40  # deeper or more of them than anybody writes: the rest stays unmarked
TAG = re.compile(r"<[^<>]{0,2000}>")


def text_of(html: str) -> str:
    """The text of an HTML body, whatever it is; never raises."""
    html = html[:HTML_LIMIT].replace("\x00", "")
    try:
        tree = lxml.html.document_fromstring(html)
        _flatten_tables(tree)
        _mark_quotes(tree)
        return _plain(get_text(lxml.html.tostring(tree, encoding="unicode")))
    except (
        etree.LxmlError,
        ValueError,
        RecursionError,
        AssertionError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
    ):
        return _plain(TAG.sub(" ", html))  # too broken for the libraries: the words alone


def _flatten_tables(tree: lxml.html.HtmlElement) -> None:
    """Tables become lines: the library would pad every cell to the widest one, however wide and however many."""
    for element in list(tree.iter("table", "thead", "tbody", "tfoot", "tr", "td", "th")):
        is_cell = element.tag in {"td", "th"}
        element.tag = "span" if is_cell else "div"
        if is_cell:
            element.tail = f" {element.tail or ''}"


def _mark_quotes(tree: lxml.html.HtmlElement) -> None:
    """Innermost first, every blockquote becomes preformatted text with `> ` before each line."""
    quotes = list(tree.iter("blockquote"))[:QUOTES]
    for quote in reversed(quotes):
        inner = _plain(get_text(lxml.html.tostring(quote, encoding="unicode", with_tail=False)))
        marked = etree.Element("pre")
        marked.text = "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))
        marked.tail = quote.tail
        parent = quote.getparent()
        if parent is not None:
            parent.replace(quote, marked)


def _plain(text: str) -> str:
    lines = [line.rstrip() for line in text.replace("\xa0", " ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
