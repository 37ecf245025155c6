"""Resolved questions as evidence: the questions that an article answered point to it in later searches."""

import math
import time
from collections.abc import Sequence

from django.db import transaction

from knowledge import embeddings
from knowledge.embeddings import Embedder, EmbeddingFailed
from knowledge.indexing import hold_models
from knowledge.models import QuestionVector, ResolvedQuestion

BATCH = 50
FAILURES_IN_A_ROW = 3


def embed_questions(model_id: str, embedder: Embedder | None = None, *, seconds: float = math.inf) -> int:
    """Give the resolved questions that lack one their vector of this model; how many got one, for some seconds.

    Raises EmbeddingFailed when one cannot be embedded, after the others.
    """
    by, until = embedder or embeddings.embedder(model_id), time.monotonic() + seconds
    waiting = list(ResolvedQuestion.objects.all().lacking(model_id).order_by("?").values_list("pk", flat=True))
    batches = [waiting[start : start + BATCH] for start in range(0, len(waiting), BATCH)]
    done, in_a_row, failure = 0, 0, None
    while batches and in_a_row < FAILURES_IN_A_ROW and time.monotonic() < until:
        batch = batches.pop()
        try:
            done += _embed(batch, model_id, by)
            in_a_row = 0
        except EmbeddingFailed as error:
            failure = error
            in_a_row += len(batch) == 1
            if len(batch) > 1:  # one text may have spoilt it for the others
                batches += [[pk] for pk in batch]
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
