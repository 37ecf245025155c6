"""The vector index: exact search without one, an index that is measured above, and nothing missed in either case."""

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from pgvector import Vector

from fte_project.health import State
from fte_project.models import TimedJob
from fte_project.notify import direct_conninfo
from fte_project.schedule import stopping
from knowledge import health, index_building
from knowledge.index_building import BUILDER_LOCK, Plan, Vectors, efforts, only_builder
from knowledge.indexing import index_waiting
from knowledge.keeping_up import index_job
from knowledge.models import ActiveModel, Article, Chunk, QuestionVector, ResolvedQuestion, VectorIndex
from knowledge.search import SEARCH_SQL, find, parameters, search
from knowledge.vector_index import VECTOR_JOB, Busy, index_settings, keep_indexes, vector_job
from tests.clusters import CHUNKS_PER_ARTICLE, Clusters, make_articles, store
from tests.concurrency import real_commits
from tests.processes import wait_for

MODEL, NEXT = "model-a", "model-b"
ROWS = 1000
WORDS = ("Section", "Some words. " * 40)
KINDS = ("ivfflat", "hnsw")
# The list of the search that an index is for.
NEAR = """
SELECT c.id FROM knowledge_chunk c JOIN knowledge_article a ON a.id = c.article_id
 WHERE c.model_id = %(model)s AND a.status = 'published'
   AND (%(category)s::text IS NULL OR a.category = %(category)s)
 ORDER BY c.embedding <=> (SELECT %(vector)s::vector) LIMIT %(limit)s
"""


@pytest.fixture(autouse=True)
def _no_index_stays() -> Iterator[None]:
    """The database of the next test has the same tables."""
    yield
    stopping.clear()
    with only_builder() as builder:
        assert builder is not None
        for name in builder.begun():
            builder.drop(name)


@pytest.fixture
def clusters(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Clusters:
    """ROWS chunks of published articles in 20 clusters, more than an index is built from."""
    settings.SEARCH_INDEX_FROM = ROWS // 2
    monkeypatch.setattr(index_building, "QUESTIONS", 20)
    ActiveModel.objects.create(model_id=MODEL)
    clusters = Clusters(centres=20)
    fill(clusters, ROWS)
    return clusters


def fill(clusters: Clusters, rows: int, *, model: str = MODEL, near: int | None = None, **values: Any) -> list[int]:
    """Articles with `rows` chunks around all centres, or the one that is `near`; their ids."""
    articles = make_articles(-(-rows // CHUNKS_PER_ARTICLE), **values)
    batches = clusters.batches(rows) if near is None else [clusters.near([near] * rows)]
    store(articles, model, batches, itertools.repeat(WORDS))
    return articles


def text(vector: np.ndarray) -> str:
    return str(Vector(vector.tolist()).to_text())


def near(vector: np.ndarray, *, category: str | None = None, without: Sequence[str] = ()) -> list[int]:
    """Ids of the 100 nearest chunks, as the search finds them, in that order; `without` some of PostgreSQL's ways."""
    with transaction.atomic(), connection.cursor() as cursor:
        index_settings(cursor, MODEL)
        for way in without:
            cursor.execute("SELECT set_config(%s, 'off', true)", [way])
        cursor.execute(NEAR, {"model": MODEL, "category": category, "vector": text(vector), "limit": 100})
        return [pk for (pk,) in cursor.fetchall()]


def plan(vector: np.ndarray) -> str:
    """How PostgreSQL would do the product's search."""
    asked = parameters(text(vector), "", model_id=MODEL, limit=5, category=None, asked_at=None)
    with transaction.atomic(), connection.cursor() as cursor:
        index_settings(cursor, MODEL)
        cursor.execute("EXPLAIN " + SEARCH_SQL, asked)
        return "\n".join(line for (line,) in cursor.fetchall())


def built(over: str = "chunks", model: str = MODEL) -> VectorIndex:
    return VectorIndex.objects.get(model_id=model, over=over)


def indexes() -> dict[str, bool]:
    with only_builder() as builder:
        assert builder is not None
        return builder.begun()


# --- Without an index -----------------------------------------------------------------------------------------------


@real_commits
@pytest.mark.parametrize("count", [0, 1, 50])
@pytest.mark.parametrize("index_from", [5000, 4])
def test_nothing_published_is_missed_however_few_articles_there_are(
    settings: Any, monkeypatch: pytest.MonkeyPatch, count: int, index_from: int
) -> None:
    settings.SEARCH_INDEX_FROM = index_from
    monkeypatch.setattr(index_building, "AIM", 0.0)
    monkeypatch.setattr(index_building, "LEAST_RECALL", 0.0)  # even the worst index
    Article.objects.bulk_create(
        Article(slug=f"a{n}", title=f"Room {n}", body_md=f"How room {n} is booked.", status="published")
        for n in range(count)
    )
    index_waiting()
    keep_indexes()
    assert len(indexes()) == (count > 4 and index_from == 4)
    assert {hit.slug for hit in search("How do I book a room?", limit=100).hits} == {f"a{n}" for n in range(count)}


def test_below_the_threshold_search_is_exact(clusters: Clusters, settings: Any) -> None:
    settings.SEARCH_INDEX_FROM = ROWS + 1
    assert [(i.name, i.rows, i.error) for i in keep_indexes()] == [("", ROWS, ""), ("", 0, "")]
    assert indexes() == {}
    assert health.vector_index() == (
        State.OK,
        f"Search is exact: {ROWS} passages, an index is built from {ROWS + 1}.",
    )


@real_commits
def test_without_a_model_there_is_nothing_to_do() -> None:
    assert keep_indexes() == []


# --- Building and measuring -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_above_the_threshold_an_index_is_built_and_used_and_finds_what_exact_search_finds(
    clusters: Clusters, settings: Any, kind: str
) -> None:
    settings.SEARCH_INDEX = kind
    fill(clusters, 2 * ROWS)
    assert health.vector_index()[1].startswith(f"{3 * ROWS} passages have none yet")
    keep_indexes()
    index = built()
    assert (index.kind, index.rows, index.error) == (kind, 3 * ROWS, "")
    assert index.recall is not None
    assert index.recall >= 0.98
    assert indexes() == {index.name: True}
    stored = dict(Chunk.objects.values_list("pk", "embedding"))
    ids = list(stored)
    matrix = np.array([Vector(v).to_list() if isinstance(v, str) else v for v in stored.values()])
    asked = clusters.near(range(20))
    assert f"Index Scan using {index.name}" in plan(asked[0])
    found = 0
    for vector in asked:
        exact = {ids[n] for n in np.argsort(-(matrix @ vector))[:5]}
        found += len(exact & set(near(vector)[:5]))
    assert found / 100 >= 0.98
    assert health.vector_index() == (
        State.OK,
        f"Passages: {kind}, made of {3 * ROWS}, recall@5 {index.recall:.3f}.",
    )


def test_resolved_questions_have_an_index_of_their_own_and_are_measured_with(clusters: Clusters, settings: Any) -> None:
    settings.SEARCH_INDEX_FROM = 100
    rows = ResolvedQuestion.objects.bulk_create(
        ResolvedQuestion(source=str(n), text="x", approved_by="staff", asked_at=Now()) for n in range(120)
    )
    vectors = next(clusters.batches(len(rows)))
    QuestionVector.objects.bulk_create(
        QuestionVector(question=row, model_id=MODEL, embedding=vector.tolist())
        for row, vector in zip(rows, vectors, strict=True)
    )
    keep_indexes()
    assert (built("questions").rows, built("questions").kind) == (120, "ivfflat")
    assert built("questions").recall == pytest.approx(1, abs=0.02)
    assert set(indexes()) == {built("questions").name, built("chunks").name}
    with only_builder() as builder:
        assert builder is not None
        questions = builder.questions(Vectors(over=VectorIndex.Over.CHUNKS, model_id=MODEL))
    really_asked = QuestionVector.objects.filter(
        embedding__in=[Vector.from_text(q.vector).to_list() for q in questions]
    )
    assert (len(questions), really_asked.count()) == (20, 10)


def test_vectors_stand_beside_the_rest_of_their_row(clusters: Clusters) -> None:
    """Read from elsewhere, comparing with all of them would take twice as long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size(oid) / 1024, pg_relation_size(reltoastrelid) FROM pg_class"
            " WHERE relname = 'knowledge_chunk'"
        )
        kilobytes, elsewhere = cursor.fetchone()
    assert (kilobytes >= 6 * ROWS, elsewhere) == (True, 0)


def test_a_second_look_changes_nothing(clusters: Clusters) -> None:
    keep_indexes()
    before = built()
    keep_indexes(again=True)
    assert built().name == before.name
    assert built().built_at == before.built_at


def test_the_model_that_is_being_prepared_has_its_index_before_it_is_used(clusters: Clusters) -> None:
    fill(clusters, ROWS, model=NEXT)
    ActiveModel.objects.update(next_model_id=NEXT)
    keep_indexes()
    names = {built().name, built(model=NEXT).name}
    assert set(indexes()) == names
    ActiveModel.objects.update(model_id=NEXT, next_model_id="")
    keep_indexes()
    assert set(indexes()) == {built(model=NEXT).name}
    assert not VectorIndex.objects.filter(model_id=MODEL).exists()


# --- Filters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_filters_never_leave_too_few_rows(clusters: Clusters, settings: Any, kind: str) -> None:
    settings.SEARCH_INDEX = kind
    fill(clusters, 300, near=3, status="draft")
    fill(clusters, 60, near=11, category="rare")
    keep_indexes()
    asked = clusters.near([3])[0]
    only_the_index = ("enable_seqscan", "enable_sort", "enable_bitmapscan")
    for without in ((), only_the_index):
        assert len(near(asked, without=without)) == 100
        assert len(near(asked, category="rare", without=without)) == 60
        assert near(asked, category="none", without=without) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_search_finds_a_rare_category_and_nothing_unpublished_through_the_index(
    clusters: Clusters, settings: Any, kind: str
) -> None:
    settings.SEARCH_INDEX = kind
    drafts = fill(clusters, 300, near=3, status="draft")
    rare = fill(clusters, 60, near=11, category="rare")
    keep_indexes()
    asked = text(clusters.near([3])[0])
    assert {hit.article_id for hit in find(asked, "", model_id=MODEL, limit=50, category="rare")} == set(rare)
    hits = find(asked, "", model_id=MODEL, limit=50)
    assert len(hits) == 50
    assert not {hit.article_id for hit in hits} & set(drafts)


# --- Renewing and dropping ------------------------------------------------------------------------------------------


def test_grown_by_half_it_is_built_again_under_a_new_name(clusters: Clusters) -> None:
    keep_indexes()
    old = built().name
    fill(clusters, ROWS // 2 - 10)
    keep_indexes()
    assert built().name == old
    fill(clusters, 10)
    keep_indexes()
    assert built().name != old
    assert built().rows == ROWS * 3 // 2
    assert indexes() == {built().name: True}


def test_another_kind_is_built_when_the_setting_asks_for_it(clusters: Clusters, settings: Any) -> None:
    keep_indexes()
    settings.SEARCH_INDEX = "hnsw"
    keep_indexes()
    assert (built().kind, built().lists) == ("hnsw", 0)
    assert indexes() == {built().name: True}


def test_far_below_the_threshold_it_is_dropped(clusters: Clusters, settings: Any) -> None:
    keep_indexes()
    settings.SEARCH_INDEX_FROM = ROWS * 2
    keep_indexes()
    assert built().name, "not at every step over the threshold"
    settings.SEARCH_INDEX_FROM = ROWS * 2 + 2
    keep_indexes()
    assert (built().name, built().recall, built().probes) == ("", None, 0)
    assert indexes() == {}


def test_what_killed_builds_have_left_is_removed(clusters: Clusters) -> None:
    with connection.cursor() as cursor:
        with pytest.raises(Exception, match="duplicate"):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY vectors_chunks_killed ON knowledge_chunk (model_id)")
        cursor.execute("CREATE INDEX vectors_chunks_unknown ON knowledge_chunk (model_id)")
    VectorIndex.objects.create(model_id=MODEL, over="chunks", name="vectors_chunks_killed")
    assert indexes() == {"vectors_chunks_killed": False, "vectors_chunks_unknown": True}
    keep_indexes()
    assert indexes() == {built().name: True}


@pytest.mark.django_db
def test_the_indexes_are_looked_at_right_after_articles_were_indexed() -> None:
    TimedJob.objects.create(name=VECTOR_JOB, due_at=Now() + timedelta(minutes=5))
    index_job()
    assert not TimedJob.objects.all().due().exists(), "nothing was indexed"
    Article.objects.create(slug="a", title="A", body_md="Text.", status="published")
    index_job()
    assert TimedJob.objects.all().due().exists()


# --- While others work ----------------------------------------------------------------------------------------------


@contextmanager
def in_background(call: Any) -> Iterator[Future[Any]]:
    def run() -> Any:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run)


@contextmanager
def open_writer() -> Iterator[None]:
    """A transaction that has written a chunk and is not over: a build waits for it."""
    with psycopg.connect(direct_conninfo()) as writer:
        writer.execute(
            "UPDATE knowledge_chunk SET position = position WHERE id = (SELECT min(id) FROM knowledge_chunk)"
        )
        yield
        writer.rollback()


def build_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%INDEX CONCURRENTLY%%' "
            "AND wait_event_type = 'Lock' AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return bool(cursor.fetchone()[0])


def test_reads_and_writes_go_on_while_it_is_built(clusters: Clusters) -> None:
    keep_indexes()
    old = built()
    fill(clusters, ROWS)
    asked = clusters.near([3])[0]
    with in_background(keep_indexes) as build:
        with open_writer():
            wait_for(build_waits)
            assert len(near(asked)) == 100
            assert f"Index Scan using {old.name}" in plan(asked)
            assert Chunk.objects.filter(position=1).update(position=2)
            assert not build.done()
        build.result(60)
    assert (built().rows, built().name != old.name) == (2 * ROWS, True)


def test_an_index_that_is_not_measured_is_not_used(clusters: Clusters) -> None:
    asked = clusters.near([3])[0]
    keep_indexes()
    name = built().name
    assert name in plan(asked)
    VectorIndex.objects.filter(name=name).update(recall=None)
    assert name not in plan(asked)
    assert len(near(asked)) == 100
    keep_indexes()
    assert (built().name, built().recall is None) == (name, False)


def test_searches_are_told_before_the_first_index_can_be_used(clusters: Clusters) -> None:
    with in_background(keep_indexes) as build:
        with open_writer():
            wait_for(build_waits)
            assert (built().name in indexes_of(), built().recall) == (True, None)
        build.result(60)


def indexes_of() -> set[str]:
    """Every index of the chunks, asked without the builder's lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'knowledge_chunk'")
        return {name for (name,) in cursor.fetchall()}


def test_never_two_builders_at_once(clusters: Clusters) -> None:
    with psycopg.connect(direct_conninfo()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [BUILDER_LOCK])
        with pytest.raises(Busy):
            keep_indexes()
        with pytest.raises(CommandError, match="Another process"):
            call_command("index_articles")
        vector_job()
        assert not VectorIndex.objects.exists()
    vector_job()
    assert built().name


def test_the_end_of_the_role_breaks_a_build_off(clusters: Clusters) -> None:
    with open_writer(), in_background(vector_job) as build:
        wait_for(build_waits)
        stopping.set()
        build.result(20)
    assert True not in indexes().values()
    stopping.clear()
    vector_job()
    assert indexes() == {built().name: True}


# --- What goes wrong ------------------------------------------------------------------------------------------------


def test_an_index_that_misses_too_much_is_dropped(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(index_building, "AIM", 1.1)
    monkeypatch.setattr(index_building, "LEAST_RECALL", 1.1)
    with pytest.raises(CommandError) as ended:
        call_command("index_articles")
    assert ended.value.returncode == 1
    assert "below 1.1" in capsys.readouterr().out
    assert (built().name, built().recall, indexes()) == ("", None, {})
    assert "Order By" not in plan(clusters.near([3])[0])
    state, said = health.vector_index()
    assert state == State.FAILED
    assert "below 1.1. Search is exact, which is slow; SEARCH_INDEX=hnsw may do better." in said


def test_what_failed_is_tried_again_after_a_day_or_when_somebody_asks(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Plan, "memory_mb", lambda _: 1)
        vector_job()
    assert built().error.startswith("Tried in vain: memory required is")
    assert (built().name, indexes()) == ("", {})
    vector_job()
    assert built().name == ""
    VectorIndex.objects.update(built_at=Now() - timedelta(days=1, minutes=1))
    vector_job()
    assert (built().error, built().name != "") == ("", True)


def test_a_rebuild_that_fails_leaves_the_old_index_in_use(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_indexes()
    old = built()
    fill(clusters, ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(Plan, "memory_mb", lambda _: 1)
        keep_indexes()
    assert (built().name, built().recall) == (old.name, old.recall)
    assert "memory required" in built().error
    assert old.name in plan(clusters.near([3])[0])
    call_command("index_articles")
    assert f"Passages of {MODEL}: {2 * ROWS}, ivfflat with" in capsys.readouterr().out
    assert (built().error, built().rows) == ("", 2 * ROWS)


@pytest.fixture
def worker(clusters: Clusters, settings: Any) -> Iterator[str]:
    """A database user that may do all but build: it does not own the tables."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE index_worker LOGIN")
        cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO index_worker")
    settings.DIRECT_DATABASE_URL = psycopg.conninfo.make_conninfo(direct_conninfo(), user="index_worker")
    yield "index_worker"
    settings.DIRECT_DATABASE_URL = ""
    with connection.cursor() as cursor:
        cursor.execute("DROP OWNED BY index_worker")
        cursor.execute("DROP ROLE index_worker")


def test_without_the_right_to_build_it_says_what_to_do(worker: str, clusters: Clusters, settings: Any) -> None:
    vector_job()
    assert "run manage.py index_articles as the owner" in built().error
    assert "run manage.py index_articles as the owner" in health.vector_index()[1]
    as_worker, settings.DIRECT_DATABASE_URL = settings.DIRECT_DATABASE_URL, ""
    vector_job()
    assert (built().error, built().name != "") == ("", True)
    settings.DIRECT_DATABASE_URL = as_worker
    vector_job()
    assert built().error == "", "there is nothing to build"
    fill(clusters, ROWS)
    old = built().name
    vector_job()
    assert "as the owner" in built().error
    assert (built().name, old in plan(clusters.near([3])[0])) == (old, True)


@pytest.mark.django_db
def test_a_pgvector_that_loses_rows_under_filters_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with only_builder() as builder:
        assert builder is not None
        assert builder.what_is_missing() == ""
        monkeypatch.setattr(index_building, "OLDEST_PGVECTOR", (9, 0))
        assert "0.8 or newer is needed" in builder.what_is_missing()


# --- How much it looks at -------------------------------------------------------------------------------------------


def test_what_is_tried_grows_up_to_half_of_the_lists() -> None:
    tried = efforts("ivfflat", 316)
    assert (tried[0], tried[-1]) == (4, 158)
    assert tried == sorted(set(tried))
    assert efforts("ivfflat", 1) == [1]
    assert efforts("hnsw", 0)[-1] == 1000


def test_lists_and_memory_follow_the_rows() -> None:
    sizes = {rows: Plan(name="x", kind="ivfflat", rows=rows) for rows in (1, 10_000, 100_000, 10**8)}
    assert [plan.lists for plan in sizes.values()] == [1, 100, 316, 2000]
    assert 100 < sizes[10_000].memory_mb() < sizes[100_000].memory_mb() < 300
    assert sizes[10**8].memory_mb() < 2048
    assert Plan(name="x", kind="hnsw", rows=10**8).memory_mb() == 1024
