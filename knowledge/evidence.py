"""Questions that an article answered, as somebody approved: what later questions like them are found by."""

import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from fte_project.text import clean_text
from knowledge import embeddings
from knowledge.embeddings import Embedder, EmbeddingFailed
from knowledge.indexing import FAILURES_IN_A_ROW, hold_models
from knowledge.models import Article, QuestionVector, ResolvedQuestion
from knowledge.question_files import Question
from knowledge.search import QUERY_CHARACTERS

BATCH = 50


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
    embedder: Embedder | None = None,
    *,
    seconds: float = math.inf,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Give the resolved questions that lack one their vector of this model; how many got one here, in so many seconds.

    Several processes may do this at once; `progress` hears of the size of each batch. Raises EmbeddingFailed when one
    cannot be embedded, after the others.
    """
    by, until = embedder or embeddings.embedder(model_id), time.monotonic() + seconds
    waiting = list(ResolvedQuestion.objects.all().lacking(model_id).order_by("?").values_list("pk", flat=True))
    batches = [waiting[start : start + BATCH] for start in range(0, len(waiting), BATCH)][::-1]
    done, in_a_row, failure = 0, 0, None
    while batches and in_a_row < FAILURES_IN_A_ROW and time.monotonic() < until:
        batch = batches.pop()
        try:
            done += _embed(batch, model_id, by)
            in_a_row = 0
            if progress is not None:
                progress(len(batch))
        except EmbeddingFailed as error:
            if len(batch) > 1:  # one text may have spoilt it for the others
                batches += [[pk] for pk in batch]
                continue
            failure = error
            in_a_row += 1
    if failure is not None:
        raise failure
    return done


def _embed(batch: Sequence[int], model_id: str, by: Embedder) -> int:
    questions = list(ResolvedQuestion.objects.all().lacking(model_id).filter(pk__in=batch))
    vectors = by.embed([question.text for question in questions])
    with transaction.atomic():
        if model_id not in hold_models():
            return 0  # it was given up meanwhile
        # A question that somebody removes now waits for us, and its vector goes with it.
        there = set(
            ResolvedQuestion.objects.select_for_update(no_key=True)
            .filter(pk__in=[question.pk for question in questions])
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        QuestionVector.objects.bulk_create(
            (
                QuestionVector(question=question, model_id=model_id, embedding=vector)
                for question, vector in zip(questions, vectors, strict=True)
                if question.pk in there
            ),
            ignore_conflicts=True,
        )
    return len(there)
