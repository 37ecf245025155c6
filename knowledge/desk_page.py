"""What the admin shows about one article: its index light in words, what may be done with it, what a search finds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from fte_project.markup import to_html
from fte_project.text import clean_text, plain_error
from knowledge.models import Article
from knowledge.publishing import archive, back_to_draft, publish
from knowledge.search import QUERY_CHARACTERS, Found, search

Status = Article.Status
STATUS_COLOURS = {Status.DRAFT: "warning", Status.PUBLISHED: "success", Status.ARCHIVED: "default"}  # Unfold's
A_MOMENT = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Move:
    """A button that saves an article with another status. `said`: what is told when it is done."""

    words: str
    icon: str
    do: Callable[[Article], None]
    to: Article.Status
    said: str
    logged: str


MOVES = {
    "publish": Move(
        words="Save and publish",
        icon="publish",
        do=publish,
        to=Status.PUBLISHED,
        said="“{}” is published. The assistant answers from it as soon as it is indexed.",
        logged="Published.",
    ),
    "archive": Move(
        words="Archive",
        icon="archive",
        do=archive,
        to=Status.ARCHIVED,
        said="“{}” is archived: it is neither online nor found any more.",
        logged="Archived.",
    ),
    "draft": Move(
        words="Back to draft",
        icon="edit_note",
        do=back_to_draft,
        to=Status.DRAFT,
        said="“{}” is a draft again: it is neither online nor found until you publish it.",
        logged="Back to draft.",
    ),
}


def moves(article: Article | None) -> dict[str, Move]:
    """The buttons of an article's form, by the name that they post; a new one can only be published."""
    if article is None:
        return {"publish": MOVES["publish"]}
    return {name: move for name, move in MOVES.items() if move.to != article.status}


def index_light(article: Any) -> SafeString:
    """The coloured light of a row that knows its `index_state`, with the reason when it failed."""
    state = article.index_state
    if state == "off":
        return format_html('<span class="desk-soft" title="{}">–</span>', index_words(article))
    light = format_html('<span class="desk-light desk-light-{}">{}</span>', state, state)
    if not article.index_error:  # an indexed one may have failed with the model that is being prepared
        return light
    return format_html('{} <span class="desk-soft desk-reason">{}</span>', light, plain_error(article.index_error))


def index_words(article: Any) -> str:
    """What the light means for this article."""
    before = "it answers from the text before" if article.indexed_revision else "the article is not found"
    match article.index_state:
        case "indexed":
            return "The assistant answers from this text."
        case "failed":
            return f"It is tried again by itself, and at once when you save. Until it works, {before}."
        case "waiting" if timezone.now() - article.changed_at > A_MOMENT:
            since = timesince(article.changed_at, depth=1)
            return (
                f"Saved {since} ago and not indexed yet: many may stand before it, or nothing is indexing "
                f"(`manage.py doctor` tells). Until then {before}."
            )
        case "waiting":
            return f"The search will know this text in a moment. Until then {before}."
    return "Only published articles are searched."


def index_in_words(article: Any) -> SafeString:
    """The light with what it means, as the form shows it."""
    if article.index_state == "off":
        return format_html('<span class="desk-soft">{}</span>', index_words(article))
    return format_html('{} <span class="desk-soft">{}</span>', index_light(article), index_words(article))


def card(article: Any, user: User | AnonymousUser) -> dict[str, Any]:
    """What stands above an article's form."""
    age = timezone.now() - article.changed_at
    may_see_questions = user.has_perm("knowledge.view_resolvedquestion")
    return {
        "article": article,
        "status_colour": STATUS_COLOURS[Status(article.status)],
        "saved": "just now" if age < timedelta(minutes=1) else f"{timesince(article.changed_at)} ago",
        "index": index_in_words(article),
        "questions": article.resolved_questions.count() if may_see_questions else None,
    }


def tried(question: str, category: str) -> dict[str, Any]:
    """What the page "Try a question" shows: the hits in order, each with the passage as a customer would see it."""
    question = clean_text(question, limit=QUERY_CHARACTERS)
    categories = Article.objects.all().published().exclude(category="").order_by("category")
    context = {
        "question": question,
        "category": category,
        "categories": list(categories.values_list("category", flat=True).distinct()),
        "longest": QUERY_CHARACTERS,
    }
    if not question:
        return context
    found = search(question, category=category or None)
    return {**context, "found": found, "rows": _rows(found)}


def _rows(found: Found) -> list[dict[str, Any]]:
    newest = dict(Article.objects.filter(pk__in=[hit.article_id for hit in found.hits]).values_list("pk", "revision"))
    return [
        {
            "hit": hit,
            "passage": to_html(hit.passage),
            "is_behind": newest.get(hit.article_id, hit.revision) > hit.revision,
        }
        for hit in found.hits
    ]
