"""From articles to chunks that can be found: cut, embed, and put the new revision in place of the old in one step."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from django.contrib.postgres.search import SearchVector
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Now
from pgvector import Vector

from knowledge.chunking import Piece, pieces
from knowledge.embeddings import Embedder, EmbeddingFailed, configured_model_id, embedder
from knowledge.lexemes import count_words, note_words
from knowledge.models import ActiveModel, Article, ArticleQuerySet, Chunk

log = structlog.get_logger()
INDEX_JOB = "knowledge.index"
FAILURES_IN_A_ROW = 3
RETRY_AFTER, RETRY_AFTER_AT_MOST = timedelta(seconds=30), timedelta(hours=1)
# Many writers may hold it together; the switch to another model waits for all of them, and they for it.
HOLD = "SELECT model_id, next_model_id FROM knowledge_activemodel FOR SHARE"


def active_model_id() -> str:
    """The embedding model queries use now. The first use decides by the settings; later switches are deliberate."""
    return models_in_use()[0]


def models_in_use() -> tuple[str, str]:
    """The model that queries use, and the one that is being prepared to take its place ('' when none is)."""
    row, _ = ActiveModel.objects.get_or_create(singleton=True, defaults={"model_id": configured_model_id()})
    return row.model_id, row.next_model_id


def hold_models() -> tuple[str, str]:
    """As `models_in_use`, and they stay so until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD)
        active, following = cursor.fetchone() or ("", "")
    return active, following


def index_article(article: Article, model_id: str, by: Embedder | None = None) -> bool:
    """Embed the article's text with `model_id` and put its chunks in place of the old ones; whether that was wanted.

    Not when it was edited, or the model given up, meanwhile. Unchanged passages keep their vectors. Once it is done
    with the active model, the search answers from the new text. `by` embeds in place of the model's own embedder.
    Raises EmbeddingFailed.
    """
    wanted: dict[str, Piece] = {}
    for piece in pieces(article.title, article.summary, article.body_md):
        wanted.setdefault(piece.key(), piece)
    have = dict(Chunk.objects.filter(article=article, model_id=model_id).values_list("key", "embedding"))
    missing = [key for key in wanted if key not in have]
    vectors = (by or embedder(model_id)).embed([wanted[key].embedded_text() for key in missing]) if missing else []
    have.update(zip(missing, vectors, strict=True))
    with transaction.atomic():
        # First this lock, then the article's, as the switch takes them: nobody waits for each other. Without it a
        # text could be indexed for the old model alone just after the switch, and not be found.
        active, following = hold_models()
        current = Article.objects.select_for_update().filter(pk=article.pk).first()
        if current is None or current.revision != article.revision or model_id not in {active, following}:
            return False
        is_active = model_id == active
        words_before = count_words(article.pk, model_id) if is_active else Counter[str]()
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
        if is_active:
            note_words(words_before, count_words(article.pk, model_id))
            Article.objects.filter(pk=article.pk).update(indexed_revision=article.revision)
    return True


def take_out(article: Article) -> None:
    """Remove what the search knows of the article, in the caller's transaction: a text that was withdrawn must not
    come back until its new one is embedded. Saves nothing on it."""
    before = count_words(article.pk, active_model_id())
    Chunk.objects.filter(article=article).delete()
    note_words(before, Counter())
    article.indexed_revision = 0


class Round:
    """One go at the articles that need embedding, for `seconds`. `done` counts what was brought up to date.

    A failure is recorded on its article and does not stop the others; a model that fails three times in a row is
    taken to be away and left alone; `errors` has the last failure of each. Several processes may go at once: in random
    order and with a second look at each article they share the work instead of doing it twice. `only_due` leaves out
    what failed and is not due again.
    """

    def __init__(
        self,
        *,
        seconds: float = math.inf,
        only_due: bool = False,
        progress: Callable[[], None] | None = None,
        by: Embedder | None = None,
    ) -> None:
        self.done = 0
        self.is_left_off = False
        self.errors: dict[str, str] = {}
        self._until = time.monotonic() + seconds
        self._only_due = only_due
        self._progress = progress or (lambda: None)
        self._by = by
        self._failures: Counter[str] = Counter()

    def seconds_left(self) -> float:
        """Until this round should stop; never less than 0."""
        return max(0.0, self._until - time.monotonic())

    def leave_off(self) -> None:
        """Stop before everything was looked at: another round should follow soon."""
        self.is_left_off = True

    def is_away(self, *models: str) -> bool:
        """Whether all of these failed too often in this round."""
        return all(self._failures[model] >= FAILURES_IN_A_ROW for model in models)

    def failed(self, model_id: str, error: EmbeddingFailed) -> None:
        """Count a failure, for `is_away`."""
        log.warning("embedding_failed", model=model_id, error=error)
        self._failures[model_id] += 1
        self.errors[model_id] = str(error)

    def index(
        self, articles: ArticleQuerySet, models: Sequence[str], *, gives_way: Callable[[], bool] = lambda: False
    ) -> None:
        """Embed these articles with those of `models` that are behind. It leaves off when the time is over, or when
        `gives_way` says that there is something more urgent."""
        if self._only_due:
            articles = articles.due()
        # What failed before comes last: a new text does not wait behind a provider's time-outs.
        for pk in list(articles.order_by("index_attempts", "?").values_list("pk", flat=True)):
            if not self.seconds_left() or gives_way():
                self.leave_off()
            if self.is_left_off or self.is_away(*models):
                return
            article = Article.objects.all().published().filter(pk=pk).first()
            if article is not None and self._bring_up(article, models):
                self.done += 1
            self._progress()

    def _bring_up(self, article: Article, models: Sequence[str]) -> bool:
        behind = _behind(article)
        wanted = [model_id for model_id in behind if model_id in models]
        done, errors = 0, {}
        for model_id in wanted:
            if self.is_away(model_id):
                continue
            try:
                done += index_article(article, model_id, self._by)
                self._failures[model_id] = 0
            except EmbeddingFailed as error:
                self.failed(model_id, error)
                errors[model_id] = str(error)
        if errors or done == len(behind):
            _note(article, errors)
        return 0 < done == len(wanted)


def _behind(article: Article) -> list[str]:
    """The models whose chunks are not of the article's newest text."""
    active, following = models_in_use()
    found = [active] if article.indexed_revision != article.revision else []
    if following and not article.chunks.filter(model_id=following, revision=article.revision).exists():
        found.append(following)
    return found


def _note(article: Article, errors: dict[str, str]) -> None:
    """Write on the article what failed and when to try again, or that nothing did; a newer text is left alone."""
    said = "; ".join(f"{model_id}: {errors[model_id]}" for model_id in models_in_use() if model_id in errors)
    attempts = min(article.index_attempts + 1, 20) if said else 0
    wait = min(RETRY_AFTER * 2 ** max(0, attempts - 1), RETRY_AFTER_AT_MOST)
    if said or article.index_error or article.index_attempts:
        Article.objects.filter(pk=article.pk, revision=article.revision).update(
            index_error=said[:2000], index_attempts=attempts, index_retry_at=Now() + wait if said else None
        )


def index_waiting(
    progress: Callable[[], None] | None = None, *, seconds: float = math.inf, embedder: Embedder | None = None
) -> int:
    """Index every published article whose text the search does not know; how many were indexed here.

    A failure is recorded on its article. After `seconds` it stops between two articles. `embedder` is asked in place
    of the active model's own.
    """
    this = Round(seconds=seconds, progress=progress, by=embedder)
    index_round(this)
    return this.done


def index_round(this: Round) -> None:
    """Bring the articles that wait up to date, also for the model that is being prepared."""
    this.index(Article.objects.all().waiting(), [model_id for model_id in models_in_use() if model_id])
