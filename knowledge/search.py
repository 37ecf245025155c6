"""Search in the knowledge base: one raw SQL statement, in which nearness in meaning leads and rare words and resolved
questions add to it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone
from pgvector import Vector

from knowledge.calibration import Thresholds, thresholds
from knowledge.embeddings import EmbeddingFailed, embedder
from knowledge.indexing import active_model_id
from knowledge.models import Article
from knowledge.passages import Part, quoted
from knowledge.vector_index import index_settings

log = structlog.get_logger()
QUERY_CHARACTERS = 700
QUERY_SECONDS = 5.0  # for a provider to embed it: somebody waits, and the words alone find something
COMPARED = 6  # how sure the first hit is shows in its lead over the next five
NO_EVIDENCE = datetime.min.replace(tzinfo=UTC)  # no question was asked before it
AROUND = 5  # best articles that say how near the knowledge base is …
MANY = 175  # … when it has that many, fewer in a smaller one

# An article is as near as the mean of its three best passages. The weights and the floor of the evidence are measured:
# see EVALUATION.md.
SEARCH_SQL = """
WITH query AS MATERIALIZED (
    SELECT %(vector)s::vector AS vector
), published AS NOT MATERIALIZED (
    SELECT id AS article_id FROM knowledge_article
     WHERE status = 'published' AND (%(category)s::text IS NULL OR category = %(category)s)
), asked AS MATERIALIZED (
    -- The question's rarest words, as long as they are rare enough together: ranking is linear in the rows.
    SELECT weight, ('''' || replace(replace(word, '\\', '\\\\'), '''', '''''') || '''')::tsquery AS word
      FROM (SELECT word, ln(1 + most.chunks::float8 / known.chunks) AS weight,
                   row_number() OVER rarest AS place, sum(known.chunks) OVER rarest AS rows
              FROM knowledge_lexeme known, (SELECT max(chunks) AS chunks FROM knowledge_lexeme) most
             WHERE known.word = ANY (tsvector_to_array(to_tsvector('english', %(text)s))) AND known.chunks > 0
            WINDOW rarest AS (ORDER BY known.chunks, word)) rare
     WHERE place <= 12 AND (place = 1 OR rows <= 2000)
), spoken AS MATERIALIZED (
    SELECT article_id, max(score) AS score, max(held) AS held
      FROM (SELECT c.article_id, sum(asked.weight * ts_rank(c.words, asked.word, 1)) AS score,
                   sum(asked.weight) AS held
              FROM asked CROSS JOIN LATERAL (
                   SELECT id, article_id, words FROM knowledge_chunk
                    WHERE words @@ asked.word AND model_id = %(model)s LIMIT 2000) c
             GROUP BY c.id, c.article_id) chunk
     GROUP BY article_id
), near AS MATERIALIZED (
    SELECT c.article_id
      FROM knowledge_chunk c JOIN published USING (article_id)
     WHERE c.model_id = %(model)s AND (SELECT vector FROM query) IS NOT NULL
     ORDER BY c.embedding <=> (SELECT vector FROM query) LIMIT %(near)s
), resolved AS MATERIALIZED (
    SELECT cited.article_id, greatest(0, max(similarity) - 0.35) / 0.65 AS evidence
      FROM (SELECT v.question_id, 1 - (v.embedding <=> (SELECT vector FROM query)) AS similarity
              FROM knowledge_questionvector v JOIN knowledge_resolvedquestion q ON q.id = v.question_id
             WHERE v.model_id = %(model)s AND (SELECT vector FROM query) IS NOT NULL AND q.asked_at < %(asked_at)s
               AND EXISTS (SELECT FROM knowledge_resolvedquestion_articles cited JOIN published USING (article_id)
                            WHERE cited.resolvedquestion_id = q.id)
             ORDER BY v.embedding <=> (SELECT vector FROM query) LIMIT 50) nearest
      JOIN knowledge_resolvedquestion_articles cited ON cited.resolvedquestion_id = nearest.question_id
     GROUP BY cited.article_id
), candidate AS MATERIALIZED (
    SELECT article_id FROM near
     UNION SELECT article_id FROM resolved JOIN published USING (article_id)
     UNION (SELECT article_id FROM (SELECT * FROM spoken ORDER BY score DESC, article_id) best
              JOIN published USING (article_id) ORDER BY score DESC, article_id LIMIT %(spoken)s)
), dense AS (
    SELECT article_id, avg(similarity) AS score, max(similarity) AS best
      FROM candidate CROSS JOIN LATERAL (
           -- Not ordered by the distance itself: a vector index would answer, and leave out what it does not see.
           SELECT 1 - (c.embedding <=> (SELECT vector FROM query)) AS similarity FROM knowledge_chunk c
            WHERE c.article_id = candidate.article_id AND c.model_id = %(model)s
            ORDER BY similarity DESC LIMIT 3) best
     GROUP BY article_id
), fluent AS MATERIALIZED (
    -- What the words are worth: a long question, whose rare words no passage holds together, is better felt than read.
    SELECT max(spoken.score) AS most, sqrt(max(spoken.held) / (SELECT sum(weight) FROM asked)) AS worth
      FROM spoken JOIN candidate USING (article_id)
), fused AS (
    SELECT article_id, dense.best, dense.score AS dense_score, words, coalesce(evidence, 0) AS evidence,
           coalesce(dense.score, 0) + 0.13 * words + 0.2 * coalesce(evidence, 0) AS score
      FROM dense
      LEFT JOIN resolved USING (article_id)
      LEFT JOIN spoken USING (article_id)
      CROSS JOIN LATERAL (SELECT coalesce((SELECT worth * spoken.score / most FROM fluent), 0) AS words) of_most
     WHERE dense.score IS NOT NULL OR words > 0
     ORDER BY score DESC, article_id LIMIT %(limit)s
), passages AS MATERIALIZED (
    -- Whoever writes to support mostly wants to do something: steps count a little more than explanations.
    SELECT c.article_id, c.id, c.is_summary, c.position, c.revision, c.section, c.passage,
           (SELECT sum(asked.weight * ts_rank(c.words, asked.word, 1)) FROM asked) AS said,
           1 - (c.embedding <=> (SELECT vector FROM query)) + 0.1 * (c.passage ~ '(^|\\n)1[.)] ')::int AS nearness
      FROM fused JOIN knowledge_chunk c ON c.article_id = fused.article_id AND c.model_id = %(model)s
), best AS (
    SELECT DISTINCT ON (article_id) article_id, id, is_summary, position, revision, section,
           -- Steps that are headings ("2. Enter your name") belong together: the section is what they stand under.
           regexp_replace(section, ' › (Step )?[0-9]+[.):] [^›]*$', '') AS whole
      FROM passages
     ORDER BY article_id, is_summary, nearness DESC NULLS LAST, said DESC NULLS LAST, id
), quoted AS (
    SELECT best.article_id, array_agg(p.position ORDER BY p.position) AS positions,
           array_agg(p.section ORDER BY p.position) AS sections, array_agg(p.passage ORDER BY p.position) AS passages
      FROM best JOIN passages p ON p.article_id = best.article_id AND p.is_summary = best.is_summary
       AND (p.section = best.whole
            OR (best.whole <> best.section OR best.whole LIKE '%% › %%')
           AND starts_with(p.section, best.whole || ' › '))
     GROUP BY best.article_id
)
SELECT a.id, a.slug, a.title, a.summary, a.url, best.id, best.revision, best.whole, best.position,
       quoted.positions, quoted.sections, quoted.passages,
       greatest(0, least(1, coalesce(fused.best, 0)))::float8, greatest(0, coalesce(fused.dense_score, 0))::float8,
       fused.words::float8, fused.evidence::float8, fused.score::float8
  FROM fused
  JOIN best USING (article_id)
  JOIN quoted USING (article_id)
  JOIN knowledge_article a ON a.id = fused.article_id
 ORDER BY fused.score DESC, a.id
"""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An article that may answer, with the section that comes nearest to the question.

    `passage` is that section's Markdown; `is_whole` is False when it was too long and a list had to be cut.
    0–1 each: `similarity` (best passage), `nearness` (three best), `words` and `evidence` (how much the question's
    rare words and resolved questions like it point here, 1 = as much as can be), `confidence` (that it answers; 0
    while the model has no calibration). `score` orders the hits.
    """

    article_id: int
    slug: str
    title: str
    summary: str
    url: str
    revision: int
    chunk_id: int
    section: str
    passage: str
    is_whole: bool = True
    similarity: float
    nearness: float
    words: float
    evidence: float
    score: float
    confidence: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Found:
    """The hits, best first, and what they are worth.

    `words_only`: the embedder was away, so similarities are 0 and nothing is certain. `is_calibrated`: what follows is
    known for this embedding model. `is_near`: the articles know something about the question (`nearness`, 0–1, is at
    least `floor`). `confidence` that the first hit answers, `confidence_top3` that one of the first three does.
    `is_clear`: near enough to be answered alone, from a confidence of `answer_from` on. `may_suggest`: the first three
    are worth a look.
    """

    hits: tuple[Hit, ...]
    model_id: str = ""
    words_only: bool = False
    is_calibrated: bool = False
    nearness: float = 0.0
    floor: float = 0.0
    is_near: bool = False
    confidence_top3: float = 0.0
    is_clear: bool = False
    answer_from: float = 1.0
    may_suggest: bool = False

    @property
    def confidence(self) -> float:
        return self.hits[0].confidence if self.hits else 0.0


def search(query: str, *, limit: int = 5, category: str | None = None, asked_at: datetime | None = None) -> Found:
    """The published articles that answer `query` (a question in the customer's words, cut at 700 characters).

    Only questions resolved before `asked_at` (now) count as evidence.
    """
    text, model_id = query[:QUERY_CHARACTERS], active_model_id()
    vector = None
    try:
        vector = question_vector(text, model_id)
    except EmbeddingFailed as error:
        log.warning("search_by_words_only", error=error)
    hits = find(vector, text, model_id=model_id, limit=max(limit, COMPARED), category=category, asked_at=asked_at)
    found = judged(hits, None if vector is None else thresholds(model_id))
    return replace(found, hits=found.hits[:limit], model_id=model_id, words_only=vector is None)


def question_vector(text: str, model_id: str) -> str:
    """The vector that `find` takes for a question. Raises EmbeddingFailed, soon: somebody waits."""
    return Vector(embedder(model_id).embed([text], seconds=QUERY_SECONDS)[0]).to_text()


def find(
    vector: str | None,
    text: str,
    *,
    model_id: str,
    limit: int = 5,
    category: str | None = None,
    asked_at: datetime | None = None,
) -> tuple[Hit, ...]:
    """The search itself. `vector` as PostgreSQL reads it, None for words alone; no `text`: by vectors alone."""
    with transaction.atomic(), connection.cursor() as cursor:
        index_settings(cursor, model_id)
        cursor.execute(
            SEARCH_SQL, parameters(vector, text, model_id=model_id, limit=limit, category=category, asked_at=asked_at)
        )
        return tuple(_hit(row) for row in cursor.fetchall())


def parameters(
    vector: str | None, text: str, *, model_id: str, limit: int, category: str | None, asked_at: datetime | None
) -> dict[str, Any]:
    """What SEARCH_SQL is given: the customer's words reach it here and nowhere else."""
    return {
        "vector": vector,
        "text": text,
        "model": model_id,
        "category": category or None,
        "asked_at": asked_at or timezone.now(),
        "limit": limit,
        "near": 7 * max(limit, COMPARED),  # passages
        "spoken": 3 * max(limit, COMPARED),  # articles
    }


def judged(hits: tuple[Hit, ...], known: Thresholds | None) -> Found:
    """What the hits are worth by these thresholds; COMPARED of them are needed when there are as many."""
    near = nearness(hits[:COMPARED])  # so many, however many were asked for: the floor is measured with these
    if known is None:
        return Found(hits=hits, nearness=near)
    is_near = near >= known.floor
    leads = [lead(hits, place, known.floor) for place in range(len(hits))] if is_near else []
    sure = [known.confidence(ahead) for ahead in leads] or [0.0] * len(hits)
    top3 = known.confidence_top3(leads[0]) if leads else 0.0
    return Found(
        hits=tuple(replace(hit, confidence=confidence) for hit, confidence in zip(hits, sure, strict=True)),
        is_calibrated=True,
        nearness=near,
        floor=known.floor,
        is_near=is_near,
        confidence_top3=top3,
        is_clear=known.is_clear(near),
        answer_from=known.answer_from,
        may_suggest=is_near and top3 >= known.suggest_from,
    )


def nearness(hits: tuple[Hit, ...]) -> float:
    """0–1: how near the knowledge base is to the question: the best article, and those around it.

    A question of the product has several articles about its matter, a strange one at most one that sounds like it.
    In a small knowledge base only one can be near, so as many are counted as a share of all.
    """
    counted = max(1, min(AROUND, round(Article.objects.order_by().published()[:MANY].count() * AROUND / MANY)))
    best = sorted((hit.similarity for hit in hits), reverse=True)[:counted]
    return (best[0] + sum(best) / len(best)) / 2 if best else 0.0


def lead(hits: tuple[Hit, ...], place: int, floor: float) -> float:
    """How far the hit at `place` (from 0) is ahead of the mean of the five best others.

    Where there are fewer, `floor` stands for the missing ones: without rivals nobody knows how good a score is.
    """
    others = [hit.score for n, hit in enumerate(hits) if n != place][: COMPARED - 1]
    rivals = [*others, *[floor] * (COMPARED - 1 - len(others))]
    return hits[place].score - sum(rivals) / len(rivals)


def _hit(row: tuple[Any, ...]) -> Hit:
    article_id, slug, title, summary, url, chunk_id, revision, section, position, *parts = row
    positions, sections, passages, similarity, nearness, words, evidence, score = parts
    passage, is_whole = quoted([Part(*part) for part in zip(positions, sections, passages, strict=True)], position)
    return Hit(
        article_id=article_id,
        slug=slug,
        title=title,
        summary=summary,
        url=Article(slug=slug, url=url).get_absolute_url(),
        revision=revision,
        chunk_id=chunk_id,
        section=section,
        passage=passage,
        is_whole=is_whole,
        similarity=similarity,
        nearness=nearness,
        words=words,
        evidence=evidence,
        score=score,
    )
