"""Chunks by the thousand: vectors in clusters, as those of real articles are, copied straight into the tables."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from django.db import connection, transaction

from knowledge.models import DIMENSIONS, Article

CENTRES = 200
CHUNKS_PER_ARTICLE = 10
# The articles are numbered as they come; key and position count the chunks of each.
STAGE = """
CREATE TEMPORARY TABLE staged (n bigint, section text, passage text, embedding vector) ON COMMIT DROP
"""
INSERT = """
INSERT INTO knowledge_chunk (article_id, revision, key, model_id, position, is_summary, section, passage, embedding,
                             words)
SELECT (%(articles)s::bigint[])[1 + n / %(each)s], 1, n::text, %(model)s, n %% %(each)s, false, section, passage,
       embedding, to_tsvector('english', section || E'\n' || passage)
  FROM staged ORDER BY n
"""


class Clusters:
    """Vectors of length 1 around fixed centres; the same seed gives the same ones."""

    def __init__(self, seed: int = 7, *, centres: int = CENTRES) -> None:
        self.random = np.random.default_rng(seed)
        self.centres = self._some(centres)

    def _some(self, rows: int) -> np.ndarray:
        vectors = self.random.standard_normal((rows, DIMENSIONS), dtype=np.float32)
        return _made_long(vectors)

    def near(self, chosen: Sequence[int] | np.ndarray, *, spread: float = 1.0) -> np.ndarray:
        """A vector near each chosen centre: `spread` is its distance from it before it is made 1 long."""
        vectors = self.centres[np.asarray(chosen)] + np.float32(spread) * self._some(len(chosen))
        return _made_long(vectors)

    def batches(self, rows: int, *, size: int = 2000) -> Iterator[np.ndarray]:
        """`rows` vectors around centres that are drawn for each."""
        for start in range(0, rows, size):
            yield self.near(self.random.integers(0, len(self.centres), min(size, rows - start)))


def _made_long(vectors: np.ndarray) -> np.ndarray:
    long: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return long


def _binary(n: int, section: str, passage: str, vector: np.ndarray) -> bytes:
    """A row as binary COPY reads it (PostgreSQL's manual, COPY; the vector as pgvector's vector_send writes it)."""
    texts = b"".join(struct.pack("!i", len(text)) + text for text in (section.encode(), passage.encode()))
    numbers = vector.astype(">f4").tobytes()
    return struct.pack("!hiq", 4, 8, n) + texts + struct.pack("!ihh", 4 + len(numbers), len(vector), 0) + numbers


def store(articles: Sequence[int], model: str, batches: Iterable[np.ndarray], texts: Iterator[tuple[str, str]]) -> None:
    """Store the vectors as chunks, ten for each article, with (section, passage) from `texts`."""
    n = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STAGE)
        with cursor.copy("COPY staged FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0))
            for batch in batches:
                for vector in batch:
                    copy.write(_binary(n, *next(texts), vector))
                    n += 1
            copy.write(struct.pack("!h", -1))
        cursor.execute("SELECT set_config('statement_timeout', '0', true)")
        cursor.execute(INSERT, {"articles": list(articles), "each": CHUNKS_PER_ARTICLE, "model": model})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE knowledge_chunk, knowledge_article")


def make_articles(count: int, **values: Any) -> list[int]:
    """Published, indexed articles without chunks: their ids."""
    first = Article.objects.count()
    rows = Article.objects.bulk_create(
        Article(
            **{
                "slug": f"article-{n}",
                "title": f"Article {n}",
                "body_md": "x",
                "status": "published",
                "indexed_revision": 1,
                **values,
            }
        )
        for n in range(first, first + count)
    )
    return [row.pk for row in rows]
