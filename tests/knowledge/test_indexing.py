"""From articles to chunks: the new revision takes the old one's place in one step."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pgvector import Vector

from knowledge import indexing
from knowledge.embeddings import LOCAL_MODEL_ID, EmbeddingFailed, embedder
from knowledge.indexing import active_model_id, index_article, index_waiting
from knowledge.keeping_up import index_job
from knowledge.loading import ArticleText, load
from knowledge.models import DIMENSIONS, ActiveModel, Article, Chunk
from knowledge.search import search
from tests.factories import make_staff
from tests.fakes.embeddings import FakeEmbeddings, provider

__all__ = ["provider"]

pytestmark = pytest.mark.django_db
BODY = "Intro.\n\n## One\n\nFirst text.\n\n## Two\n\nSecond text."


def article(name: str = "a", **changes: Any) -> Article:
    return Article.objects.create(
        **{"slug": name, "title": "Title", "body_md": BODY, "status": Article.Status.PUBLISHED, **changes}
    )


def edit(row: Article, body: str) -> Article:
    row.refresh_from_db()
    row.body_md = body
    row.text_changed()
    row.save()
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

    def embed(self, texts: Sequence[str], *, seconds: float | None = None) -> list[list[float]]:
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


def test_an_article_that_is_deleted_while_it_is_embedded_is_left_alone() -> None:
    row = article()
    stale = Article.objects.get(pk=row.pk)
    row.delete()
    assert not index_article(stale, active_model_id())
    assert not Chunk.objects.exists()


def test_what_the_search_does_not_read_is_not_embedded_again(provider: FakeEmbeddings) -> None:
    row = article()
    index_waiting()
    provider.asked.clear()
    provider.status = 500
    text = ArticleText(slug="a", title="Title", body_md=BODY, category="billing", topics=("one",))
    assert load(iter([text]))["changed"] == 1
    index_waiting()
    Article.objects.update(status="archived")
    Article.objects.update(status="published", slug="another-name")
    assert (index_waiting(), provider.asked) == (0, [])
    row.refresh_from_db()
    assert (row.category, row.indexed_revision, row.revision, row.index_error) == ("billing", 2, 2, "")


# --- What fails ----------------------------------------------------------------------------------------------------


def come_due() -> None:
    Article.objects.update(index_retry_at=Now())


def wait_of(row: Article) -> float:
    """Seconds until it is tried again."""
    row.refresh_from_db()
    assert row.index_retry_at is not None
    return (row.index_retry_at - timezone.now()).total_seconds()


@pytest.mark.parametrize(
    ("status", "vectors"),
    [(500, None), (200, [[0.1] * (DIMENSIONS + 1)]), (200, [[float("nan"), 1.0]]), (200, [[0.0, 0.0]])],
    ids=["down", "too wide", "NaN", "zero"],
)
def test_f8_what_cannot_be_embedded_is_marked_and_the_search_goes_on_by_words(
    status: int, vectors: Any, provider: FakeEmbeddings
) -> None:
    known = article("known", body_md="The attic holds the old bicycle.")
    index_waiting()
    provider.status, provider.vectors = status, vectors
    new = article("new", body_md="The cellar holds the potatoes.")
    index_job()
    new.refresh_from_db()
    assert list(Article.objects.all().waiting()) == [new]
    assert (new.indexed_revision, new.index_attempts) == (0, 1)
    assert new.index_error.startswith(f"{active_model_id()}: The embedding provider ")
    found = search("Where is the bicycle?")
    assert ([hit.slug for hit in found.hits], found.words_only) == ([known.slug], True)
    provider.status, provider.vectors = 200, None
    come_due()
    index_job()
    assert search("Where are the potatoes?").hits[0].slug == "new"


def test_an_article_that_fails_again_and_again_waits_longer_each_time(provider: FakeEmbeddings) -> None:
    row = article(body_md="poison")
    provider.refuses = "poison"
    waits = []
    for _ in range(9):
        index_job()
        waits.append(wait_of(row))
        index_job()  # not due: not asked for
        come_due()
    assert len(provider.asked) == 9
    for wait, expected in zip(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600], strict=True):
        assert expected - 20 < wait <= expected
    edit(row, "poison again")
    assert (row.index_error, row.index_attempts, row.index_retry_at) == ("", 0, None)
    index_job()
    assert 10 < wait_of(row) <= 30
    provider.refuses = ""
    come_due()
    index_job()
    row.refresh_from_db()
    assert (row.index_error, row.index_attempts, row.index_retry_at, row.indexed_revision) == ("", 0, None, 2)


def test_whoever_asks_for_it_does_not_wait_for_the_next_try() -> None:
    article(index_error="x", index_attempts=3, index_retry_at=timezone.now() + timedelta(hours=1))
    index_job()
    assert not Chunk.objects.exists()
    assert index_waiting() == 1


def test_a_provider_that_is_away_is_asked_three_times_and_not_for_every_article(provider: FakeEmbeddings) -> None:
    for n in range(10):
        article(f"a{n}", body_md=f"Text {n}.")
    provider.status = 401
    index_job()
    assert len(provider.asked) == 3
    assert Article.objects.filter(index_attempts=1).count() == 3
    assert Article.objects.filter(index_error="").count() == 7
    index_job()
    assert Article.objects.filter(index_attempts=1).count() == 6, "others are tried before those that failed"


def test_failures_that_others_come_between_do_not_stop_the_pass(provider: FakeEmbeddings) -> None:
    """Only a provider that is away fails three times in a row."""
    for turn, body in enumerate(["poison", "poison", "fine", "poison", "poison", "fine"]):
        article(f"a{turn}", body_md=f"{body} {turn}", index_attempts=turn)
    provider.refuses = "poison"
    assert index_waiting() == 2


def test_a_new_text_goes_before_those_that_failed(provider: FakeEmbeddings) -> None:
    for n in range(5):
        article(f"bad{n}", body_md="poison", index_attempts=2)
    article("new", body_md="Fresh text.")
    provider.refuses = "poison"
    index_job()
    assert provider.asked[0] == "Title\nFresh text."


def test_a_save_at_the_desk_has_a_failed_article_tried_at_once() -> None:
    row = article(index_error="x", index_attempts=9, index_retry_at=timezone.now() + timedelta(hours=1))
    editor = Client()
    editor.force_login(make_staff("edda", "editor"))
    form = {"title": row.title, "slug": row.slug, "body_md": row.body_md, "status": row.status, "topics": ""}
    assert editor.post(f"/admin/knowledge/article/{row.pk}/change/", form).status_code == 302
    row.refresh_from_db()
    assert (row.index_error, row.index_attempts, row.index_retry_at, row.revision) == ("x", 0, None, 1)
    index_job()
    assert search("First text").hits
