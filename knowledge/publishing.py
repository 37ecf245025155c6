"""What editors do with an article: save it, publish it, take it back or away. Called by the admin's doors."""

from django.db import transaction
from django.utils import timezone

from fte_project.schedule import run_soon
from knowledge.indexing import INDEX_JOB, take_out
from knowledge.models import Article

TEXT = ("title", "summary", "body_md")  # what the chunks are made of: a change of it is a new revision
NO_TEXT = "An article without a text cannot be published: there would be nothing to answer from. Write it first."
Status = Article.Status


class EmptyText(ValueError):
    """There is nothing to publish; the text says so to the editor."""


def publish(article: Article) -> None:
    """Save it as it stands, online and in the search from now on. Raises EmptyText."""
    _save(article, Status.PUBLISHED)


def archive(article: Article) -> None:
    """Save it as it stands, kept but neither online nor found any more."""
    _save(article, Status.ARCHIVED)


def back_to_draft(article: Article) -> None:
    """Save it as it stands, to be worked on: neither online nor found until it is published again."""
    _save(article, Status.DRAFT)


def save(article: Article) -> None:
    """Save it as it stands, with the status it has. Raises EmptyText."""
    _save(article, None)


def try_again(article: Article) -> None:
    """Have a text that could not be indexed tried at once; there is nothing to save."""
    Article.objects.filter(pk=article.pk).update(index_attempts=0, index_retry_at=None)
    run_soon(INDEX_JOB)


@transaction.atomic
def _save(article: Article, status: Article.Status | None) -> None:
    """A changed text is a new revision; what is published and new to the search is indexed soon."""
    current = Article.objects.select_for_update().filter(pk=article.pk).first()
    if current is not None:
        # The index and colleagues work at the same time: count from the row, not from what was loaded.
        article.status, article.revision = current.status, current.revision
        article.indexed_revision, article.index_error = current.indexed_revision, current.index_error
        article.try_at_once()
        if any(getattr(article, name) != getattr(current, name) for name in TEXT):
            article.text_changed()
    if status is not None:
        article.status, article.index_error = status, ""
    was_withdrawn = current is not None and current.status != Status.PUBLISHED
    if was_withdrawn and article.status == Status.PUBLISHED and article.indexed_revision != article.revision:
        take_out(article)
    if article.status == Status.PUBLISHED and not article.body_md.strip():
        raise EmptyText(NO_TEXT)
    article.changed_at = timezone.now()
    article.save()
    if article.status == Status.PUBLISHED and article.indexed_revision != article.revision:
        run_soon(INDEX_JOB)
