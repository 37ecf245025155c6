"""Another embedding model takes over without a gap: prepared in the background, used once it knows everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from fte_project.schedule import run_soon
from knowledge.embeddings import EmbeddingFailed, embedder
from knowledge.indexing import INDEX_JOB, Round, active_model_id, hold_models, models_in_use
from knowledge.lexemes import move_words
from knowledge.models import ActiveModel, Article, Chunk, QuestionVector, ResolvedQuestion

log = structlog.get_logger()
# A search that began before the switch may still wait for the old model's provider, or be reading.
KEEP_LEFTOVERS = timedelta(minutes=2)
ARTICLES_AT_ONCE, VECTORS_AT_ONCE = 100, 1000


class SwitchRefused(ValueError):
    """This model cannot take over; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much a model knows of the published articles' newest texts and of the resolved questions."""

    articles: int
    articles_done: int
    questions: int
    questions_done: int

    @property
    def is_complete(self) -> bool:
        return not self.missing

    @property
    def missing(self) -> int:
        return self.articles - self.articles_done + self.questions - self.questions_done

    def __str__(self) -> str:
        articles = f"{self.articles_done} of {self.articles} articles"
        return (
            f"{articles}, {self.questions_done} of {self.questions} resolved questions" if self.questions else articles
        )


def coverage(model_id: str) -> Coverage:
    """What the search would have to go by if it used this model now."""
    published, questions = Article.objects.all().published().count(), ResolvedQuestion.objects.count()
    return Coverage(
        articles=published,
        articles_done=published - Article.objects.all().lacking(model_id).count(),
        questions=questions,
        questions_done=questions - ResolvedQuestion.objects.all().lacking(model_id).count(),
    )


def start(model_id: str) -> None:
    """Have this model prepared in the background to take the active one's place. Raises SwitchRefused."""
    active_model_id()
    _check(ActiveModel.objects.get(), model_id)
    try:
        embedder(model_id).embed(["How do I reset my password?"])
    except EmbeddingFailed as error:
        raise SwitchRefused(f"{model_id} cannot be used here. {error}") from error
    with transaction.atomic():
        row = ActiveModel.objects.select_for_update().get()
        _check(row, model_id)
        row.next_model_id = model_id
        row.save(update_fields=["next_model_id"])
        # What the active model could not embed is worth a try with this one.
        Article.objects.exclude(index_retry_at=None).update(index_retry_at=None)
        run_soon(INDEX_JOB)


def _check(row: ActiveModel, model_id: str) -> None:
    if row.model_id == model_id:
        raise SwitchRefused(f"{model_id} is the model in use already.")
    if row.next_model_id not in {"", model_id}:
        raise SwitchRefused(
            f"{row.next_model_id} is being prepared: let it finish, or run manage.py embed_articles --cancel first."
        )


def cancel() -> str:
    """Give up the model that is being prepared and remove its vectors: its id, '' when there was none."""
    with transaction.atomic():
        row = ActiveModel.objects.select_for_update().first()
        if row is None or not row.next_model_id:
            return ""
        given_up, row.next_model_id, row.leftovers_since = row.next_model_id, "", Now()
        row.save(update_fields=["next_model_id", "leftovers_since"])
        _forget_failures(Article.objects.filter(indexed_revision=F("revision")))
    # Nobody has searched with it. What an interruption leaves here goes with the job.
    _remove([given_up], Round())
    return given_up


def prepare(this: Round) -> None:
    """Embed with the next model what it does not know yet; what waits for the active one goes first."""
    active, following = models_in_use()

    def somebody_waits() -> bool:
        return not this.is_away(active) and Article.objects.all().waiting().due().exists()

    this.index(Article.objects.all().lacking(following), [following], gives_way=somebody_waits)


def switch_over() -> bool:
    """Let queries use the next model if it knows everything; whether they do now.

    One transaction: `index_article` waits for it, or it for them, so no text is indexed for the old model only.
    """
    _, following = models_in_use()
    if not following or not coverage(following).is_complete:
        return False
    with transaction.atomic():
        row = ActiveModel.objects.select_for_update().get()
        if row.next_model_id != following or not coverage(following).is_complete:
            return False
        move_words(row.model_id, following)
        newest = Chunk.objects.filter(article=OuterRef("pk"), model_id=following).order_by("-revision")
        known = Coalesce(Subquery(newest.values("revision")[:1]), 0)
        Article.objects.exclude(indexed_revision=known).update(indexed_revision=known)
        if Article.objects.all().lacking(following).exists():  # edited or published since the look above
            transaction.set_rollback(True)
            return False
        _forget_failures(Article.objects.all())
        before, row.model_id, row.next_model_id = row.model_id, following, ""
        row.changed_at = row.leftovers_since = Now()
        row.save()
        run_soon(INDEX_JOB)
    log.info("embedding_model_switched", before=before, now=following)
    return True


def _forget_failures(articles: QuerySet[Article]) -> None:
    articles.exclude(index_error="").update(index_error="", index_attempts=0, index_retry_at=None)


def remove_leftovers(this: Round) -> None:
    """Remove the vectors of models that are no longer used, some time after the last one was given up."""
    old = ActiveModel.objects.filter(leftovers_since__lte=Now() - KEEP_LEFTOVERS).first()
    if old is None:
        return
    models = set(Chunk.objects.order_by().values_list("model_id", flat=True).distinct())
    models |= set(QuestionVector.objects.values_list("model_id", flat=True).distinct())
    if not models <= set(models_in_use()) and not _remove(sorted(models), this):
        this.leave_off()
        return
    ActiveModel.objects.filter(leftovers_since=old.leftovers_since).update(leftovers_since=None)


def _remove(models: Sequence[str], this: Round) -> bool:
    """Remove the vectors of those of `models` that are not in use, in small transactions; False when time ran out."""
    unused = [model_id for model_id in models if model_id not in models_in_use()]
    chunks = Chunk.objects.filter(model_id__in=unused).order_by()
    # All of an article's or nothing: a model that is wanted again must not take half an article for a whole one.
    while batch := list(chunks.values_list("article", flat=True).distinct()[:ARTICLES_AT_ONCE]):
        if not this.seconds_left() or not _delete(chunks.filter(article__in=batch), unused):
            return False
        this.done += 1
    vectors = QuestionVector.objects.filter(model_id__in=unused)
    while batch := list(vectors.values_list("pk", flat=True)[:VECTORS_AT_ONCE]):
        if not this.seconds_left() or not _delete(vectors.filter(pk__in=batch), unused):
            return False
        this.done += 1
    return True


def _delete(rows: QuerySet[Chunk] | QuerySet[QuestionVector], unused: Sequence[str]) -> bool:
    with transaction.atomic():
        if set(hold_models()) & set(unused):
            return False
        rows.delete()
    return True
