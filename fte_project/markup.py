"""Markdown as people see it: safe HTML for pages, plain text for mails."""

from functools import cache

import nh3
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# Text only: no images, no styles, nothing that loads from elsewhere.
TAGS = {"p", "br", "strong", "em", "code", "pre", "ul", "ol", "li", "a", "h2", "h3", "h4", "blockquote", "hr"} | {
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


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
    )
    return mark_safe(html)  # noqa: S308 (cleaned above)


def to_plain(markdown: str) -> str:
    """Markdown for a plain-text mail: links of our own help pages get their host, emphasis marks go."""
    return markdown.replace("](/", f"]({settings.PUBLIC_BASE_URL}/").replace("**", "")
