"""Which vectors have an index, and what a search sets to use it.

Search is exact below SEARCH_INDEX_FROM rows. Above, the vectors of the model in use, and of the one that is being
prepared, have an index that is measured against exact search and dropped when it misses too much.
"""

import math
from datetime import timedelta
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now
from django.utils import timezone

from knowledge.index_building import Builder, Plan, Question, Refused, Vectors, only_builder
from knowledge.models import ActiveModel, VectorIndex

log = structlog.get_logger()
VECTOR_JOB = "knowledge.vectors"
GROWN, SHRUNK = 1.5, 0.5
TRY_AGAIN_AFTER = timedelta(days=1)
TRIED = "Tried"  # how the error of a build begins, as against one of which nothing was begun
NONE: dict[str, Any] = {"name": "", "kind": "", "lists": 0, "probes": 0, "recall": None}

# Nothing is set without an index. One that is not measured yet is not used: plain index scans are the only way to it.
# An index scan goes on until a filter has left enough rows. PostgreSQL thinks a random page four times as dear as it is
# on today's disks; going by that it would rather read every vector.
INDEX_SETTINGS = """
SELECT set_config('ivfflat.probes', coalesce(max(probes) FILTER (WHERE kind = 'ivfflat' AND probes > 0), 32768)::text,
                  true),
       set_config('ivfflat.iterative_scan', 'relaxed_order', true),
       set_config('ivfflat.max_probes', '32768', true),
       set_config('hnsw.ef_search', coalesce(max(probes) FILTER (WHERE kind = 'hnsw' AND probes > 0), 1000)::text,
                  true),
       set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', '2147483647', true),
       set_config('hnsw.scan_mem_multiplier', '64', true),
       set_config('random_page_cost', '1.1', true),
       set_config('enable_indexscan',
                  CASE WHEN bool_and(recall IS NOT NULL) THEN current_setting('enable_indexscan') ELSE 'off' END, true)
  FROM knowledge_vectorindex WHERE model_id = %(model)s AND name <> ''
HAVING count(*) > 0
"""


class Busy(Exception):
    """Another process is building indexes in this database now."""


def index_settings(cursor: CursorWrapper, model_id: str) -> None:
    """Let the rest of this transaction search the model's vectors through their indexes, as exactly as was measured.

    One statement; to be called in the transaction of every search, right before it.
    """
    cursor.execute(INDEX_SETTINGS, {"model": model_id})


def keep_indexes(*, again: bool = False) -> list[VectorIndex]:
    """Build, renew, measure or drop what needs it, and say what there is now; `error` tells what went wrong.

    A build that failed is not tried again for a day, unless `again`. Not for use in a transaction. Raises Busy, and
    psycopg.Error when the database went away.
    """
    with only_builder() as builder:
        if builder is None:
            raise Busy("Another process is building an index now: wait for its end.")
        missing = builder.what_is_missing()
        active = ActiveModel.objects.first()
        models = [name for name in (active.model_id, active.next_model_id) if name] if active else []
        if not missing:
            _forget_others(builder, models)
            _sweep(builder)
        wanted = [Vectors(over=over, model_id=model) for model in models for over in VectorIndex.Over]
        return [_keep(builder, vectors, missing=missing, again=again) for vectors in wanted]


def vector_job() -> None:
    """Timed job: keep the indexes. What goes wrong is on their rows, for doctor; it does not fail the job."""
    try:
        keep_indexes()
    except Busy:
        log.info("indexes_kept_by_another")
    except psycopg.errors.QueryCanceled:
        log.info("index_build_broken_off")  # what it left is removed the next time


def _forget_others(builder: Builder, models: list[str]) -> None:
    """Remove the indexes of models that nobody uses any more."""
    for index in VectorIndex.objects.exclude(model_id__in=models):
        if index.name:
            builder.drop(index.name)
        index.delete()


def _sweep(builder: Builder) -> None:
    """Remove what builds have left that failed or were killed."""
    known = set(VectorIndex.objects.values_list("name", flat=True))
    for name, is_finished in builder.begun().items():
        if not is_finished or name not in known:
            builder.drop(name)


def _keep(builder: Builder, vectors: Vectors, *, missing: str, again: bool) -> VectorIndex:
    index, _ = VectorIndex.objects.get_or_create(model_id=vectors.model_id, over=vectors.over)
    try:
        _keep_one(builder, vectors, index, missing=missing, again=again)
    except psycopg.errors.QueryCanceled:
        raise
    except psycopg.Error as error:
        if builder.db.broken:
            raise
        log.warning("index_not_built", model=vectors.model_id, over=vectors.over, error=error)
        _sweep(builder)
        is_there = index.name in builder.begun()
        reason = " ".join(str(error).partition("\n")[0].split())
        _note(index, **({} if is_there else NONE), error=f"{TRIED} in vain: {reason[:500]}", built_at=Now())
    return index


def _keep_one(builder: Builder, vectors: Vectors, index: VectorIndex, *, missing: str, again: bool) -> None:
    is_there = builder.begun().get(index.name, False)
    rows = builder.count(vectors)
    is_small = rows < settings.SEARCH_INDEX_FROM * (SHRUNK if is_there else 1)
    is_due = not is_there or index.kind != settings.SEARCH_INDEX or rows >= GROWN * index.rows
    if is_small and not is_there:
        _note(index, **NONE, rows=rows, error="")
    elif not (is_small or is_due or index.recall is None):
        _note(index, error="")
    elif missing:
        _note(index, error=missing)
    elif is_small:
        builder.drop(index.name)
        _note(index, **NONE, rows=rows, error="")
    elif not is_due:
        _judge(builder, vectors, index, builder.questions(vectors))
    elif again or not _was_tried_lately(index):
        _build(builder, vectors, index, rows=rows, is_there=is_there)


def _was_tried_lately(index: VectorIndex) -> bool:
    return index.error.startswith(TRIED) and index.built_at > timezone.now() - TRY_AGAIN_AFTER


def _build(builder: Builder, vectors: Vectors, index: VectorIndex, *, rows: int, is_there: bool) -> None:
    plan = Plan(name=vectors.new_name(), kind=settings.SEARCH_INDEX, rows=rows)
    log.info("index_build", model=vectors.model_id, over=vectors.over, kind=plan.kind, rows=rows, lists=plan.lists)
    questions = builder.questions(vectors)
    # From its last moment on the build changes what searches do, so they are told before: the first index must not be
    # used until it is measured; beside an old one it gets the same share of its lists, for the moment until the next
    # note.
    if not is_there:
        _note(index, **NONE | {"name": plan.name})
    elif index.lists and plan.lists:
        _note(index, probes=math.ceil(index.probes * plan.lists / index.lists))
    builder.create(vectors, plan)
    old = index.name
    new = {"name": plan.name, "kind": plan.kind, "lists": plan.lists}
    _note(index, **NONE | new, rows=rows, error="", built_at=Now())
    if is_there:
        builder.drop(old)
    _judge(builder, vectors, index, questions)


def _judge(builder: Builder, vectors: Vectors, index: VectorIndex, questions: list[Question]) -> None:
    """Measure the index and let searches use it, or drop it."""
    try:
        probes, recall = builder.measure(vectors, index, questions)
    except Refused as why:
        (other,) = set(VectorIndex.Kind.values) - {index.kind}
        builder.drop(index.name)
        _note(
            index,
            **NONE,
            error=f"{TRIED} {settings.SEARCH_INDEX} and dropped it: {why}. Search is exact, which is slow;"
            f" SEARCH_INDEX={other} may do better.",
        )
    else:
        _note(index, probes=probes, recall=recall)
        log.info("index_measured", model=vectors.model_id, over=vectors.over, probes=probes, recall=round(recall, 4))


def _note(index: VectorIndex, **values: Any) -> None:
    """Committed at once: searches go by it."""
    VectorIndex.objects.filter(pk=index.pk).update(**values)
    index.refresh_from_db()
