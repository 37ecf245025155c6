"""Calibrating the active embedding model with this installation's own articles and questions."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pgvector import Vector

from knowledge.calibration import Tried, fitted, keep
from knowledge.embeddings import embedder
from knowledge.indexing import active_model_id
from knowledge.models import Chunk, ResolvedQuestion
from knowledge.question_files import OffTopic, Question, read_offtopic
from knowledge.search import COMPARED, NO_EVIDENCE, QUERY_CHARACTERS, find, lead, nearness

OFFTOPIC = Path(__file__).parent / "data" / "offtopic.jsonl"
MOST_HEADINGS = 300
MOST_QUESTIONS = 1000


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A question and the slugs of the articles that answer it; none for an off-topic one."""

    text: str
    gold: frozenset[str] = frozenset()
    asked_at: datetime = NO_EVIDENCE


def own_headings() -> list[Probe]:
    """The headings of the published articles, each as a question that its article answers."""
    chunks = Chunk.objects.filter(article__status="published", is_summary=False, model_id=active_model_id())
    found = {
        (section.rpartition(" › ")[2], slug)
        for section, slug in chunks.values_list("section", "article__slug").order_by("key")
        if section
    }
    # Spread over all articles, and the same ones every time.
    return [Probe(text=text, gold=frozenset({slug})) for text, slug in sorted(found)][
        :: len(found) // MOST_HEADINGS + 1
    ]


def resolved_questions() -> list[Probe]:
    """The newest resolved questions, each to be answered with the evidence that was there before it."""
    rows = ResolvedQuestion.objects.prefetch_related("articles")[:MOST_QUESTIONS]
    return [Probe(text=r.text, gold=frozenset(a.slug for a in r.articles.all()), asked_at=r.asked_at) for r in rows]


def probes(rows: Sequence[Question] | Sequence[OffTopic]) -> list[Probe]:
    """The questions of a file; those that the articles answer are asked without evidence."""
    return [Probe(text=row.text(), gold=frozenset(row.gold if isinstance(row, Question) else ())) for row in rows]


def calibrate(
    questions: Sequence[Probe] = (),
    offtopic: Sequence[Probe] | None = None,
    progress: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Set the active model's floor and lines; the figures that were measured. Raises CannotCalibrate, EmbeddingFailed.

    `questions` come beside the resolved ones; `offtopic` takes the shipped set's place.
    """
    model_id = active_model_id()
    tried = {
        name: _tried(some, model_id, progress)
        for name, some in {
            "headings": own_headings(),
            "questions": [*questions, *resolved_questions()],
            "offtopic": probes(read_offtopic(OFFTOPIC)) if offtopic is None else offtopic,
        }.items()
    }
    found = fitted(tried["headings"], tried["questions"], tried["offtopic"])
    figures = {
        "model_id": model_id,
        **asdict(found),
        **{name: len(some) for name, some in tried.items()},
        **{
            f"{name}_above_floor": sum(t.nearness >= found.floor for t in some) / len(some)
            for name, some in tried.items()
            if some
        },
    }
    keep(model_id, found, figures)
    return figures


def _tried(questions: Sequence[Probe], model_id: str, progress: Callable[[], None]) -> list[Tried]:
    found = []
    for start in range(0, len(questions), 50):
        some = questions[start : start + 50]
        vectors = embedder(model_id).embed([q.text[:QUERY_CHARACTERS] for q in some])
        for question, vector in zip(some, vectors, strict=True):
            found.append(_try(question, vector, model_id))
            progress()
    return found


def _try(question: Probe, vector: list[float], model_id: str) -> Tried:
    text = question.text[:QUERY_CHARACTERS]
    hits = find(Vector(vector).to_text(), text, model_id=model_id, limit=COMPARED, asked_at=question.asked_at)
    is_gold = [hit.slug in question.gold for hit in hits]
    return Tried(
        nearness=nearness(hits),
        lead=lead(hits, 0, 0.0) if hits else 0.0,
        first=any(is_gold[:1]),
        among3=any(is_gold[:3]),
    )
