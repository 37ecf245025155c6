"""Questions that an article answered, as somebody approved: what later questions like them are found by."""

import math
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from fte_project.text import clean_text
from knowledge import embeddings
from knowledge.models import Article, QuestionVector, ResolvedQuestion
from knowledge.question_files import Question

BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What became of a question: whether it is stored, whether that is new, and which slugs are no article's."""

    is_stored: bool
    is_new: bool
    unknown: tuple[str, ...]


def learn(*, source: str, text: str, slugs: Iterable[str], approved_by: str, asked_at: datetime) -> Learned:
    """Store that the articles `slugs` answered the question `text`, once for each `source`: a known one stays as it is.

    No more of the customer's words is kept than the search reads. Slugs without an article are left out, and a
    question without any article is not stored. Its vector comes later (`embed_questions`).
    """
    from knowledge.search import QUERY_CHARACTERS  # which needs the index, whose job calls embed_questions

    wanted, words = tuple(dict.fromkeys(slugs)), clean_text(text)[:QUERY_CHARACTERS].rstrip()
    with transaction.atomic():
        articles = dict(Article.objects.filter(slug__in=wanted).values_list("slug", "pk"))
        unknown = tuple(slug for slug in wanted if slug not in articles)
        if not articles or not words:
            return Learned(is_stored=False, is_new=False, unknown=unknown)
        question, is_new = ResolvedQuestion.objects.get_or_create(
            source=source, defaults={"text": words, "approved_by": approved_by, "asked_at": asked_at}
        )
        if is_new:
            question.articles.set(articles.values())
    return Learned(is_stored=True, is_new=is_new, unknown=unknown)


def forget(sources: Collection[str]) -> None:
    """What came from these sources is evidence no more."""
    ResolvedQuestion.objects.filter(source__in=sources).delete()


@dataclass(kw_only=True)
class Counts:
    """What became of the rows of a file. `unknown`: slugs of no article, with how many rows named each."""

    new: int = 0
    known: int = 0
    left_out: int = 0
    unknown: dict[str, int]


def learn_rows(rows: Iterable[Question], progress: Callable[[], None] | None = None) -> Counts:
    """Learn from the rows of a file; those that do not say when they were asked were asked now."""
    counts = Counts(unknown={})
    for row in rows:
        done = learn(
            source=row.source(),
            text=row.text(),
            slugs=row.gold,
            approved_by=ResolvedQuestion.Approval.IMPORT,
            asked_at=row.asked_at or timezone.now(),
        )
        counts.new += done.is_new
        counts.known += done.is_stored and not done.is_new
        counts.left_out += not done.is_stored
        for slug in done.unknown:
            counts.unknown[slug] = counts.unknown.get(slug, 0) + 1
        if progress is not None:
            progress()
    return counts


def embed_questions(
    model_id: str,
    embedder: embeddings.Embedder | None = None,
    *,
    seconds: float = math.inf,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Give every resolved question that has none its vector by `model_id`; how many got one here.

    Several processes may do this at once. After `seconds` it stops between two batches; `progress` hears of the size
    of each. Raises EmbeddingFailed; what was embedded until then stays.
    """
    done, until = 0, time.monotonic() + seconds
    while time.monotonic() < until and (texts := _without_vector(model_id)):
        vectors = (embedder or embeddings.embedder(model_id)).embed(list(texts.values()))
        _store(model_id, dict(zip(texts, vectors, strict=True)))
        done += len(texts)
        if progress is not None:
            progress(len(texts))
    return done


def _without_vector(model_id: str) -> dict[int, str]:
    """Some questions by id, at random: processes that do this at once share the work."""
    has_one = QuestionVector.objects.filter(question=OuterRef("pk"), model_id=model_id)
    return dict(ResolvedQuestion.objects.exclude(Exists(has_one)).order_by("?").values_list("pk", "text")[:BATCH])


def _store(model_id: str, vectors: dict[int, list[float]]) -> None:
    with transaction.atomic():
        # A question may have been removed while it was embedded.
        here = ResolvedQuestion.objects.select_for_update(no_key=True).filter(pk__in=vectors).order_by("pk")
        QuestionVector.objects.bulk_create(
            [QuestionVector(question=row, model_id=model_id, embedding=vectors[row.pk]) for row in here],
            ignore_conflicts=True,
        )
