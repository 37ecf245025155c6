"""`make bench`: the search over many passages, in a throw-away database, with the index that the product builds.

The passages are made of sentences of real articles, their vectors lie around 200 centres. One line of JSON:
`search_recall_at_5` of the vector list against exact search; `search_p95_ms` of whole searches for real questions, when
other ones have been asked (`longest`: only the questions that are cut); `search_vs_sql_p95`: the search without the
embedding over the same statement through bare psycopg, taken in turns. Exit 1 when the recall is below 0.98, the p95
above 60 ms (at 100,000 passages) or the ratio above 1.15.
"""

import argparse
import json
import math
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import django
import numpy as np
import psycopg

from tests.services import _services

BASE = Path(__file__).parent.parent.parent
DATA = BASE.parent / "shared" / "data"
SAMPLE = BASE / "knowledge" / "sample"
SEED = 7
ASKED, PAIRS = 200, 400
PASSAGE_CHARACTERS = 450
LEAST_RECALL, MOST_P95_MS, MOST_RATIO = 0.98, 60.0, 1.15
LARGE = 100_000
COUNT_WORDS = """
INSERT INTO knowledge_lexeme (word, chunks)
SELECT word.lexeme, count(*) FROM knowledge_chunk c CROSS JOIN unnest(c.words) AS word GROUP BY 1
"""
# As in the search's own statement.
NEAR = """
SELECT c.key::int
  FROM knowledge_chunk c JOIN knowledge_article a ON a.id = c.article_id
 WHERE c.model_id = %(model)s AND a.status = 'published'
 ORDER BY c.embedding <=> (SELECT %(vector)s::vector) LIMIT 120
"""


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%X')}  {text}\n")


def rows(*names: str) -> list[dict[str, Any]]:
    """Rows of these development sets; nothing where they are not."""
    files = [DATA / name for name in names]
    return [json.loads(line) for file in files if file.is_file() for line in file.open(encoding="utf-8")]


def sentences() -> list[str]:
    """Sentences of real articles, or of the sample ones."""
    bodies = [row["body_md"] for row in rows("thunderbird/articles.jsonl", "aws/articles.jsonl")]
    if not bodies:
        say(f"no {DATA}: words of the sample articles")
        bodies = [file.read_text(encoding="utf-8").rpartition("\n---\n")[2] for file in sorted(SAMPLE.glob("*.md"))]
    parts = (part.strip() for body in bodies for part in re.split(r"(?<=[.!?])\s+|\n+", body))
    return [part for part in parts if 20 <= len(part) <= 300]


def questions() -> tuple[list[str], list[str]]:
    """Real questions as the search cuts them, and other ones that come before; of the sample where there are none."""
    from knowledge.search import QUERY_CHARACTERS

    asked, before = (
        [f"{row['title']}\n{row['body']}"[:QUERY_CHARACTERS] for row in rows(f"thunderbird/{name}_dev.jsonl")]
        for name in ("questions", "resolved")
    )
    if asked and before:
        return asked, before
    say(f"no {DATA}: questions of the sample, several in one")
    with (BASE / "knowledge" / "sample_questions.jsonl").open(encoding="utf-8") as lines:
        short = [f"{row.get('title', '')} {row['body']}" for row in map(json.loads, lines)]
    long = ["\n".join(short[n:] + short[:n])[:QUERY_CHARACTERS] for n in range(len(short))]
    return long, long


def texts(known: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """A section and a passage, again and again."""
    while True:
        passage = ""
        while len(passage) < PASSAGE_CHARACTERS:
            passage += f"{rng.choice(known)} "
        yield f"{rng.choice(known)[:40]} › {rng.choice(known)[:40]}", passage


def fill(chunks: int, model: str) -> list[int]:
    """Store the passages; every twentieth article is a draft. Gives the chunks (by key) that a search may find."""
    from django.db import connection

    from knowledge.models import Article
    from tests.clusters import CHUNKS_PER_ARTICLE, Clusters, make_articles, store

    articles = make_articles(chunks // CHUNKS_PER_ARTICLE)
    drafts = set(articles[::20])
    Article.objects.filter(pk__in=drafts).update(status=Article.Status.DRAFT)
    store(articles, model, Clusters(SEED).batches(chunks), texts(sentences(), random.Random(SEED)))
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(COUNT_WORDS)
        cursor.execute("VACUUM ANALYZE knowledge_chunk, knowledge_article, knowledge_lexeme")
        cursor.execute("RESET statement_timeout")
    return [n for n in range(chunks) if articles[n // CHUNKS_PER_ARTICLE] not in drafts]


def exact(chunks: int, allowed: list[int], asked: np.ndarray) -> list[set[int]]:
    """The five nearest of the allowed chunks for each vector, by arithmetic."""
    from tests.clusters import Clusters

    is_allowed = np.zeros(chunks, dtype=bool)
    is_allowed[allowed] = True
    near = np.empty((len(asked), 0))
    keys = np.empty((len(asked), 0), dtype=int)
    start = 0
    for batch in Clusters(SEED).batches(chunks):
        here = np.where(is_allowed[start : start + len(batch)], asked @ batch.T, -2.0)
        near = np.hstack([near, here])
        keys = np.hstack([keys, np.tile(np.arange(start, start + len(batch)), (len(asked), 1))])
        best = np.argsort(-near, axis=1)[:, :5]
        near, keys = np.take_along_axis(near, best, 1), np.take_along_axis(keys, best, 1)
        start += len(batch)
    return [set(row.tolist()) for row in keys]


def found(model: str, vectors: Sequence[str]) -> list[set[int]]:
    """The five nearest chunks for each vector, as a search finds them."""
    from django.db import connection, transaction

    from knowledge.vector_index import index_settings

    nearest = []
    for vector in vectors:
        with transaction.atomic(), connection.cursor() as cursor:
            index_settings(cursor, model)
            cursor.execute(NEAR, {"model": model, "vector": vector})
            nearest.append({key for (key,) in cursor.fetchall()[:5]})
    return nearest


def milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def percentile(times: Sequence[float], share: float) -> float:
    return round(sorted(times)[math.ceil(len(times) * share) - 1], 2)


class Bare:
    """The search's statement through psycopg and nothing else, with the same index settings.

    Not prepared, as with us: behind a pooler it could not be, and a plan from before the index was measured would stay.
    """

    def __init__(self, model: str) -> None:
        from fte_project.notify import direct_conninfo
        from knowledge.vector_index import INDEX_SETTINGS

        self.db = psycopg.connect(direct_conninfo(), autocommit=True, prepare_threshold=None)
        self.db.execute("SET jit = off")
        # For the whole session in place of one transaction.
        self.db.execute(re.sub(r",\s*true\)", ", false)", INDEX_SETTINGS).encode(), {"model": model})

    def ask(self, asked: dict[str, Any]) -> list[Any]:
        from knowledge.search import SEARCH_SQL

        return self.db.execute(SEARCH_SQL.encode(), asked).fetchall()


def in_turns(model: str, vectors: Sequence[str], asked: Sequence[str]) -> tuple[list[float], list[float]]:
    """Milliseconds of `find` and of its bare statement, for the same questions one after the other."""
    from knowledge.search import find, parameters

    bare = Bare(model)
    ours: list[float] = []
    theirs: list[float] = []
    for n in range(-20, PAIRS):  # the first ones warm up
        vector, text = vectors[n % len(vectors)], asked[n % len(asked)]
        values = parameters(vector, text, model_id=model, limit=6, category=None, asked_at=None)
        both: list[tuple[list[float], Callable[[], object]]]
        both = [(ours, partial(find, vector, text, model_id=model, limit=6)), (theirs, partial(bare.ask, values))]
        for times, call in both if n % 2 else reversed(both):
            taken = milliseconds(call)
            if n >= 0:
                times.append(taken)
    return ours, theirs


def measure(chunks: int) -> dict[str, Any]:
    from pgvector import Vector

    from knowledge.embeddings import LOCAL_MODEL_ID as MODEL
    from knowledge.embeddings import embedder
    from knowledge.indexing import active_model_id
    from knowledge.search import QUERY_CHARACTERS, search
    from knowledge.vector_index import keep_indexes
    from tests.clusters import Clusters

    assert active_model_id() == MODEL
    began = time.perf_counter()
    allowed = fill(chunks, MODEL)
    loaded = time.perf_counter()
    say(f"{chunks} passages in {loaded - began:.0f} s; building the index")
    index = keep_indexes()[0]
    built = time.perf_counter()
    say(f"{index.kind} {index.name}: {index.lists} lists, {index.probes} probes; asking")
    near = Clusters(SEED)
    near.random = np.random.default_rng(SEED + 1)
    vectors = near.near(near.random.integers(0, len(near.centres), ASKED))
    written = [Vector(vector.tolist()).to_text() for vector in vectors]
    pairs = zip(exact(chunks, allowed, vectors), found(MODEL, written), strict=True)
    recall = sum(len(wanted & got) for wanted, got in pairs) / (5 * ASKED)
    asked, before = questions()
    for text in islice(cycle(before), ASKED):
        search(text)
    alone = [milliseconds(partial(embedder(MODEL).embed, [text])) for text in asked]
    whole = [milliseconds(partial(search, text)) for text in islice(cycle(asked), ASKED)]
    longest = [taken for taken, text in zip(whole, cycle(asked), strict=False) if len(text) == QUERY_CHARACTERS]
    ours, theirs = in_turns(MODEL, written, asked)
    return {
        "search_recall_at_5": round(recall, 4),
        "search_p50_ms": percentile(whole, 0.5),
        "search_p95_ms": percentile(whole, 0.95),
        "longest_p50_ms": percentile(longest, 0.5),
        "longest_p95_ms": percentile(longest, 0.95),
        "embed_p50_ms": percentile(alone, 0.5),
        "embed_p95_ms": percentile(alone, 0.95),
        "search_vs_sql_p50": round(percentile(ours, 0.5) / percentile(theirs, 0.5), 3),
        "search_vs_sql_p95": round(percentile(ours, 0.95) / percentile(theirs, 0.95), 3),
        "find_p50_ms": percentile(ours, 0.5),
        "find_p95_ms": percentile(ours, 0.95),
        "sql_p50_ms": percentile(theirs, 0.5),
        "sql_p95_ms": percentile(theirs, 0.95),
        "chunks": chunks,
        "index": {"kind": index.kind, "lists": index.lists, "probes": index.probes, "recall": index.recall},
        "index_error": index.error,
        "load_s": round(loaded - began, 1),
        "index_s": round(built - loaded, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.search", description=__doc__)
    parser.add_argument("--chunks", type=int, default=20_000)
    options = parser.parse_args()
    if options.chunks < 1000:
        parser.error("--chunks must be 1000 or more")
    assert _services is not None
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fte_project.settings")
    try:
        _services.start(broker=False)
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        figures = measure(options.chunks)
    finally:
        _services.stop()
    print(json.dumps(figures))
    is_quick = figures["search_p95_ms"] <= MOST_P95_MS or options.chunks < LARGE
    holds = figures["search_recall_at_5"] >= LEAST_RECALL and figures["search_vs_sql_p95"] <= MOST_RATIO and is_quick
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
