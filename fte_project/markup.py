"""Markdown as people see it: safe HTML for pages, plain text for mails."""

import re
from functools import cache

import nh3
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# Text only: no images, no styles, nothing that loads from elsewhere.
TAGS = {"p", "br", "strong", "em", "code", "pre", "ul", "ol", "li", "a", "h2", "h3", "h4", "blockquote", "hr"} | {
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


_LINK = re.compile(r"\[([^\]\n]{1,500})\]\(([^()\s]{1,1000})\)")


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"linkify": True, "breaks": False}).enable(["linkify", "table"])


def to_html(markdown: str) -> SafeString:
    """Markdown as HTML of an allow-list of tags; links open safely, unsafe ones lose their address."""
    html = nh3.clean(
        _markdown().render(markdown),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow",
        attribute_filter=_safe_address,
    )
    return mark_safe(html)  # noqa: S308 (cleaned above)


def links(markdown: str) -> list[str]:
    """Every address that `to_html` would make a link of, bare host names included."""
    found = []
    for token in _markdown().parse(markdown):
        found += [str(t.attrs.get("href", "")) for t in token.children or () if t.type == "link_open"]
    return found


def _safe_address(tag: str, attribute: str, value: str) -> str | None:
    return None if value[:2].replace("\\", "/") == "//" else value  # "//host" looks relative and is not


def to_absolute(markdown: str) -> str:
    """Markdown whose links to our own pages work outside of them."""
    return markdown.replace("](/", f"]({settings.PUBLIC_BASE_URL}/")


def to_plain(markdown: str) -> str:
    """Markdown for a plain-text mail: links show their address, emphasis marks go."""
    text = to_absolute(markdown).replace("**", "")
    return _LINK.sub(lambda link: link[1] if link[1] == link[2] else f"{link[1]} ({link[2]})", text)
