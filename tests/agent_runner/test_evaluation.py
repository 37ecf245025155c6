"""`manage.py evaluate retrieval`: figures that are what they say, in a database of its own that is gone afterwards."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from rich.console import Console

from agent_runner import retrieval
from agent_runner.retrieval import LONG_AGO, Asked, Evaluated, Sets, ask, ask_all, in_time, prepare, read_sets
from agent_runner.retrieval_figures import rows, summary, tables
from agent_runner.temporary_database import PREFIX
from fte_project.embedded import database_settings
from knowledge import embedding_cache
from knowledge.evidence import learn_rows
from knowledge.models import Article, QuestionVector, ResolvedQuestion
from knowledge.question_files import OffTopic, Question
from knowledge.search import Found, Hit

BASE = Path(__file__).parent.parent.parent
ARTICLES = [
    {"slug": "reset", "title": "Reset your password", "body_md": "Open the sign-in page and choose Forgot password."},
    {"slug": "export", "title": "Export your data", "body_md": "Open Settings, choose Export, and take the archive."},
    {"slug": "dark", "title": "Dark mode", "body_md": "Choose Appearance in Settings, then Dark. It saves your eyes."},
]
QUESTIONS = [
    {"id": 11, "title": "Password", "body": "I forgot my password, how do I get a new one?", "gold": ["reset"]},
    {"id": 12, "title": "", "body": "Can I take all my data with me in an archive?", "gold": ["export", "takeout"]},
    {"id": 13, "title": "Eyes", "body": "The screen is too bright at night.", "gold": ["dark"]},
    {"id": 14, "title": "Nothing", "body": "How do I reset my password?", "gold": ["not-an-article"]},
]
RESOLVED = [
    {
        "id": 1,
        "title": "Bright",
        "body": "My screen is too bright at night, it hurts.",
        "gold": ["dark"],
        "answer": "…",
    },
    {"id": 2, "title": "Lost", "body": "Where is it?", "gold": ["gone"], "answer": "…"},
]
OFFTOPIC = [
    {"title": "", "body": "My card payment was declined at the supermarket", "kind": "bank"},
    {"title": "", "body": "How do I reset my password on the other product?", "kind": "not_our_product"},
]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, some in (
        ("articles", ARTICLES),
        ("questions", QUESTIONS),
        ("resolved", RESOLVED),
        ("offtopic", OFFTOPIC),
    ):
        found[name] = tmp_path / f"{name}.jsonl"
        found[name].write_text("".join(f"{json.dumps(row)}\n" for row in some))
    return found


def sets(files: dict[str, Path], *, resolved: bool = True) -> Sets:
    return read_sets(files["articles"], files["questions"], files["resolved"] if resolved else None, files["offtopic"])


def quietly(what: str, times: int) -> Callable[[], None]:
    return lambda: None


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_cache, "cache_file", lambda: tmp_path / "vectors.sqlite3")


# --- The command as it is typed -----------------------------------------------------------------------------------


# Where DATABASE_URL leads nowhere; with a connection pool, as outside tests.
NOWHERE = "postgres://nobody@127.0.0.1:1/installation"
OUTSIDE = {**os.environ, "FTE_MODE": "local", "DATABASE_URL": NOWHERE, "DIRECT_DATABASE_URL": NOWHERE}


def databases() -> list[str]:
    where = database_settings(settings.STATE_DIR)
    with psycopg.connect(host=where["HOST"], user=where["USER"], dbname="postgres") as db:
        return [name for (name,) in db.execute("SELECT datname FROM pg_database") if name.startswith(PREFIX)]


def test_the_command_prints_figures_writes_rows_and_leaves_no_database(files: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    options = [f"--{name}={path}" for name, path in files.items()]
    command = [sys.executable, "manage.py", "evaluate", "retrieval", *options, f"--out={out}", "--json"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=BASE, env=OUTSIDE, stdout=pipe, stderr=pipe, text=True)
    said, errors = process.communicate()
    assert process.returncode == 0, errors
    figures = json.loads(said.splitlines()[-1])
    assert figures["questions"] == 4
    assert figures["recall_at_5"] == figures["per_recipe"]["hybrid_resolved"]["recall_at_5"] == 0.75
    assert set(figures["per_recipe"]) == {"vector", "words", "hybrid", "hybrid_resolved"}
    assert all(set(r) == {"recall_at_1", "recall_at_5", "mrr_at_10"} for r in figures["per_recipe"].values())
    assert set(figures["offtopic_by_kind"]) == {"bank", "not_our_product"}
    assert figures["resolved"] == {"learned": 1, "left_out": 1}
    assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert (figures["articles"], figures["chunks"], figures["index"]) == (3, 3, "exact")
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in written] == [11, 12, 13, 14]
    assert all({"slug", "similarity", "confidence"} == set(hit) for row in written for hit in row["hits"])
    assert not [name for name in databases() if name.startswith(f"{PREFIX}{process.pid}_")]


def test_a_bad_file_is_told_with_its_line_and_status_two(files: dict[str, Path]) -> None:
    with files["questions"].open("a") as lines:
        lines.write('{"id": 15, "body": "x"}\n')
    with pytest.raises(CommandError, match=r"questions\.jsonl, line 5: gold must be a list") as refused:
        call_command("evaluate", "retrieval", f"--articles={files['articles']}", f"--questions={files['questions']}")
    assert refused.value.returncode == 2


def test_rows_that_could_not_be_written_are_refused_before_the_work(files: dict[str, Path], tmp_path: Path) -> None:
    options = [f"--{name}={path}" for name, path in files.items()]
    with pytest.raises(CommandError, match=r"rows\.jsonl cannot be written: No such file") as refused:
        call_command("evaluate", "retrieval", *options, f"--out={tmp_path / 'none' / 'rows.jsonl'}")
    assert refused.value.returncode == 2


# --- The temporary database -----------------------------------------------------------------------------------------

HOLD = """
import django, sys; django.setup()
from django.db import connection
from agent_runner.temporary_database import temporary_database
from knowledge.models import Article
with temporary_database() as name:
    Article.objects.create(slug="a", title="t", body_md="x")
    print(name, flush=True)
    sys.stdin.readline()
    raise ValueError("as it happens")
"""


@pytest.fixture
def hold() -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts processes with a temporary database each, which they hold until they read a line; then they fail."""
    env = {**OUTSIDE, "DJANGO_SETTINGS_MODULE": "fte_project.settings"}
    pipe, started = subprocess.PIPE, []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD]
        started.append(subprocess.Popen(command, cwd=BASE, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def held(process: subprocess.Popen[str]) -> str:
    """Its database's name, once it is in use."""
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert name in databases()
    return name


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_database_is_dropped_when_the_command_is_stopped(end: int, hold: Callable[[], Any]) -> None:
    process = hold()
    name = held(process)
    process.send_signal(end)
    process.communicate(timeout=60)
    assert process.returncode not in {0, -signal.SIGKILL}
    assert name not in databases()


def test_an_error_drops_the_database_and_so_does_the_next_after_a_kill(hold: Callable[[], Any]) -> None:
    killed = hold()
    left = held(killed)
    killed.kill()
    killed.communicate()
    assert left in databases()
    failing = hold()
    name = held(failing)
    assert left not in databases()
    _, errors = failing.communicate("\n", timeout=60)
    assert "ValueError: as it happens" in errors
    assert name not in databases()


# --- What counts as older -------------------------------------------------------------------------------------------


def question(name: int | str, *gold: str, asked_at: datetime | None = None) -> Question:
    return Question(id=name, title="", body=f"question {name}", gold=gold or ("a",), asked_at=asked_at)


def some(questions: list[Question], resolved: list[Question]) -> Sets:
    return in_time(Sets(articles=(), questions=tuple(questions), resolved=tuple(resolved)))


def older(found: Sets) -> dict[int | str, list[int | str]]:
    """For each question the resolved ones that count for it."""
    moments = {row.id: row.asked_at for row in found.resolved or ()}
    return {q.id: [name for name, at in moments.items() if at < q.asked_at] for q in found.questions}  # type: ignore[operator]


def test_whole_numbers_count_up_in_time() -> None:
    found = some([question(5), question(10**30)], [question(9), question(5), question(2)])
    assert older(found) == {5: [2], 10**30: [9, 5, 2]}


def test_dates_go_before_numbers_when_every_row_has_one() -> None:
    may = datetime(2026, 5, 1, tzinfo=UTC)
    first, then = question(1, asked_at=may), question(2, asked_at=may - timedelta(days=1))
    assert older(some([first], [then])) == {1: [2]}
    assert older(some([first], [then, question(3)])) == {1: []}


def test_without_dates_and_numbers_everything_resolved_is_older() -> None:
    later = datetime(2999, 1, 1, tzinfo=UTC)
    assert older(some([question("a"), question(1)], [question(7), question("b", asked_at=later)])) == {
        "a": [7, "b"],
        1: [7, "b"],
    }


@pytest.mark.django_db
def test_a_question_never_learns_from_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    Article.objects.create(slug="a", title="T", body_md="x", status=Article.Status.PUBLISHED)
    learn_rows([replace(question(name), asked_at=LONG_AGO) for name in ("q", "other")])
    seen = []

    def search(text: str, **more: Any) -> Found:
        if "limit" not in more:
            seen.append(sorted(ResolvedQuestion.objects.values_list("source", flat=True)))
        return found()

    monkeypatch.setattr(retrieval, "search", search)
    ask(question("q"), "minilm-l6-v2-int8", "hybrid_resolved")
    ask(question("x"), "minilm-l6-v2-int8", "hybrid_resolved")
    assert seen == [["file:other"], ["file:other", "file:q"]]
    assert ResolvedQuestion.objects.count() == 2


# --- Through the product's own code ---------------------------------------------------------------------------------


def evaluated_here(given: Sets, progress: Callable[[str, int], Callable[[], None]]) -> Evaluated:
    """Without a vector index, which is not built in a test's transaction."""
    done = prepare(given, progress)
    ask_all(given, done, progress)
    return done


@pytest.mark.django_db
def test_everything_is_loaded_indexed_learned_and_asked(files: dict[str, Path]) -> None:
    done = evaluated_here(sets(files), quietly)
    assert (done.recipe, done.articles, done.embedded) == ("hybrid_resolved", 3, 4)
    assert QuestionVector.objects.count() == 1
    best = {one.question.id: one.slugs["hybrid_resolved"][0] for one in done.asked}
    assert best == {11: "reset", 12: "export", 13: "dark", 14: "reset"}
    assert [row.kind for row, _ in done.offtopic or ()] == ["bank", "not_our_product"]
    assert all(one.ms > 0 for one in done.asked)


@pytest.mark.django_db
def test_the_first_hits_are_those_that_the_product_finds(files: dict[str, Path]) -> None:
    done = evaluated_here(sets(files), quietly)
    for one in done.asked:
        by_itself = retrieval.search(one.question.text(), asked_at=one.question.asked_at)
        assert [hit.slug for hit in by_itself.hits] == list(one.slugs["hybrid_resolved"])[: len(by_itself.hits)]
        assert (one.found.confidence, one.found.nearness) == (by_itself.confidence, by_itself.nearness)
        assert [hit.slug for hit in one.found.hits] == list(one.slugs["hybrid_resolved"])


def test_a_deeper_search_only_adds_to_what_was_found() -> None:
    found, deeper = [hit("b"), hit("a")], [hit("a"), hit("c"), hit("b"), hit("d")]
    assert [one.slug for one in retrieval._in_order(found, deeper)] == ["b", "a", "c", "d"]


@pytest.mark.django_db
def test_without_resolved_questions_the_recipe_has_no_evidence(files: dict[str, Path]) -> None:
    done = evaluated_here(sets(files, resolved=False), quietly)
    assert {name for one in done.asked for name in one.slugs} == {"vector", "words", "hybrid"}
    figures = summary(done)
    assert figures["recall_at_1"] == figures["per_recipe"]["hybrid"]["recall_at_1"]
    assert set(figures["per_recipe"]) == {"vector", "words", "hybrid"}
    assert figures["resolved"] is None


# --- The figures ----------------------------------------------------------------------------------------------------


def hit(slug: str, similarity: float = 0.61234) -> Hit:
    return Hit(
        article_id=ord(slug),
        slug=slug,
        title=slug,
        summary="",
        url="",
        revision=1,
        chunk_id=1,
        section="",
        passage="",
        similarity=similarity,
        nearness=similarity,
        score=similarity,
        words=0.0,
        evidence=0.0,
        confidence=0.5,
    )


def found(*slugs: str, is_near: bool = True, sure: float = 0.5, sure3: float = 0.5) -> Found:
    return Found(
        hits=tuple(replace(hit(slug), confidence=sure) for slug in slugs),
        words_only=False,
        model_id="m",
        is_calibrated=True,
        floor=0.5,
        is_near=is_near,
        confidence_top3=sure3,
    )


def asked(number: int, gold: str, *slugs: str, ms: float = 1.0, **values: Any) -> Asked:
    places = dict.fromkeys(("vector", "words", "hybrid"), slugs)
    return Asked(question=question(number, gold), found=found(*slugs, **values), ms=ms, slugs=places)


def evaluated(*some: Asked, offtopic: list[tuple[OffTopic, Found]] | None = None) -> Evaluated:
    return Evaluated(recipe="hybrid", model_id="m", asked=list(some), offtopic=offtopic)


def test_recall_and_rank_are_by_the_first_article_that_answers() -> None:
    figures = summary(
        evaluated(
            asked(1, "a", "a", "b"),
            asked(2, "b", "a", "b"),
            asked(3, "f", "a", "b", "c", "d", "e", "f"),
            asked(4, "z", "a"),
        )
    )
    assert (figures["recall_at_1"], figures["recall_at_5"]) == (0.25, 0.5)
    assert figures["mrr_at_10"] == pytest.approx((1 + 1 / 2 + 1 / 6) / 4, abs=1e-4)


def test_any_article_that_answers_is_a_hit() -> None:
    one = asked(1, "a", "b")
    figures = summary(evaluated(replace(one, question=replace(one.question, gold=("a", "b")))))
    assert figures["recall_at_1"] == 1.0


def test_the_sister_product_is_told_apart_from_what_is_off_topic() -> None:
    def row(kind: str, is_near: bool) -> tuple[OffTopic, Found]:
        return OffTopic(title="", body="x", kind=kind), found("a", is_near=is_near)

    offtopic = [row("bank", True), row("bank", False), row("spam", False), row("spam", False)]
    offtopic.append(row("not_our_product", True))
    figures = summary(evaluated(asked(1, "a", "a"), asked(2, "a", "a", is_near=False), offtopic=offtopic))
    assert figures["ontopic_above_floor"] == 0.5
    assert figures["offtopic_above_floor"] == 0.25
    assert figures["offtopic_by_kind"] == {"bank": 0.5, "not_our_product": 1.0, "spam": 0.0}


def test_a_question_that_found_nothing_is_below_the_floor_and_a_miss() -> None:
    figures = summary(evaluated(asked(1, "a", is_near=False)))
    assert (figures["ontopic_above_floor"], figures["recall_at_5"], figures["mrr_at_10"]) == (0.0, 0.0, 0.0)
    assert figures["offtopic_above_floor"] is None


def test_without_calibration_nothing_is_said_about_a_floor() -> None:
    one = asked(1, "a", "a")
    figures = summary(evaluated(replace(one, found=replace(one.found, is_calibrated=False))))
    assert (figures["ontopic_above_floor"], figures["is_calibrated"]) == (None, False)
    assert figures["recall_at_1"] == 1.0
    tables(figures)


def test_confidence_is_judged_on_the_most_confident_questions() -> None:
    some = [asked(n, "a", "a", sure=1 - n / 10, sure3=n / 10) for n in range(1, 3)]
    some += [asked(n, "c", "a", "b", "c", sure=0.3, sure3=0.9) for n in range(3, 6)]
    figures = {one["share"]: one for one in summary(evaluated(*some))["confidence"]}
    right = {"top1": 1.0, "top3": 1.0, "top3_by_top1": 1.0}
    assert figures[0.2] == {"share": 0.2, "questions": 1, **right}
    assert figures[0.4] == {"share": 0.4, "questions": 2, **right}
    assert figures[1.0] == {"share": 1.0, "questions": 5, **right, "top1": 0.4}
    wrong = asked(9, "z", "a", "b", sure=0.95, sure3=0.0)
    assert summary(evaluated(*some[:4], wrong))["confidence"][0] == {
        **figures[0.2],
        "top1": 0.0,
        "top3_by_top1": 0.0,
    }
    wrong3 = asked(9, "z", "a", "b", sure=0.0, sure3=0.95)
    assert summary(evaluated(*some[:4], wrong3))["confidence"][0] == {**figures[0.2], "top3": 0.0}


def test_times_are_by_nearest_rank() -> None:
    figures = summary(evaluated(*[asked(n, "a", "a", ms=float(n)) for n in range(100, 0, -1)]))
    assert (figures["p50_ms"], figures["p95_ms"]) == (50.0, 95.0)


def test_a_row_tells_what_was_found_and_how_sure_the_search_is() -> None:
    (row,) = rows(evaluated(asked(7, "b", "a", "b", sure3=0.8)))
    assert row["id"] == 7
    assert row["hits"][0] == {"slug": "a", "similarity": 0.6123, "confidence": 0.5}
    assert (row["top3_confidence"], row["is_above_floor"], row["gold_place"]) == (0.8, True, 2)


def test_people_get_tables(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=100).print(tables(summary(evaluated(asked(1, "a", "a")))))
    assert "recall@5" in capsys.readouterr().out
