"""Resolved questions: stored once, with no more words than needed, and with a vector of each model."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pgvector import Vector

from knowledge import evidence
from knowledge.embeddings import LOCAL_MODEL_ID, EmbeddingFailed, embedder
from knowledge.evidence import embed_questions, forget, learn
from knowledge.indexing import active_model_id
from knowledge.models import ActiveModel, Article, QuestionVector, ResolvedQuestion
from knowledge.search import QUERY_CHARACTERS

pytestmark = pytest.mark.django_db
MAY = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _two_articles() -> None:
    for slug in ("reset", "export"):
        Article.objects.create(slug=slug, title=slug, body_md="x", status=Article.Status.PUBLISHED)


def learned(source: str = "file:1", **changes: Any) -> evidence.Learned:
    values = {"text": "I forgot my password", "slugs": ["reset"], "approved_by": "import", "asked_at": MAY, **changes}
    return learn(source=source, **values)


def stored() -> list[tuple[str, str, list[str]]]:
    rows = ResolvedQuestion.objects.order_by("source")
    return [(q.source, q.text, sorted(q.articles.values_list("slug", flat=True))) for q in rows]


class Model:
    """An embedder that notes what it is asked; `does` is called before it answers, `poison` is what it fails at."""

    def __init__(self, model_id: str = "m", does: Callable[[], object] = lambda: None, poison: str = "") -> None:
        self.model_id, self.does, self.poison = model_id, does, poison
        self.asked: list[int] = []

    def embed(self, texts: Sequence[str], *, seconds: float | None = None) -> list[list[float]]:
        self.asked.append(len(texts))
        self.does()
        if self.poison in texts:
            raise EmbeddingFailed("this text")
        return [[1.0] + [0.0] * 1535] * len(texts)


@pytest.fixture
def models(db: None) -> None:
    """Two models in use: one that queries go by, and one that is being prepared."""
    ActiveModel.objects.create(model_id="m", next_model_id="other")


def test_a_question_is_stored_with_the_articles_that_answered_it() -> None:
    assert learned(slugs=["reset", "export", "reset"]) == evidence.Learned(is_stored=True, is_new=True, unknown=())
    assert stored() == [("file:1", "I forgot my password", ["export", "reset"])]
    question = ResolvedQuestion.objects.get()
    assert (question.approved_by, question.asked_at) == ("import", MAY)


def test_the_same_source_again_changes_nothing() -> None:
    learned()
    ResolvedQuestion.objects.get().articles.set(Article.objects.filter(slug="export"))  # an editor knows better
    again = learned(text="other words", asked_at=MAY + timedelta(days=1))
    assert (again.is_stored, again.is_new) == (True, False)
    assert stored() == [("file:1", "I forgot my password", ["export"])]
    assert ResolvedQuestion.objects.get().asked_at == MAY


def test_an_article_that_we_do_not_have_is_told_and_left_out() -> None:
    assert learned(slugs=["gone", "reset", "lost"]).unknown == ("gone", "lost")
    assert learned("file:2", slugs=["gone"]) == evidence.Learned(is_stored=False, is_new=False, unknown=("gone",))
    assert stored() == [("file:1", "I forgot my password", ["reset"])]


def test_no_more_of_the_words_is_kept_than_the_search_reads() -> None:
    learned(text=f"\x00 {'word ' * 500}and my card is 4111 1111 1111 1111")
    text = ResolvedQuestion.objects.get().text
    assert QUERY_CHARACTERS - 5 <= len(text) <= QUERY_CHARACTERS
    assert "4111" not in text


def test_a_question_without_words_is_not_stored() -> None:
    assert not learned(text=" \n ").is_stored
    assert stored() == []


@pytest.mark.usefixtures("models")
def test_what_is_forgotten_is_no_evidence() -> None:
    learned("file:1")
    learned("file:2")
    embed_questions("m", Model())
    forget(["file:1", "file:9"])
    assert [source for source, _, _ in stored()] == ["file:2"]
    assert QuestionVector.objects.count() == 1


@pytest.mark.usefixtures("models")
def test_every_question_gets_a_vector_of_each_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "BATCH", 2)
    for n in range(5):
        learned(f"file:{n}")
    one, other, heard = Model("m"), Model("other"), []
    assert embed_questions("m", one, progress=heard.append) == 5
    assert sorted(one.asked) == sorted(heard) == [1, 2, 2]
    learned("file:5")
    assert (embed_questions("m", one), embed_questions("m", one)) == (1, 0)
    assert embed_questions("other", other) == 6
    assert QuestionVector.objects.filter(model_id="m").count() == 6
    assert QuestionVector.objects.filter(model_id="other").count() == 6


def test_without_an_embedder_the_models_own_is_asked() -> None:
    learned()
    assert active_model_id() == LOCAL_MODEL_ID
    embed_questions(LOCAL_MODEL_ID)
    found: Any = QuestionVector.objects.get().embedding
    (wanted,) = embedder(LOCAL_MODEL_ID).embed(["I forgot my password"])
    assert list(found if isinstance(found, list) else Vector(found).to_list()) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.usefixtures("models")
def test_a_question_that_is_removed_while_it_is_embedded_stays_removed() -> None:
    learned("file:1")
    learned("file:2")
    embed_questions("m", Model(does=lambda: forget(["file:1"])))
    assert list(QuestionVector.objects.values_list("question__source", flat=True)) == ["file:2"]


@pytest.mark.usefixtures("models")
def test_two_who_embed_the_same_question_do_not_collide() -> None:
    learned()
    embed_questions("m", Model(does=lambda: embed_questions("m", Model())))
    assert QuestionVector.objects.count() == 1


@pytest.mark.usefixtures("models")
def test_what_was_embedded_before_the_provider_went_away_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "BATCH", 2)
    for n in range(5):
        learned(f"file:{n}")
    model = Model()

    def go_away() -> None:
        if len(model.asked) > 1:
            raise EmbeddingFailed("away")

    model.does = go_away
    with pytest.raises(EmbeddingFailed):
        embed_questions("m", model)
    assert model.asked == [2, 2, 1, 1, 1], "after three in a row it gives up"
    assert QuestionVector.objects.count() == 2
    assert embed_questions("m", Model()) == 3


@pytest.mark.usefixtures("models")
def test_one_text_that_cannot_be_embedded_does_not_keep_the_others_from_it() -> None:
    for n in range(5):
        learned(f"file:{n}", text="poison" if n == 2 else f"question {n}")
    with pytest.raises(EmbeddingFailed):
        embed_questions("m", Model(poison="poison"))
    assert QuestionVector.objects.exclude(question__text="poison").count() == 4


@pytest.mark.usefixtures("models")
def test_a_batch_that_fails_once_is_no_failure_when_each_of_it_succeeds() -> None:
    learned("file:1")
    learned("file:2")
    model = Model()

    def fail_once() -> None:
        if len(model.asked) == 1:
            raise EmbeddingFailed("once")

    model.does = fail_once
    assert embed_questions("m", model) == 2


@pytest.mark.usefixtures("models")
def test_it_stops_between_two_batches_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    learned()
    assert embed_questions("m", Model(), seconds=0) == 0
    assert embed_questions("m", Model(), seconds=60) == 1


def command(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("learn_resolved", str(path))
    return capsys.readouterr().out


def test_the_command_learns_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": 1, "title": "Password", "body": "I forgot it", "gold": ["reset", "gone"], "answer": "See the article."},
        {"title": "Export", "body": "How?", "gold": ["export"], "asked_at": "2026-05-01T00:00:00Z"},
        {"id": 3, "title": "Lost", "body": "Where?", "gold": ["gone"]},
    ]
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    began = timezone.now()
    assert command(path, capsys) == "2 new, 0 known, 1 without any article we have.\n"
    assert command(path, capsys) == "0 new, 2 known, 1 without any article we have.\n"
    first, second = ResolvedQuestion.objects.order_by("pk")
    assert (first.source, first.text, first.approved_by) == ("file:1", "Password\nI forgot it", "import")
    assert first.asked_at >= began
    assert second.asked_at == MAY
    assert QuestionVector.objects.filter(model_id=LOCAL_MODEL_ID).count() == 2


def test_the_command_tells_which_articles_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps({"id": 1, "title": "T", "body": "x", "gold": ["gone"]}))
    call_command("learn_resolved", str(path))
    assert "No article is called gone (1 of the questions name it)." in capsys.readouterr().err


def test_the_command_refuses_a_bad_file_and_stores_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(f"{json.dumps({'body': 'x', 'gold': ['reset']})}\n{json.dumps({'body': 'y'})}\n")
    with pytest.raises(CommandError, match=r"r\.jsonl, line 2: gold must be") as refused:
        call_command("learn_resolved", str(path))
    assert refused.value.returncode == 2
    assert stored() == []
