"""From articles to chunks: the new revision takes the old one's place in one step."""

from collections.abc import Sequence
from typing import Any

import pytest
from pgvector import Vector

from knowledge import indexing
from knowledge.embeddings import LOCAL_MODEL_ID, EmbeddingFailed, embedder
from knowledge.indexing import active_model_id, index_article, index_waiting
from knowledge.keeping_up import index_job
from knowledge.models import DIMENSIONS, ActiveModel, Article, Chunk

pytestmark = pytest.mark.django_db
BODY = "Intro.\n\n## One\n\nFirst text.\n\n## Two\n\nSecond text."


def article(name: str = "a", **changes: Any) -> Article:
    return Article.objects.create(
        **{"slug": name, "title": "Title", "body_md": BODY, "status": Article.Status.PUBLISHED, **changes}
    )


def edit(row: Article, body: str) -> Article:
    row.body_md, row.revision = body, row.revision + 1
    row.save(update_fields=["body_md", "revision"])
    return row


def vector(value: Any) -> list[float]:
    """A column's value, whichever form the driver gives it."""
    return list(value if isinstance(value, list) else Vector(value).to_list())


class Counting:
    """The real embedder, counting what it is asked; `fails` makes texts with this word fail."""

    model_id = LOCAL_MODEL_ID

    def __init__(self, fails: str = "") -> None:
        self.asked: list[str] = []
        self.fails = fails

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += texts
        if self.fails and any(self.fails in t for t in texts):
            raise EmbeddingFailed("the provider is away")
        return embedder(LOCAL_MODEL_ID).embed(texts)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counter = Counting()
    monkeypatch.setattr(indexing, "embedder", lambda _: counter)
    return counter


def test_an_article_becomes_chunks_in_reading_order() -> None:
    row = article(summary="What it is about.")
    assert index_waiting() == 1
    chunks = list(row.chunks.all())
    assert [c.passage for c in chunks] == ["What it is about.", "Intro.", "First text.", "Second text."]
    assert [c.is_summary for c in chunks] == [True, False, False, False]
    assert [c.section for c in chunks] == ["Title", "Title", "Title › One", "Title › Two"]
    assert {(c.revision, c.model_id, len(vector(c.embedding))) for c in chunks} == {(1, LOCAL_MODEL_ID, DIMENSIONS)}
    row.refresh_from_db()
    assert row.indexed_revision == row.revision == 1


def test_what_is_indexed_is_not_indexed_again() -> None:
    article()
    assert (index_waiting(), index_waiting()) == (1, 0)


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_only_published_articles_are_indexed(status: str) -> None:
    article(status=status)
    assert index_waiting() == 0
    assert not Chunk.objects.exists()


def test_only_new_passages_are_embedded(counting: Counting) -> None:
    row = article()
    index_waiting()
    assert len(counting.asked) == 3
    before = dict(row.chunks.values_list("key", "embedding"))
    counting.asked.clear()
    edit(row, f"{BODY}\n\n## Three\n\nThird text.")
    index_waiting()
    assert counting.asked == ["Title › Three\nThird text."]
    after = dict(row.chunks.values_list("key", "embedding"))
    assert {key: vector(after[key]) for key in before} == {key: vector(v) for key, v in before.items()}
    assert set(row.chunks.values_list("revision", flat=True)) == {2}


def test_a_passage_that_is_gone_is_found_no_more() -> None:
    row = article()
    index_waiting()
    edit(row, "## One\n\nFirst text.")
    index_waiting()
    assert [c.passage for c in row.chunks.all()] == ["First text."]


def test_the_same_passage_twice_in_a_section_is_one_chunk() -> None:
    row = article(body_md="## A\n\nSame.\n\n## A\n\nSame.")
    index_waiting()
    assert row.chunks.count() == 1


def test_until_the_new_text_is_embedded_the_old_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    row = article()
    index_waiting()
    edit(row, "New text that fails.")
    with monkeypatch.context() as patch:
        patch.setattr(indexing, "embedder", lambda _: Counting(fails="fails"))
        assert index_waiting() == 0
    row.refresh_from_db()
    assert (row.indexed_revision, row.revision) == (1, 2)
    assert "the provider is away" in row.index_error
    assert row.chunks.count() == 3
    assert index_waiting() == 1
    row.refresh_from_db()
    assert row.index_error == ""


def test_one_article_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    article("a")
    article("b", body_md="This one fails.")
    article("c")
    monkeypatch.setattr(indexing, "embedder", lambda _: Counting(fails="fails"))
    seen: list[bool] = []
    assert index_waiting(lambda: seen.append(True)) == 2
    assert len(seen) == 3
    assert list(Article.objects.all().waiting().values_list("slug", flat=True)) == ["b"]
    index_job()


def test_an_article_edited_while_it_is_embedded_waits_for_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    row = article()
    stale = Article.objects.get(pk=row.pk)
    edit(row, "Newer text.")
    index_article(stale, active_model_id())
    row.refresh_from_db()
    assert (row.indexed_revision, row.chunks.count()) == (0, 0)
    index_waiting()
    assert [c.passage for c in row.chunks.all()] == ["Newer text."]


def test_chunks_of_another_model_stay_beside() -> None:
    row = article()
    index_waiting()
    Chunk.objects.update(model_id="another-model")
    Article.objects.update(indexed_revision=0)
    index_waiting()
    assert sorted(Chunk.objects.values_list("model_id", flat=True)) == ["another-model"] * 3 + [LOCAL_MODEL_ID] * 3
    assert row.chunks.count() == 6


def test_the_active_model_is_decided_once(settings: Any) -> None:
    assert active_model_id() == LOCAL_MODEL_ID
    settings.OPENAI_API_KEY = "later"
    assert active_model_id() == LOCAL_MODEL_ID
    assert ActiveModel.objects.count() == 1
