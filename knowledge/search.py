"""Search in the knowledge base: one raw SQL statement, a vector list and a word list fused, the vectors dominant."""

import re
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection
from pgvector import Vector

from knowledge.embeddings import EmbeddingFailed, embedder
from knowledge.indexing import active_model_id
from knowledge.models import Article

log = structlog.get_logger()
QUERY_CHARACTERS = 700
QUERY_WORDS = 12

# Best two chunks of an article by vector, mean of both; articles of the word list add a quarter of a vote each
# (reciprocal rank, k = 20). Measured in the embedder's notes: dense dominant beats equal weights.
SEARCH_SQL = """
WITH query AS (
    SELECT to_tsquery('english', %(words)s) AS words
), live AS (
    SELECT c.id, c.article_id, c.is_summary, c.embedding, c.words
      FROM knowledge_chunk c
      JOIN knowledge_article a ON a.id = c.article_id
     WHERE a.status = 'published' AND c.model_id = %(model)s
       AND (%(category)s::text IS NULL OR a.category = %(category)s)
), near AS (
    SELECT id, article_id, 1 - (embedding <=> %(vector)s::vector) AS similarity
      FROM live WHERE %(vector)s::vector IS NOT NULL
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY article_id ORDER BY similarity DESC, id) AS place FROM near
), dense AS (
    SELECT article_id, avg(similarity) AS score, max(similarity) AS best,
           row_number() OVER (ORDER BY avg(similarity) DESC, article_id) AS place
      FROM ranked WHERE place <= 2 GROUP BY article_id
), word_hits AS (
    SELECT article_id, max(ts_rank(live.words, query.words)) AS score
      FROM live, query WHERE live.words @@ query.words
     GROUP BY article_id
), sparse AS (
    SELECT article_id, row_number() OVER (ORDER BY score DESC, article_id) AS place FROM word_hits
), fused AS (
    SELECT article_id, dense.score AS dense_score, dense.best,
           coalesce(1.0 / (20 + dense.place), 0) + coalesce(0.25 / (20 + sparse.place), 0) AS score,
           sparse.place AS word_place
      FROM dense FULL JOIN sparse USING (article_id)
     ORDER BY 4 DESC, article_id LIMIT %(limit)s
), read AS (
    SELECT c.article_id, c.id, c.is_summary, c.position, c.revision, c.section, worth.nearness,
           CASE WHEN c.section LIKE '%% › %%'
                THEN '**' || regexp_replace(c.section, '^.* › ', '') || E'**\n\n' || c.passage
                ELSE c.passage END AS passage,
           row_number() OVER best AS place,
           sum(length(c.passage)) OVER best AS characters,
           first_value(worth.nearness) OVER best AS first_nearness
      FROM fused JOIN knowledge_chunk c USING (article_id) JOIN live ON live.id = c.id
      LEFT JOIN near ON near.id = c.id
      -- Whoever writes to support mostly wants to do something: steps count a little more than explanations.
      CROSS JOIN LATERAL (SELECT near.similarity + 0.1 * (c.passage ~ '(^|\n)1[.)] ')::int AS nearness) worth
    WINDOW best AS (PARTITION BY c.article_id
                    ORDER BY c.is_summary, worth.nearness DESC NULLS LAST,
                             ts_rank(live.words, (SELECT words FROM query)) DESC, c.id)
), quoted AS (
    -- The best passage, and two more when they are about as near and fit into one answer; in reading order, each
    -- under its heading, so that whoever reads can choose ("when you are signed in", "when you are not").
    SELECT article_id, string_agg(passage, E'\n\n' ORDER BY position) AS passage,
           (array_agg(id ORDER BY place))[1] AS chunk_id,
           (array_agg(revision ORDER BY place))[1] AS revision,
           (array_agg(section ORDER BY place))[1] AS section
      FROM read
     WHERE place = 1 OR (place <= 3 AND NOT is_summary AND characters <= 1500 AND nearness >= first_nearness - 0.2)
     GROUP BY article_id
)
SELECT a.id, a.slug, a.title, a.summary, a.url, quoted.chunk_id, quoted.revision, quoted.section, quoted.passage,
       greatest(0, least(1, coalesce(fused.best, 0)))::float8,
       greatest(0, least(1, coalesce(fused.dense_score, 0)))::float8,
       fused.word_place
  FROM fused
  JOIN quoted USING (article_id)
  JOIN knowledge_article a ON a.id = fused.article_id
 ORDER BY fused.score DESC, a.id
"""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An article that may answer, with its best passages. `similarity` (best chunk), `score` (best two): 0–1."""

    article_id: int
    slug: str
    title: str
    summary: str
    url: str
    revision: int
    chunk_id: int
    section: str
    passage: str
    similarity: float
    score: float
    word_place: int | None


@dataclass(frozen=True, kw_only=True)
class Found:
    """The hits, best first. `words_only`: the embedder was away, so similarities are 0 and nothing is certain."""

    hits: tuple[Hit, ...]
    words_only: bool = False


def search(query: str, *, limit: int = 5, category: str | None = None) -> Found:
    """The published articles nearest to `query` (a question in the customer's words, cut at 700 characters)."""
    text = query[:QUERY_CHARACTERS]
    model_id = active_model_id()
    vector: str | None = None
    try:
        vector = Vector(embedder(model_id).embed([text])[0]).to_text()
    except EmbeddingFailed as error:
        log.warning("search_by_words_only", error=str(error)[:200])
    parameters = {
        "words": _or_query(text),
        "vector": vector,
        "model": model_id,
        "category": category or None,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(SEARCH_SQL, parameters)
        rows = cursor.fetchall()
    return Found(hits=tuple(_hit(row) for row in rows), words_only=vector is None)


def _or_query(text: str) -> str:
    """The longest distinct words of the text, joined by OR: what tsquery reads. Letters and digits only."""
    words = dict.fromkeys(re.findall(r"[^\W_]{2,40}", text.lower()))
    return " | ".join(sorted(words, key=len, reverse=True)[:QUERY_WORDS])


def _hit(row: tuple[Any, ...]) -> Hit:
    article_id, slug, title, summary, url, chunk_id, revision, section, passage, best, score, place = row
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
        similarity=best,
        score=score,
        word_place=place,
    )
