"""The HTML report of `manage.py evaluate`: every failure, nothing that is right, nothing that runs or is fetched."""

import json
import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agent_runner.answers import Handled
from agent_runner.answers_problems import (
    HELD_BACK,
    NOT_FOUND,
    OFF_TOPIC,
    OTHER_ARTICLE,
    OTHER_SUGGESTED,
    UNSUPPORTED,
    problem,
)
from agent_runner.evaluation import KINDS, Measured
from agent_runner.models import AgentRun
from agent_runner.reports import report
from agent_runner.retrieval_figures import NOT_FOUND as NOT_RETRIEVED
from agent_runner.retrieval_figures import TOO_LOW
from knowledge.question_files import OffTopic, Question
from tickets.models import Message

HOSTILE = "<script>alert(1)</script> & <img src=https://evil.example/x onerror=alert(2)>"
AT = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


def page(kind: str, rows: list[dict[str, Any]], **summary: Any) -> str:
    titles = {"reset": "Reset your <b>password</b>"}
    measured = Measured(summary=summary, tables="", rows=rows, ran_with="model m", titles=titles)
    return report(kind, KINDS[kind], {"questions": Path("/somewhere/asked.jsonl")}, measured, AT)


def answer(question: str = "How?", **changes: Any) -> dict[str, Any]:
    row = {"id": 7, "question": question, "gold": ["reset"], "verdict": "answer", "reason": "", "text": "So."}
    return {**row, "problem": OTHER_ARTICLE, **changes}


def test_what_customers_wrote_is_text_and_never_markup() -> None:
    cited = [{"slug": HOSTILE, "passage": HOSTILE}]
    row = answer(HOSTILE, text=HOSTILE + "!", citations=cited, findings=[HOSTILE], gold=[HOSTILE], id=HOSTILE)
    html = page("answers", [row])
    assert "<script" not in html
    assert "<img" not in html
    assert unescape(html).count(HOSTILE) == 7


def test_the_page_needs_nothing_but_itself() -> None:
    html = page("answers", [answer()], questions=1)
    assert not re.search(r"<(?:script|link|img|iframe|object|base|form)\b|@import|url\(|\son\w+=", html)
    assert not re.search(r"""(?:src|href)=["'](?!#)""", html)
    assert "default-src 'none'" in html
    assert re.search(r"prefers-color-scheme: dark", html)


def test_every_failure_is_there_by_what_went_wrong_and_nothing_that_is_right() -> None:
    rows = [
        answer("Unsure and wrong?", confidence=0.2),
        answer("All is well?", problem=""),
        answer("Sure and wrong?", confidence=0.9),
        answer("What is the weather?", problem=OFF_TOPIC, gold=[], id=None, kind="small_talk"),
    ]
    html = unescape(page("answers", rows))
    assert "All is well?" not in html
    places = [html.index(words) for words in ("the weather?", "Sure and wrong?", "Unsure and wrong?")]
    assert places == sorted(places)
    assert "3 of 4 went wrong" in html
    assert re.search(rf"{OTHER_ARTICLE} <span class=\"count\">2<", html)
    assert "small talk" in html


def test_a_failure_tells_what_was_said_why_and_what_was_expected() -> None:
    cited = [{"slug": "reset", "passage": "Choose Forgot."}, {"slug": "gone", "passage": None}]
    long = "This was prepared, and it is longer than a few words so that it stands in a box of its own."
    row = answer(reason="low_confidence", text=f"Hello. {long}", draft=long, citations=cited, unsupported=["So."])
    html = page("answers", [row])
    assert html.count(long) == 1, "the draft that was sent stands in what was said"
    for words in (
        "low confidence",
        "Choose Forgot.",
        "Not among the articles",
        "Reset your &lt;b&gt;password",
        "answer",
    ):
        assert words in html
    assert html.count(">answers it<") == 1


def test_the_figures_and_what_it_ran_with_are_on_the_page() -> None:
    figures = {"n": 1234, "recall": 0.9512, "p50_ms": 3.2, "none": None, "misses": [{"text": "hidden"}]}
    html = page("answers", [], **figures, per={"a": {"x": 0.5}, "b": {"x": 1}}, shares=[{"share": 0.2}], why={"w": 2})
    for words in ("1,234", "0.951", "P50, ms", "–", "0.200", "asked.jsonl", "model m", "28 November 2026, 04:00"):
        assert words in html
    assert "hidden" not in html
    assert "/somewhere" not in html
    assert "None of 0 went wrong" in html


def handled(
    verdict: str, gold: tuple[str, ...], cited: list[str], hits: tuple[str, ...] = (), body: str = "So."
) -> Any:
    row: Any = Question(id=1, title="", body="x", gold=gold) if gold else OffTopic(title="", body="x", kind="bank")
    run = AgentRun(verdict=verdict, draft=body, hits=[{"slug": slug} for slug in hits])
    sources = [{"slug": slug, "passage": "So." if verdict == "answer" else None} for slug in cited]
    return Handled(row=row, run=run, reply=Message(body=body, sources=sources), ms=1.0)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (handled("answer", ("a",), ["a", "b"]), ""),
        (handled("answer", ("b",), ["a", "b"]), OTHER_ARTICLE),
        (handled("answer", ("a",), ["a"], body="So. And more."), UNSUPPORTED),
        (handled("suggest", ("b",), ["a", "b"]), ""),
        (handled("suggest", ("c",), ["a", "b"]), OTHER_SUGGESTED),
        (handled("hand_over", ("a",), [], ("b", "a")), HELD_BACK),
        (handled("draft", ("c",), [], ("b", "a")), NOT_FOUND),
        (handled("answer", (), ["a"]), OFF_TOPIC),
        (handled("hand_over", (), []), ""),
    ],
)
def test_what_went_wrong_with_an_answer(one: Handled, expected: str) -> None:
    assert problem(one) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_what_it_shows_in_the_order_of_its_problems(kind: str) -> None:
    asked = next(iter(KINDS[kind].shows))
    rows = [{"problem": words, asked: "x"} for words in reversed(KINDS[kind].problems)]
    html = unescape(page(kind, rows))
    places = [html.index(f"{words} <span") for words in KINDS[kind].problems]
    assert places == sorted(places)


GATE = [
    {"passage": "Choose Save, then Close.", "sentence": "Choose Save, then Close.", "label": "faithful"},
    {"passage": "Choose Save <b>now</b>.", "sentence": "Choose Save <b>now</b>.", "label": "negation"},
]
SENTIMENT = [{"text": "This is a terrible, horrible, disgusting fraud!", "sentiment": "positive"}]
ESCALATION = [
    {"channel": "email", "text": "What does it cost?", "must_escalate": False, "reason": None},
    {"channel": "email", "text": "How do I print?", "must_escalate": True, "reason": "legal"},
    {"channel": "email", "text": "How much for 25 seats?", "must_escalate": True, "reason": "legal"},
]
WANTS = [{"text": "Let me talk to a human", "wants_human": False}, {"text": "Print?", "wants_human": True}]


@pytest.mark.parametrize(
    ("kind", "rows", "failed"),
    [("gate", GATE, 1), ("sentiment", SENTIMENT, 1), ("escalation", ESCALATION, 3), ("wants_human", WANTS, 2)],
)
def test_the_command_writes_the_report_beside_rows_and_json(
    kind: str, rows: list[dict[str, Any]], failed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out, html = tmp_path / "data.jsonl", tmp_path / "rows.jsonl", tmp_path / "report.html"
    data.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    call_command("evaluate", kind, f"--data={data}", f"--out={out}", f"--report={html}", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])
    written = [json.loads(line) for line in out.read_text().splitlines()]
    wrong = [row["problem"] for row in written if row["problem"]]
    assert len(wrong) == failed
    assert set(wrong) <= set(KINDS[kind].problems)
    assert html.read_text().count('<article class="card failure">') == failed
    assert f"{failed} of {len(rows)} went wrong" in html.read_text()


def test_an_article_that_stands_too_low_is_a_failure_and_one_that_is_not_found_another() -> None:
    from tests.agent_runner.test_evaluation import asked, evaluated, rows  # its questions and hits

    some = [asked(1, "a", "a"), asked(2, "f", "a", "b", "c", "d", "e", "f"), asked(3, "z", "a")]
    assert [row["problem"] for row in rows(evaluated(*some))] == ["", TOO_LOW, NOT_RETRIEVED]


def test_a_report_that_could_not_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"report\.html cannot be written: No such file") as refused:
        call_command("evaluate", "gate", "--data=none", f"--report={tmp_path / 'none' / 'report.html'}")
    assert refused.value.returncode == 2
