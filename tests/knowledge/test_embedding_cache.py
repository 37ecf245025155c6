"""Vectors kept over runs: the same as from the model, asked for once, whoever else writes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from knowledge.embedding_cache import CachedEmbedder, cache_file
from knowledge.embeddings import LOCAL_MODEL_ID, EmbeddingFailed, embedder
from knowledge.indexing import index_waiting
from knowledge.models import DIMENSIONS, Article, Chunk
from tests.concurrency import at_once


class Counting:
    """The real embedder, noting what it is asked."""

    def __init__(self, model_id: str = LOCAL_MODEL_ID) -> None:
        self.model_id = model_id
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], *, seconds: float | None = None) -> list[list[float]]:
        self.asked += texts
        return embedder(LOCAL_MODEL_ID).embed(texts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vectors.sqlite3"


def test_a_text_is_embedded_once_over_all_runs(path: Path) -> None:
    first, second = Counting(), Counting()
    cached = CachedEmbedder(first, path)
    before = cached.embed(["one", "two", "one"])
    assert (first.asked, cached.embedded) == (["one", "two"], 2)
    assert cached.seconds > 0
    again = CachedEmbedder(second, path).embed(["two", "three", "one"])
    assert second.asked == ["three"]
    assert [again[0], again[2]] == [before[1], before[0]]
    assert before[0] == before[2] != before[1]


def test_a_kept_vector_is_the_models(path: Path) -> None:
    texts = ["reset my password", "", "日本語"]
    CachedEmbedder(Counting(), path).embed(texts)
    kept = CachedEmbedder(Counting(), path).embed(texts)
    for vector, wanted in zip(kept, embedder(LOCAL_MODEL_ID).embed(texts), strict=True):
        assert len(vector) == DIMENSIONS
        assert vector == pytest.approx(wanted, abs=1e-7)


def test_each_model_has_its_own(path: Path) -> None:
    other = Counting("another-model")
    CachedEmbedder(Counting(), path).embed(["one"])
    cached = CachedEmbedder(other, path)
    cached.embed(["one"])
    assert (other.asked, cached.model_id) == (["one"], "another-model")


def test_nothing_is_kept_of_a_text_but_its_hash(path: Path) -> None:
    CachedEmbedder(Counting(), path).embed(["a customer wrote secretword"])
    assert b"secretword" not in path.read_bytes()


def test_many_who_fill_it_at_once_do_not_disturb_each_other(path: Path) -> None:
    def fill(number: int) -> int:
        cached = CachedEmbedder(Counting(), path)
        for n in range(20):
            cached.embed([f"text {n}", f"text {n} of {number}"])
        return cached.embedded

    done = at_once(4, fill)
    assert not [result for result in done if isinstance(result, Exception)]
    later = Counting()
    CachedEmbedder(later, path).embed([f"text {n} of {number}" for n in range(20) for number in range(4)])
    assert later.asked == []


def test_a_damaged_file_says_what_to_do(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(EmbeddingFailed, match=r"vectors\.sqlite3 cannot be used .*: remove the file"):
        CachedEmbedder(Counting(), path).embed(["one"])


def test_the_instances_file_lies_in_its_own_folder(settings: object) -> None:
    assert cache_file() == settings.STATE_DIR / "embeddings.sqlite3"  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_articles_are_indexed_from_it(path: Path) -> None:
    Article.objects.create(slug="a", title="T", body_md="Text.\n\n## H\n\nMore.", status=Article.Status.PUBLISHED)
    index_waiting(embedder=CachedEmbedder(Counting(), path))
    Chunk.objects.all().delete()
    Article.objects.update(indexed_revision=0)
    later = Counting()
    assert index_waiting(embedder=CachedEmbedder(later, path)) == 1
    assert later.asked == []
    assert Chunk.objects.count() == 2
