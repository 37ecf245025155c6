"""Build, measure and drop vector indexes in PostgreSQL, on a connection of its own, while searches go on."""

import hashlib
import math
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from fte_project.notify import direct_conninfo
from fte_project.schedule import stopping
from knowledge.models import DIMENSIONS, Article, Chunk, QuestionVector, VectorIndex

TABLES = {
    VectorIndex.Over.CHUNKS: Chunk._meta.db_table,
    VectorIndex.Over.QUESTIONS: QuestionVector._meta.db_table,
}
ARTICLES = sql.Identifier(Article._meta.db_table)
PREFIX = "vectors_"
BUILDER_LOCK = 0x766563746F7273
OLDEST_PGVECTOR = (0, 8)  # older ones cannot go on when a filter has left too few rows
NEAREST = 5
QUESTIONS = 60
LEAST_RECALL = 0.98
AIM = 0.99  # on the sample, so that other questions stay above LEAST_RECALL too
MOST_LISTS = 2000
MOST_EFFORT = 1000  # the largest hnsw.ef_search
LOOK_SECONDS = 0.5
VECTOR_BYTES = 4 * DIMENSIONS + 8

# A build takes minutes and waits for older transactions: no limit of time may break it off. A builder that was killed
# must not go on in the server and keep the lock.
ALONE = """
SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false),
       set_config('client_connection_check_interval', '2s', false), set_config('jit', 'off', false),
       pg_try_advisory_lock(%(lock)s)
"""
RIGHTS = """
SELECT bool_and(pg_has_role(relowner, 'USAGE') AND has_schema_privilege(relnamespace, 'CREATE')),
       (SELECT extversion FROM pg_extension WHERE extname = 'vector')
  FROM pg_class WHERE oid = ANY (%(tables)s::regclass[])
"""
BEGUN = """
SELECT c.relname, i.indisvalid
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = ANY (%(tables)s::regclass[]) AND starts_with(c.relname, %(prefix)s)
"""
CREATE = """
CREATE INDEX CONCURRENTLY {name} ON {table}
 USING {kind} (embedding vector_cosine_ops) {options} WHERE model_id = {model}
"""
NEAR = """
SELECT embedding <=> {asked}::vector FROM {table} WHERE model_id = {model}
 ORDER BY embedding <=> {asked}::vector LIMIT {nearest}
"""
# Measured with real questions: they lie farther from the passages than a passage that is changed a little, and an index
# misses more of their answers. A passage twice and three others are missed as often as they are.
MADE_UP = """
WITH picked AS (
    SELECT embedding, row_number() OVER () AS n
      FROM (SELECT embedding FROM {table} WHERE model_id = {model} ORDER BY random() LIMIT {wanted} + 3) one
)
SELECT (a.embedding + a.embedding + b.embedding + c.embedding + d.embedding)::text
  FROM picked a JOIN picked b ON b.n = a.n + 1 JOIN picked c ON c.n = a.n + 2 JOIN picked d ON d.n = a.n + 3
"""
REALLY_ASKED = """
SELECT embedding::text FROM {table} WHERE model_id = {model} ORDER BY random() LIMIT {wanted}
"""


class Refused(Exception):
    """The index was built and is not good enough; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """What one index is over: the vectors of one embedding model in one table."""

    over: VectorIndex.Over
    model_id: str

    def new_name(self) -> str:
        """A name that no index has had: the new one stands beside the old one for a while."""
        mark = hashlib.sha256(self.model_id.encode()).hexdigest()[:8]
        return f"{PREFIX}{self.over}_{mark}_{secrets.token_hex(4)}"

    def parts(self) -> dict[str, sql.Composable]:
        """What the statements above name. The model is a literal: parameters would not match a partial index."""
        return {"table": sql.Identifier(TABLES[self.over]), "model": sql.Literal(self.model_id)}


@dataclass(frozen=True, kw_only=True)
class Question:
    """A vector that is searched for, and how far away its nearest rows really are."""

    vector: str
    distances: list[float]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An index that is to be built."""

    name: str
    kind: str
    rows: int

    @property
    def lists(self) -> int:
        """Of ivfflat; a search reads all their centres and then some lists: about equally many rows of each."""
        return 0 if self.kind == VectorIndex.Kind.HNSW else max(1, min(MOST_LISTS, round(math.sqrt(self.rows))))

    def memory_mb(self) -> int:
        """What building it takes: a graph as it grows (up to 1 GB, slower beyond), ivfflat's sample at once."""
        if self.kind == VectorIndex.Kind.HNSW:
            return min(1024, 64 + self.rows * 2 * VECTOR_BYTES // 1024**2)
        sample = max(10_000, 50 * self.lists) + 3 * self.lists
        return 64 + sample * (VECTOR_BYTES + 5 * self.lists) // 1024**2


def efforts(kind: str, lists: int) -> list[int]:
    """What is tried for ivfflat.probes (up to half of the lists: beyond, exact search is as good) or hnsw.ef_search."""
    effort, most = (40, MOST_EFFORT) if kind == VectorIndex.Kind.HNSW else (math.ceil(lists / 100), max(1, lists // 2))
    tried = [effort]
    while effort < most:
        effort = min(most, math.ceil(effort * 1.3))
        tried.append(effort)
    return tried


class Builder:
    """The one builder of this database, on its own connection; every statement commits by itself."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self.db = db

    def what_is_missing(self) -> str:
        """Why indexes cannot be built with this connection, and what to do; '' when they can."""
        row = self.db.execute(RIGHTS, {"tables": list(TABLES.values())}).fetchone()
        may_build, version = row or (False, "")
        if not may_build:
            return "This database user may not build indexes: run manage.py index_articles as the owner of the tables."
        if tuple(int(n) for n in version.split(".")[:2]) < OLDEST_PGVECTOR:
            return f"pgvector {version} loses rows under filters: 0.8 or newer is needed for an index."
        return ""

    def begun(self) -> dict[str, bool]:
        """Every index that was ever begun and is still there, by name, and whether it is finished."""
        return dict(self.db.execute(BEGUN, {"tables": list(TABLES.values()), "prefix": PREFIX}).fetchall())

    def count(self, vectors: Vectors) -> int:
        statement = sql.SQL("SELECT count(*) FROM {table} WHERE model_id = {model}").format(**vectors.parts())
        return sum(rows for (rows,) in self.db.execute(statement))

    def create(self, vectors: Vectors, plan: Plan) -> None:
        """Build the index over what is there now."""
        is_hnsw = plan.kind == VectorIndex.Kind.HNSW
        self._set("maintenance_work_mem", f"{plan.memory_mb()}MB")
        # Processes that build a graph together share all of that memory, and a container has 64 MB to share.
        self._set("max_parallel_maintenance_workers", "0" if is_hnsw else "2")
        self.db.execute(
            sql.SQL(CREATE).format(
                name=sql.Identifier(plan.name),
                kind=sql.Identifier(plan.kind),
                options=sql.SQL("") if is_hnsw else sql.SQL("WITH (lists = {})").format(sql.Literal(plan.lists)),
                **vectors.parts(),
            )
        )
        # Without counts, right after articles were loaded, PostgreSQL would not think of the index.
        self.db.execute(sql.SQL("ANALYZE {table}, {articles}").format(articles=ARTICLES, **vectors.parts()))

    def drop(self, name: str) -> None:
        self.db.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))

    def questions(self, vectors: Vectors) -> list[Question]:
        """A sample to measure with, answered by exact search: half of them really asked, when there are as many."""
        asked: list[str] = []
        if vectors.over == VectorIndex.Over.CHUNKS:
            resolved = Vectors(over=VectorIndex.Over.QUESTIONS, model_id=vectors.model_id)
            asked = self._vectors(REALLY_ASKED, resolved, QUESTIONS // 2)
        asked += self._vectors(MADE_UP, vectors, QUESTIONS - len(asked))
        with self._without("enable_indexscan"):
            return [Question(vector=vector, distances=self._distances(vectors, vector)) for vector in asked]

    def measure(self, vectors: Vectors, index: VectorIndex, questions: list[Question]) -> tuple[int, float]:
        """The least effort at which the index finds what exact search finds, and its recall@5 then. Raises Refused."""
        setting = "hnsw.ef_search" if index.kind == VectorIndex.Kind.HNSW else "ivfflat.probes"
        if not questions:
            raise Refused("there are too few rows to measure it")
        effort, recall = 0, 0.0
        with self._without("enable_seqscan", "enable_sort"):
            for effort in efforts(index.kind, index.lists):
                self._set(setting, str(effort))
                if not self._is_used(vectors, index.name, questions):
                    raise Refused("PostgreSQL does not use it")
                recall = self._recall(vectors, questions)
                if recall >= AIM:
                    break
        if recall < LEAST_RECALL:
            raise Refused(f"its recall@{NEAREST} against exact search is {recall:.3f}, below {LEAST_RECALL}")
        return effort, recall

    def _is_used(self, vectors: Vectors, name: str, questions: list[Question]) -> bool:
        plan = self.db.execute(sql.SQL("EXPLAIN {}").format(_near(vectors, questions[0].vector))).fetchall()
        return any(name in line for (line,) in plan)

    def _recall(self, vectors: Vectors, questions: list[Question]) -> float:
        """The share of the nearest that are found. Rows that are equally near are equally right."""
        found = sum(
            distance <= question.distances[-1]
            for question in questions
            for distance in self._distances(vectors, question.vector)
        )
        return found / sum(len(question.distances) for question in questions)

    def _distances(self, vectors: Vectors, asked: str) -> list[float]:
        return [distance for (distance,) in self.db.execute(_near(vectors, asked)).fetchall()]

    def _vectors(self, statement: str, vectors: Vectors, wanted: int) -> list[str]:
        some = sql.SQL(statement).format(wanted=sql.Literal(wanted), **vectors.parts())
        return [vector for (vector,) in self.db.execute(some).fetchall()]

    def _set(self, name: str, value: str) -> None:
        self.db.execute("SELECT set_config(%s, %s, false)", [name, value])

    @contextmanager
    def _without(self, *ways: str) -> Iterator[None]:
        """Let PostgreSQL not take these ways to the rows."""
        for way in ways:
            self._set(way, "off")
        try:
            yield
        finally:
            for way in ways:
                self._set(way, "on")


def _near(vectors: Vectors, asked: str) -> sql.Composed:
    return sql.SQL(NEAR).format(asked=sql.Literal(asked), nearest=sql.Literal(NEAREST), **vectors.parts())


@contextmanager
def only_builder() -> Iterator[Builder | None]:
    """The builder of this database, for as long as the body runs; None while another process is it."""
    with psycopg.connect(direct_conninfo(), autocommit=True) as db:
        db.prepare_threshold = None  # a prepared statement would keep the plan of other settings
        row = db.execute(ALONE, {"lock": BUILDER_LOCK}).fetchone()
        if not row or not row[-1]:
            yield None
            return
        with _broken_off_with_the_role(db):
            yield Builder(db)
        # With the connection it would end a moment later, and whoever comes next would find it taken.
        db.execute("SELECT pg_advisory_unlock(%s)", [BUILDER_LOCK])


@contextmanager
def _broken_off_with_the_role(db: psycopg.Connection[Any]) -> Iterator[None]:
    """Cancel whatever `db` runs once the schedule role ends: it is not given the minutes that a build may take."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(LOOK_SECONDS):
            if stopping.is_set():
                db.cancel_safe()

    watcher = threading.Thread(target=watch, name="index-build", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
