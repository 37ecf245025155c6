"""From articles to chunks that can be found: cut, embed, and put the new revision in place of the old in one step."""

import math
import time
from collections.abc import Callable

import structlog
from django.contrib.postgres.search import SearchVector
from django.db import transaction
from django.db.models import Value
from pgvector import Vector

from fte_project.schedule import run_soon
from knowledge.chunking import Piece, pieces
from knowledge.embeddings import Embedder, EmbeddingFailed, configured_model_id, embedder
from knowledge.lexemes import count_words, note_words
from knowledge.models import ActiveModel, Article, Chunk

log = structlog.get_logger()
INDEX_JOB = "knowledge.index"
JOB_SECONDS = 5.0


def active_model_id() -> str:
    """The embedding model queries use now. The first use decides by the settings; later switches are deliberate."""
    row, _ = ActiveModel.objects.get_or_create(singleton=True, defaults={"model_id": configured_model_id()})
    return row.model_id


def index_article(article: Article, model_id: str, embedder: Embedder | None = None) -> None:
    """Embed the article's text with `model_id` and let the search answer from it; old chunks answer until then.

    Unchanged passages keep their vectors. Raises EmbeddingFailed.
    """
    wanted: dict[str, Piece] = {}
    for piece in pieces(article.title, article.summary, article.body_md):
        wanted.setdefault(piece.key(), piece)
    have = dict(Chunk.objects.filter(article=article, model_id=model_id).values_list("key", "embedding"))
    missing = [key for key in wanted if key not in have]
    vectors = (embedder or _embedder(model_id)).embed([wanted[key].embedded_text() for key in missing])
    have.update(zip(missing, vectors, strict=True))
    with transaction.atomic():
        current = Article.objects.select_for_update().get(pk=article.pk)
        if current.revision != article.revision:
            return  # edited meanwhile: still waiting, with the newer text
        words_before = count_words(article.pk, model_id)
        Chunk.objects.filter(article=article, model_id=model_id).delete()
        Chunk.objects.bulk_create(
            Chunk(
                article=article,
                revision=article.revision,
                key=key,
                model_id=model_id,
                position=position,
                is_summary=piece.is_summary,
                section=piece.section,
                passage=piece.text,
                words=SearchVector(Value(piece.embedded_text()), config="english"),
                embedding=have[key] if isinstance(have[key], list) else Vector(have[key]).to_list(),
            )
            for position, (key, piece) in enumerate(wanted.items())
        )
        note_words(words_before, count_words(article.pk, model_id))
        Article.objects.filter(pk=article.pk).update(indexed_revision=article.revision, index_error="")


def _embedder(model_id: str) -> Embedder:
    return embedder(model_id)


def index_waiting(
    progress: Callable[[], None] | None = None, *, seconds: float = math.inf, embedder: Embedder | None = None
) -> int:
    """Index every published article whose text the search does not know; how many were indexed here.

    A failure is recorded on its article and does not stop the others. Several processes may do this at once: in
    random order and with a second look at each article they share the work instead of doing it twice.
    After `seconds` it stops between two articles. `embedder` is asked in place of the active model's own.
    """
    model_id, until = active_model_id(), time.monotonic() + seconds
    done = 0
    for pk in list(Article.objects.all().waiting().order_by("?").values_list("pk", flat=True)):
        article = Article.objects.all().waiting().filter(pk=pk).first()
        if time.monotonic() >= until:
            break
        if article is not None and _indexed(article, model_id, embedder):
            done += 1
        if progress is not None:
            progress()
    return done


def _indexed(article: Article, model_id: str, embedder: Embedder | None) -> bool:
    try:
        index_article(article, model_id, embedder)
    except EmbeddingFailed as error:
        log.warning("article_not_indexed", slug=article.slug, error=str(error)[:200])
        Article.objects.filter(pk=article.pk).update(index_error=str(error)[:2000])
        return False
    return True


def index_job() -> None:
    """Timed job: index for some seconds, then let the schedule breathe (and stop, when it is told to)."""
    if index_waiting(seconds=JOB_SECONDS) and Article.objects.all().waiting().exists():
        run_soon(INDEX_JOB)
