"""Does the search find the article? Questions with known answers, asked through the product's own search."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from knowledge.embedding_cache import CachedEmbedder
from knowledge.embeddings import embedder
from knowledge.evidence import Counts, embed_questions, forget, learn_rows
from knowledge.indexing import active_model_id, index_waiting
from knowledge.loading import ArticleText, load, read_articles
from knowledge.models import Article, Chunk, ResolvedQuestion, VectorIndex
from knowledge.question_files import OffTopic, Question, read_offtopic, read_questions, read_resolved
from knowledge.search import NO_EVIDENCE, QUERY_CHARACTERS, Found, Hit, find, question_vector, search
from knowledge.vector_index import keep_indexes

SHOWN = 5  # as the search gives by itself
DEPTH = 10
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# What is done, and how many times: gives what is to be called after each time.
Progress = Callable[[str, int], Callable[[], None]]


class NotEvaluated(Exception):
    """It could not be measured; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Sets:
    """What is evaluated with, read and checked. Without a file of resolved questions there is no evidence."""

    articles: tuple[ArticleText, ...]
    questions: tuple[Question, ...]
    resolved: tuple[Question, ...] | None = None
    offtopic: tuple[OffTopic, ...] | None = None

    def recipe(self) -> str:
        """What the product would do with these."""
        return "hybrid" if self.resolved is None else "hybrid_resolved"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with what was found for it: `found` in `ms` by the whole search, and slugs by recipe, best first.

    Of more hits than the search gives by itself, the first ones are those that it gives.
    """

    question: Question
    found: Found
    ms: float
    slugs: dict[str, tuple[str, ...]]


@dataclass(kw_only=True)
class Evaluated:
    """All that was found, and what it took. `asked` by `recipe` is what the product would find."""

    recipe: str
    model_id: str
    articles: int = 0
    chunks: int = 0
    index: str = "exact"
    index_error: str = ""
    embedded: int = 0
    embed_seconds: float = 0.0
    learned: Counts | None = None
    asked: list[Asked] = field(default_factory=list)
    offtopic: list[tuple[OffTopic, Found]] | None = None


def read_sets(articles: Path, questions: Path, resolved: Path | None, offtopic: Path | None) -> Sets:
    """The files, read and checked. Raises BadArticle, BadQuestion, OSError, UnicodeDecodeError."""
    return in_time(
        Sets(
            articles=tuple(read_articles(articles)),
            questions=tuple(read_questions(questions)),
            resolved=tuple(read_resolved(resolved)) if resolved else None,
            offtopic=tuple(read_offtopic(offtopic)) if offtopic else None,
        )
    )


def in_time(sets: Sets) -> Sets:
    """The sets with a time for every question, since only evidence that is older than a question counts for it.

    By `asked_at` when every row has one; else, when all ids are whole numbers, by these: they count up in time. Else
    every resolved question is older than every question.
    """
    rows = [*sets.questions, *(sets.resolved or ())]
    if all(row.asked_at for row in rows):
        return sets
    ids = sorted({row.id for row in rows if isinstance(row.id, int)})
    if all(isinstance(row.id, int) for row in rows):
        moments: dict[int | str, datetime] = {n: LONG_AGO + timedelta(seconds=place) for place, n in enumerate(ids)}
        questions = tuple(replace(row, asked_at=moments[row.id]) for row in sets.questions)
        resolved = tuple(replace(row, asked_at=moments[row.id]) for row in sets.resolved or ())
    else:
        questions = tuple(replace(row, asked_at=timezone.now()) for row in sets.questions)
        resolved = tuple(replace(row, asked_at=LONG_AGO) for row in sets.resolved or ())
    return replace(sets, questions=questions, resolved=None if sets.resolved is None else resolved)


def evaluate_retrieval(sets: Sets, progress: Progress) -> Evaluated:
    """Load, index and learn, then ask everything. In an empty database, which it fills, and in no transaction.

    Raises NotEvaluated, EmbeddingFailed.
    """
    done = prepare(sets, progress)
    over_chunks = next(index for index in keep_indexes() if index.over == VectorIndex.Over.CHUNKS)
    done.index, done.index_error = over_chunks.kind if over_chunks.name else "exact", over_chunks.error
    ask_all(sets, done, progress)
    return done


def prepare(sets: Sets, progress: Progress) -> Evaluated:
    """The first half: everything that is known before the first question. Raises NotEvaluated, EmbeddingFailed."""
    model_id = active_model_id()
    cached = CachedEmbedder(embedder(model_id))
    done = Evaluated(recipe=sets.recipe(), model_id=model_id)
    _index(sets.articles, cached, progress)
    if sets.resolved is not None:
        done.learned = _learn(sets.resolved, cached, progress)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # what a database does by itself in time
    done.articles, done.chunks = Article.objects.count(), Chunk.objects.filter(model_id=model_id).count()
    done.embedded, done.embed_seconds = cached.embedded, cached.seconds
    return done


def ask_all(sets: Sets, done: Evaluated, progress: Progress) -> None:
    """The second half: what is found for every question and for what is off topic. Raises EmbeddingFailed."""
    search("warm up")
    step = progress("Asking", len(sets.questions))
    for question in sets.questions:
        done.asked.append(ask(question, done.model_id, done.recipe))
        step()
    if sets.offtopic is not None:
        step = progress("Off topic", len(sets.offtopic))
        done.offtopic = []
        for row in sets.offtopic:
            done.offtopic.append((row, search(row.text())))
            step()


def _index(articles: Sequence[ArticleText], cached: CachedEmbedder, progress: Progress) -> None:
    step = progress("Loading", len(articles))
    load(iter(articles), lambda _: step())
    index_waiting(progress("Indexing", Article.objects.count()), embedder=cached)
    failed = Article.objects.all().waiting().first()
    if failed is not None:
        raise NotEvaluated(f"The article {failed.slug} could not be indexed: {failed.index_error}")


def _learn(resolved: Sequence[Question], cached: CachedEmbedder, progress: Progress) -> Counts:
    counts = learn_rows(resolved, progress("Learning", len(resolved)))
    step = progress("Embedding", counts.new)

    def steps(size: int) -> None:
        for _ in range(size):
            step()

    embed_questions(cached.model_id, cached, progress=steps)
    return counts


def ask(question: Question, model_id: str, recipe: str) -> Asked:
    """Ask it once through the whole search, timed, its words embedded anew; and by the other recipes."""
    asked_at = NO_EVIDENCE if recipe == "hybrid" else question.asked_at
    with _without_itself(question):
        began = time.perf_counter()
        found = search(question.text(), asked_at=asked_at)
        ms = (time.perf_counter() - began) * 1000
        deeper = search(question.text(), limit=DEPTH, asked_at=asked_at)
    hits = _in_order(found.hits, deeper.hits)
    text = question.text()[:QUERY_CHARACTERS]
    vector = question_vector(text, model_id)
    by_recipe = {
        "vector": _found(vector, "", model_id),
        "words": _found(None, text, model_id),
        "hybrid": _found(vector, text, model_id),
        recipe: hits,
    }
    slugs = {name: tuple(hit.slug for hit in some) for name, some in by_recipe.items()}
    return Asked(question=question, found=replace(found, hits=hits), ms=ms, slugs=slugs)


def _found(vector: str | None, text: str, model_id: str) -> tuple[Hit, ...]:
    found, deeper = (
        find(vector, text, model_id=model_id, limit=limit, asked_at=NO_EVIDENCE) for limit in (SHOWN, DEPTH)
    )
    return _in_order(found, deeper)


def _in_order(found: Sequence[Hit], deeper: Sequence[Hit]) -> tuple[Hit, ...]:
    """The product's hits, then what a deeper search adds: it looks at more passages and may order them otherwise."""
    known = {hit.article_id for hit in found}
    return (*found, *(hit for hit in deeper if hit.article_id not in known))


@contextmanager
def _without_itself(question: Question) -> Iterator[None]:
    """A row of the same id among the resolved questions is this question: it knows the answer."""
    if not ResolvedQuestion.objects.filter(source=question.source()).exists():
        yield
        return
    with transaction.atomic():
        forget([question.source()])
        yield
        transaction.set_rollback(True)
