"""Switching the embedding model: prepared beside the one in use, in use once it knows everything, without a gap."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from fte_project.health import State
from fte_project.models import TimedJob
from knowledge import keeping_up, switching
from knowledge.calibration import SHIPPED, keep
from knowledge.embeddings import LOCAL_MODEL_ID, configured_model_id
from knowledge.health import articles as articles_in_words
from knowledge.health import embedding_model
from knowledge.indexing import Round, active_model_id, index_article, index_waiting, models_in_use
from knowledge.keeping_up import NotEmbedded, index_job, switch_now
from knowledge.models import ActiveModel, Article, Chunk, Lexeme, QuestionVector, ResolvedQuestion
from knowledge.search import search
from knowledge.switching import SwitchRefused, coverage, switch_over
from tests.concurrency import at_once, real_commits
from tests.factories import make_staff
from tests.fakes.embeddings import FakeEmbeddings, provider
from tests.processes import wait_for

__all__ = ["provider"]

pytestmark = pytest.mark.django_db
TEXTS = {
    "password": "Choose Forgot password on the sign-in page.",
    "invoice": "Your invoices are under Billing, as PDF files.",
    "guests": "Invite guests to a single project by e-mail.",
}
QUESTION = "I forgot my password"


@pytest.fixture(autouse=True)
def _local_first(db: None) -> None:
    """The local model is in use, and knows three articles."""
    ActiveModel.objects.create(model_id=LOCAL_MODEL_ID)
    for slug, body in TEXTS.items():
        Article.objects.create(slug=slug, title=slug.title(), body_md=body, status="published")
    assert index_waiting() == 3


def edit(slug: str, body: str) -> Article:
    """A person saves another text."""
    row = Article.objects.get(slug=slug)
    row.body_md = body
    row.text_changed()
    row.save()
    return row


def resolved(text: str) -> ResolvedQuestion:
    return ResolvedQuestion.objects.create(source=text, text=text, approved_by="import", asked_at=timezone.now())


def slugs(question: str) -> list[str]:
    return [hit.slug for hit in search(question).hits]


def counted(model_id: str) -> dict[str, int]:
    """How many of this model's chunks hold each word, counted the slow way."""
    words = "SELECT unnest(tsvector_to_array(words)) FROM knowledge_chunk WHERE model_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(words, [model_id])
        return Counter(word for (word,) in cursor.fetchall())


def known_words() -> dict[str, int]:
    return dict(Lexeme.objects.filter(chunks__gt=0).values_list("word", "chunks"))


def vectors_by_model() -> dict[str, int]:
    rows = [
        *Chunk.objects.values_list("model_id", flat=True),
        *QuestionVector.objects.values_list("model_id", flat=True),
    ]
    return Counter(rows)


# --- Taking over -------------------------------------------------------------------------------------------------


def test_the_next_model_takes_over_once_it_knows_everything(
    provider: FakeEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = configured_model_id()
    TimedJob.objects.create(name="knowledge.index", due_at=Now() + timedelta(hours=1))
    switching.start(following)
    assert TimedJob.objects.get().due_at <= timezone.now(), "the schedule is woken"
    assert models_in_use() == (LOCAL_MODEL_ID, following)
    provider.asked.clear()
    monkeypatch.setattr(keeping_up, "JOB_SECONDS", 0.0)
    index_job()
    assert (provider.asked, active_model_id()) == ([], LOCAL_MODEL_ID), "a job stops when its time is over"
    monkeypatch.undo()
    index_job()
    assert models_in_use() == (following, "")
    assert sorted(provider.asked) == sorted(f"{slug.title()}\n{body}" for slug, body in TEXTS.items())
    assert coverage(following).is_complete
    provider.asked.clear()
    found = search(QUESTION)
    assert (found.hits[0].slug, found.words_only, provider.asked) == ("password", False, [QUESTION])
    assert found.hits[0].similarity > 0.4


def test_searches_use_the_active_model_and_find_something_all_the_while(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    switching.start(following)
    seen: list[tuple[str, int]] = []

    def look() -> None:
        found = search(QUESTION)
        assert (found.hits[0].slug, found.words_only, len(found.hits)) == ("password", False, 3)
        seen.append((active_model_id(), coverage(following).articles_done))

    switch_now(look)
    assert seen == [(LOCAL_MODEL_ID, 1), (LOCAL_MODEL_ID, 2), (LOCAL_MODEL_ID, 3)]
    assert QUESTION not in provider.asked
    look()
    assert (seen[-1][0], provider.asked[-1]) == (following, QUESTION)


def test_a_text_that_changes_meanwhile_is_embedded_with_both(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    provider.refuses = "invoices"
    switching.start(following)
    index_job()
    edit("password", "Write to an administrator, who sends a new password.")
    Article.objects.create(slug="late", title="Late", body_md="Dark mode is under Appearance.", status="published")
    index_job()
    assert models_in_use() == (LOCAL_MODEL_ID, following)
    for slug, revision in (("password", 2), ("late", 1)):
        chunks = Chunk.objects.filter(article__slug=slug)
        assert set(chunks.values_list("model_id", "revision")) == {(LOCAL_MODEL_ID, revision), (following, revision)}
    assert not Article.objects.all().waiting().exists()


def test_whoever_edits_does_not_wait_for_the_preparing(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    switching.start(following)
    this = Round(only_due=True, progress=lambda: edit("guests", "Guests see one project."))
    switching.prepare(this)
    assert (this.done, this.is_left_off) == (1, True)
    index_job()
    assert "Guests see one project." in [hit.passage for hit in search("guests").hits]


def test_what_is_not_published_does_not_count_and_is_embedded_when_it_is(provider: FakeEmbeddings) -> None:
    """Else an article of the archive would be published again with no chunk that the search knows."""
    Article.objects.filter(slug="guests").update(status="archived")
    switching.start(configured_model_id())
    index_job()
    row = Article.objects.get(slug="guests")
    assert (active_model_id(), row.indexed_revision) == (configured_model_id(), 0)
    Article.objects.filter(slug="guests").update(status="published")
    assert list(Article.objects.all().waiting()) == [row]
    assert index_waiting() == 1
    assert "guests" in slugs("invite guests to a project")


def test_a_model_that_is_away_can_be_switched_away_from(provider: FakeEmbeddings) -> None:
    switching.start(configured_model_id())
    index_job()
    provider.status = 500
    edit("password", "Ask an administrator for a new password.")
    index_job()
    row = Article.objects.get(slug="password")
    assert (row.indexed_revision, row.index_attempts) == (1, 1)
    switching.start(LOCAL_MODEL_ID)
    index_job()
    assert models_in_use() == (LOCAL_MODEL_ID, "")
    row.refresh_from_db()
    assert (row.indexed_revision, row.index_error, row.index_attempts, row.index_retry_at) == (2, "", 0, None)
    assert search("administrator").hits[0].passage == "Ask an administrator for a new password."


def test_resolved_questions_are_embedded_with_both_and_count(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    asked, poison = resolved("How do I get in again?"), resolved("poison")
    switching.start(following)
    provider.refuses = "poison"
    index_job()
    assert models_in_use() == (LOCAL_MODEL_ID, following)
    assert coverage(following).questions_done == 1
    assert set(asked.vectors.values_list("model_id", flat=True)) == {LOCAL_MODEL_ID, following}
    assert "3 of 3 articles, 1 of 2 resolved questions" in embedding_model()[1]
    with pytest.raises(NotEmbedded, match=r"1 of 2 resolved questions\. wire-\w+: .*BadRequestError"):
        switch_now(lambda: None)
    poison.delete()
    index_job()
    assert active_model_id() == following


# --- What fails ----------------------------------------------------------------------------------------------------


def test_an_article_that_the_next_model_cannot_embed_holds_it_back_and_says_so(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    provider.refuses = "invoices"
    switching.start(following)
    index_job()
    assert models_in_use() == (LOCAL_MODEL_ID, following)
    row = Article.objects.get(slug="invoice")
    assert row.indexed_revision == row.revision, "queries still find it with the model in use"
    assert row.index_error.startswith(f"{following}: ")
    assert "BadRequestError(400)" in row.index_error
    state, said = embedding_model()
    assert state == State.FAILED
    assert f"{following} is being prepared: 2 of 3 articles; 1 failed, among them invoice" in said
    assert articles_in_words() == (State.OK, "3 indexed, 0 waiting, 0 failed.")
    editor = Client()
    editor.force_login(make_staff("edda", "editor"))
    assert "BadRequestError(400)" in editor.get("/admin/knowledge/article/").content.decode()
    edit("invoice", "Bills are under Billing.")
    index_job()
    assert models_in_use() == (following, "")
    row.refresh_from_db()
    assert (row.index_error, row.index_attempts) == ("", 0)


def test_an_article_that_failed_is_not_asked_for_again_before_its_time(provider: FakeEmbeddings) -> None:
    provider.refuses = "invoices"
    switching.start(configured_model_id())
    index_job()
    provider.asked.clear()
    index_job()
    assert provider.asked == []


def test_a_provider_that_is_away_costs_three_tries_a_job(provider: FakeEmbeddings) -> None:
    for n in range(10):
        Article.objects.create(slug=f"more-{n}", title="More", body_md=f"Text {n}.", status="published")
    index_waiting()
    switching.start(configured_model_id())
    provider.status = 401
    provider.asked.clear()
    index_job()
    assert len(provider.asked) == 3
    assert Article.objects.exclude(index_error="").count() == 3


@pytest.mark.parametrize(
    ("model_id", "reason"),
    [
        (LOCAL_MODEL_ID, "is the model in use already"),
        ("", "cannot be used here. The embedding provider failed"),
    ],
)
def test_a_model_that_cannot_take_over_is_refused(model_id: str, reason: str, provider: FakeEmbeddings) -> None:
    provider.status = 401
    with pytest.raises(SwitchRefused, match=reason):
        switching.start(model_id or configured_model_id())
    assert models_in_use() == (LOCAL_MODEL_ID, "")


def test_a_model_without_a_key_is_refused() -> None:
    with pytest.raises(SwitchRefused, match=r"text-embedding-3-small cannot be used here\. .* needs OPENAI_API_KEY"):
        switching.start("text-embedding-3-small")


def test_only_one_model_is_prepared_at_a_time(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    switching.start(following)
    switching.start(following)
    with pytest.raises(SwitchRefused, match=f"{following} is being prepared: .* --cancel first"):
        switching.start("another-model")


# --- Before and after ------------------------------------------------------------------------------------------------


def test_the_old_vectors_go_later_and_nobody_misses_them(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    resolved("How do I get in again?")
    switching.start(following)
    index_job()
    index_job()
    assert vectors_by_model() == {LOCAL_MODEL_ID: 4, following: 4}, "a search that began before may still be reading"
    ActiveModel.objects.update(leftovers_since=Now() - switching.KEEP_LEFTOVERS)
    index_job()
    assert vectors_by_model() == {following: 4}
    assert ActiveModel.objects.get().leftovers_since is None
    assert slugs(QUESTION)[0] == "password"


def test_leftovers_go_a_whole_article_at_a_time_while_there_is_time(
    provider: FakeEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit("password", "One.\n\n## Two\n\nTwo.\n\n## Three\n\nThree.")
    switching.start(configured_model_id())
    index_job()
    ActiveModel.objects.update(leftovers_since=Now() - switching.KEEP_LEFTOVERS)
    monkeypatch.setattr(switching, "ARTICLES_AT_ONCE", 1)
    this = Round()
    left = iter([1.0, 1.0, 0.0])
    monkeypatch.setattr(this, "seconds_left", lambda: next(left))
    switching.remove_leftovers(this)
    old = Chunk.objects.filter(model_id=LOCAL_MODEL_ID)
    assert old.values("article").distinct().count() == 1
    assert old.count() in {1, 3}
    assert this.is_left_off
    assert ActiveModel.objects.get().leftovers_since is not None
    switching.remove_leftovers(Round())
    assert not old.exists()


def test_whoever_switches_back_soon_pays_nothing(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    switching.start(following)
    index_job()
    switching.start(LOCAL_MODEL_ID)
    index_job()
    assert models_in_use() == (LOCAL_MODEL_ID, "")
    provider.asked.clear()
    switching.start(following)
    provider.asked.clear()
    index_job()
    assert (models_in_use(), provider.asked) == ((following, ""), [])


def test_giving_up_leaves_everything_as_it_was(provider: FakeEmbeddings) -> None:
    resolved("How do I get in again?")
    index_job()
    before, words = vectors_by_model(), known_words()
    provider.refuses = "invoices"
    switching.start(configured_model_id())
    index_job()
    assert vectors_by_model() != before
    assert switching.cancel() == configured_model_id()
    assert (vectors_by_model(), known_words()) == (before, words)
    assert models_in_use() == (LOCAL_MODEL_ID, "")
    assert not Article.objects.exclude(index_error="").exists()
    assert switching.cancel() == ""
    ActiveModel.objects.update(leftovers_since=Now() - switching.KEEP_LEFTOVERS)
    index_job()
    assert (vectors_by_model(), ActiveModel.objects.get().leftovers_since) == (before, None)


def test_words_are_counted_for_the_active_model_only(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    Article.objects.filter(slug="guests").update(status="archived")
    assert known_words() == counted(LOCAL_MODEL_ID)
    provider.refuses = "invoices"
    switching.start(following)
    index_job()
    edit("password", "Ask an administrator.")
    index_job()
    assert models_in_use()[1] == following
    assert known_words() == counted(LOCAL_MODEL_ID)
    provider.refuses = ""
    ActiveModel.objects.update(next_model_id=following)
    Article.objects.update(index_retry_at=None)
    index_job()
    assert active_model_id() == following
    assert known_words() == counted(following)
    assert "guest" not in known_words(), "only the model before knew the archived article"


def test_doctor_says_how_far_it_is_and_asks_for_calibration_after_it(provider: FakeEmbeddings) -> None:
    following = configured_model_id()
    assert embedding_model()[1].endswith(f"ask for {following}: run manage.py embed_articles --switch.")
    switching.start(following)
    switching.prepare(Round(seconds=0.0))
    said = f"{LOCAL_MODEL_ID}. {following} is being prepared: 0 of 3 articles. {LOCAL_MODEL_ID} answers until then."
    assert embedding_model() == (State.OK, said)
    index_job()
    assert embedding_model() == (
        State.FAILED,
        f"{following} is not calibrated, so the assistant only drafts: run manage.py calibrate.",
    )
    keep(following, SHIPPED[LOCAL_MODEL_ID], {})
    assert embedding_model() == (State.OK, following)


# --- The command -----------------------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("embed_articles", *arguments)
    return capsys.readouterr().out.strip()


def refused(*arguments: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as error:
        call_command("embed_articles", *arguments)
    return error.value.returncode, str(error.value)


def test_the_command_embeds_what_waits(capsys: pytest.CaptureFixture[str]) -> None:
    edit("password", "Ask an administrator.")
    Article.objects.update(index_retry_at=Now() + timedelta(hours=1))
    assert run(capsys) == f"1 embedded; {LOCAL_MODEL_ID} knows 3 of 3 articles."


def test_the_command_switches_in_the_background_or_waits(
    capsys: pytest.CaptureFixture[str], provider: FakeEmbeddings
) -> None:
    following = configured_model_id()
    said = run(capsys, "--switch")
    assert said.startswith(f"{following} is being prepared by the schedule role (0 of 3 articles so far)")
    assert models_in_use() == (LOCAL_MODEL_ID, following)
    assert run(capsys, "--wait") == f"{following} has taken over from {LOCAL_MODEL_ID}; it knows 3 of 3 articles."
    assert run(capsys, "--switch", "--model", LOCAL_MODEL_ID, "--wait").startswith(LOCAL_MODEL_ID)
    run(capsys, "--switch")
    assert run(capsys, "--cancel") == f"{following} is given up."
    assert run(capsys, "--cancel") == "No model is being prepared."


def test_the_command_says_what_is_wrong(provider: FakeEmbeddings) -> None:
    assert refused("--switch", "--model", LOCAL_MODEL_ID) == (2, f"{LOCAL_MODEL_ID} is the model in use already.")
    assert refused("--model", "x") == (2, "--model and --wait go with --switch.")
    assert refused("--wait") == (2, "No model is being prepared: name one with --switch.")
    provider.refuses = "invoices"
    code, said = refused("--switch", "--wait")
    assert (code, "cannot take over" in said, "2 of 3 articles" in said, "BadRequestError(400)" in said) == (1, 1, 1, 1)


# --- At the same time ------------------------------------------------------------------------------------------------


@real_commits
def test_a_text_that_was_being_embedded_for_the_old_model_is_not_stored_after_the_switch(
    provider: FakeEmbeddings,
) -> None:
    """The new model knows the newest text; what comes late for the old one is dropped."""
    following = configured_model_id()
    switching.start(following)
    switch_now(lambda: None)
    row = edit("password", "Ask an administrator.")
    switching.start(LOCAL_MODEL_ID)
    provider.arrived.clear()
    provider.answering.clear()

    def act(number: int) -> bool:
        if number == 0:
            return index_article(row, following)
        assert provider.arrived.wait(20)
        try:
            return index_article(row, LOCAL_MODEL_ID) and switch_over()
        finally:
            provider.answering.set()

    assert at_once(2, act) == [False, True]
    row.refresh_from_db()
    assert (active_model_id(), row.indexed_revision) == (LOCAL_MODEL_ID, 2)
    assert set(row.chunks.filter(model_id=following).values_list("revision", flat=True)) == {1}
    assert known_words() == counted(LOCAL_MODEL_ID)


@real_commits
def test_the_switch_waits_for_a_text_that_is_being_stored_and_then_sees_it(provider: FakeEmbeddings) -> None:
    """Else it would count its words beside the new model's, or call a text indexed that only the old model knows."""
    following = configured_model_id()
    switching.start(following)
    switching.prepare(Round())
    row = edit("password", "Ask an administrator.")
    assert index_article(row, following)
    is_storing, goes_on = threading.Event(), threading.Event()

    def hold_the_article() -> None:
        """So that whoever indexes it stops in the middle of its transaction."""
        with transaction.atomic():
            Article.objects.select_for_update().get(pk=row.pk)
            is_storing.set()
            assert goes_on.wait(20)

    def act(number: int) -> bool | None:
        if number == 0:
            return hold_the_article()
        assert is_storing.wait(20)
        if number == 1:
            return index_article(row, LOCAL_MODEL_ID)
        wait_for(lambda: waits_for("knowledge_article"), 20)
        if number == 2:
            return switch_over()
        wait_for(lambda: waits_for("knowledge_activemodel"), 20)
        goes_on.set()
        return None

    assert at_once(4, act) == [None, True, True, None]
    row.refresh_from_db()
    assert (active_model_id(), row.indexed_revision) == (following, 2)
    assert known_words() == counted(following)


@real_commits
def test_a_text_that_is_saved_while_the_switch_is_made_puts_it_off(provider: FakeEmbeddings) -> None:
    """Else the new model would answer from the text before, perhaps after the old one knew the newest."""
    following = configured_model_id()
    switching.start(following)
    switching.prepare(Round())
    assert index_article(edit("password", "Ask an administrator."), following)
    words = known_words()
    is_held, goes_on = threading.Event(), threading.Event()

    def act(number: int) -> bool | None:
        if number == 0:
            with transaction.atomic():
                Article.objects.select_for_update().get(slug="password")
                is_held.set()
                assert goes_on.wait(20)
                edit("password", "Ask your administrator.")
        elif number == 1:
            assert is_held.wait(20)
            return switch_over()
        else:
            wait_for(lambda: waits_for("knowledge_article"), 20)
            goes_on.set()
        return None

    assert at_once(3, act) == [None, False, None]
    assert (models_in_use(), known_words()) == ((LOCAL_MODEL_ID, following), words)
    assert Article.objects.get(slug="password").indexed_revision == 1
    index_job()
    assert models_in_use() == (following, "")
    assert "Ask your administrator." in [hit.passage for hit in search(QUESTION).hits]


def waits_for(table: str) -> bool:
    """Whether a statement over this table waits for a lock. Anything else may wait for a moment as well: autovacuum."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND pid <> pg_backend_pid() AND strpos(query, %s) > 0)",
            [table],
        )
        return bool(cursor.fetchone()[0])


@real_commits
def test_several_processes_share_the_preparing(provider: FakeEmbeddings) -> None:
    for n in range(12):
        Article.objects.create(slug=f"more-{n}", title="More", body_md=f"Text {n}.", status="published")
    index_waiting()
    following = configured_model_id()
    switching.start(following)
    provider.asked.clear()
    results = at_once(3, lambda _: switch_now(lambda: None))
    assert all(isinstance(said, str) and "has taken over" in said for said in results), results
    assert Chunk.objects.filter(model_id=following).count() == 15
    assert len(provider.asked) < 2 * 15
    assert known_words() == counted(following)
