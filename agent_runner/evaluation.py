"""What `manage.py evaluate` can measure: each kind has a name, its arguments and the function that measures."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from agent_runner import (
    answers,
    answers_figures,
    answers_problems,
    escalation_evaluation,
    gate_evaluation,
    retrieval_figures,
    sentiment_evaluation,
)
from agent_runner.retrieval import NotEvaluated, Progress, Sets, evaluate_retrieval, read_sets
from agent_runner.temporary_database import temporary_database
from knowledge.calibration import CannotCalibrate
from knowledge.embeddings import EmbeddingFailed
from knowledge.indexing import active_model_id
from knowledge.loading import BadArticle
from knowledge.question_files import BadQuestion, read_questions

RULES = "the fixed rules and the local sentiment"


class BadFile(Exception):
    """A file that cannot be evaluated with; the text says which, where and why."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The figures, the same for people, and one row for each thing that was tried.

    A row's `problem` says in words what went wrong with it; it is empty when nothing did. `ran_with` names what judged.
    """

    summary: dict[str, Any]
    tables: RenderableType
    rows: list[dict[str, Any]]
    ran_with: str
    titles: dict[str, str] = field(default_factory=dict)  # of the articles, by slug


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`measure` gets the parsed arguments. It raises BadFile, NotEvaluated, EmbeddedUnavailable.

    The report shows the rows with a problem: those of `problems` in this order, and of each what `shows` names, in
    words for people. The first one is what was asked.
    """

    help: str
    add_arguments: Callable[[ArgumentParser], None]
    measure: Callable[[dict[str, Any], Progress], Measured]
    problems: tuple[str, ...]
    shows: dict[str, str]


@contextmanager
def _reading() -> Iterator[None]:
    """What is wrong with a file that is read within is the file's fault."""
    try:
        yield
    except (BadArticle, BadQuestion, OSError, UnicodeDecodeError) as error:
        raise BadFile(str(error)) from error


def _add_retrieval(parser: ArgumentParser) -> None:
    parser.add_argument("--articles", type=Path, required=True, help=".jsonl file, or folder of Markdown")
    parser.add_argument("--questions", type=Path, required=True, help="rows {id, title, body, gold: [slug]}")
    parser.add_argument(
        "--resolved",
        type=Path,
        help="rows like the questions, as evidence. Only older ones help a question: by asked_at, or when a row has "
        "none by ids that are whole numbers; else all are older. A row with its own id never helps it.",
    )
    parser.add_argument("--offtopic", type=Path, help="rows {title, body, kind} that the articles do not answer")


def _read(options: dict[str, Any]) -> Sets:
    return read_sets(options["articles"], options["questions"], options["resolved"], options["offtopic"])


def _retrieval(options: dict[str, Any], progress: Progress) -> Measured:
    with _reading():
        sets = _read(options)
    try:
        with temporary_database():
            done = evaluate_retrieval(sets, progress)
    except EmbeddingFailed as error:
        raise NotEvaluated(str(error)) from error
    figures = retrieval_figures.summary(done)
    return Measured(
        summary=figures,
        tables=retrieval_figures.tables(figures),
        rows=retrieval_figures.rows(done),
        ran_with=f"search with {done.model_id}, {done.recipe.replace('_', ' + ')}",
        titles=_titles(sets),
    )


def _titles(sets: Sets) -> dict[str, str]:
    return {article.slug: article.title for article in sets.articles}


def _add_answers(parser: ArgumentParser) -> None:
    _add_retrieval(parser)
    parser.add_argument("--labelled", type=Path, help="rows like the questions, to calibrate with before")


def _answers(options: dict[str, Any], progress: Progress) -> Measured:
    with _reading():
        sets = _read(options)
        labelled = read_questions(options["labelled"]) if options["labelled"] else []
    try:
        with temporary_database():
            done = answers.evaluate_answers(sets, labelled, progress)
            searched_with = active_model_id()
    except (EmbeddingFailed, CannotCalibrate) as error:
        raise NotEvaluated(str(error)) from error
    figures = answers_figures.summary(done)
    models = sorted({one.run.model for one in done.questions if one.run.model})
    return Measured(
        summary=figures,
        tables=answers_figures.table(figures),
        rows=answers_problems.rows(done),
        ran_with=f"assistant {', '.join(models) or 'by rules alone'}, search with {searched_with}",
        titles=_titles(sets),
    )


def _sentiment(options: dict[str, Any], progress: Progress) -> Measured:
    with _reading():
        labelled = sentiment_evaluation.read_labelled(options["data"])
    judged = sentiment_evaluation.judge_rows(labelled, progress)
    figures = sentiment_evaluation.summary(judged)
    return Measured(
        summary=figures,
        tables=sentiment_evaluation.table(figures),
        rows=sentiment_evaluation.rows(judged),
        ran_with="local sentiment",
    )


def _escalation(options: dict[str, Any], progress: Progress) -> Measured:
    with _reading():
        figures, rows = escalation_evaluation.escalation_figures(options["data"])
    tables = escalation_evaluation.escalation_tables(figures)
    return Measured(summary=figures, tables=tables, rows=rows, ran_with=RULES)


def _wants_human(options: dict[str, Any], progress: Progress) -> Measured:
    with _reading():
        figures, rows = escalation_evaluation.wants_human_figures(options["data"])
    tables = escalation_evaluation.wants_human_tables(figures)
    return Measured(summary=figures, tables=tables, rows=rows, ran_with=RULES)


def _gate(options: dict[str, Any], _progress: Progress) -> Measured:
    with _reading():
        labelled = gate_evaluation.read_labelled(options["data"])
    judged = gate_evaluation.judge_rows(labelled)
    figures = gate_evaluation.summary(judged)
    return Measured(
        summary=figures,
        tables=gate_evaluation.table(figures),
        rows=gate_evaluation.rows(judged),
        ran_with="the gate's rules",
    )


KINDS = {
    "retrieval": Kind(
        help="Whether the search finds the articles that answer the questions.",
        add_arguments=_add_retrieval,
        measure=_retrieval,
        problems=retrieval_figures.PROBLEMS,
        shows={"question": "Question", "gold": "Answered by", "hits": "Found", "top3_confidence": "Confidence"},
    ),
    "answers": Kind(
        help="What the assistant makes of questions with known answers: how much it answers alone, and how well.",
        add_arguments=_add_answers,
        measure=_answers,
        problems=answers_problems.PROBLEMS,
        shows={
            "question": "Question",
            "kind": "What it is",
            "gold": "Answered by",
            "verdict": "Decided",
            "reason": "Because of",
            "findings": "In detail",
            "confidence": "Confidence",
            "unsupported": "In no cited passage",
            "text": "Said",
            "draft": "Prepared, not sent",
            "citations": "Cited",
            "hits": "Found",
        },
    ),
    "sentiment": Kind(
        help="Whether the mood of messages is told, and how often a calm one is taken for an angry one.",
        add_arguments=sentiment_evaluation.add_arguments,
        measure=_sentiment,
        problems=sentiment_evaluation.PROBLEMS,
        shows={
            "text": "Message",
            "sentiment": "Labelled",
            "got": "Taken for",
            "score": "Score",
            "confidence": "Confidence",
        },
    ),
    "escalation": Kind(
        help="Whether what must go to people goes to people, for the right reason, and nothing else.",
        add_arguments=escalation_evaluation.add_escalation,
        measure=_escalation,
        problems=escalation_evaluation.PROBLEMS,
        shows={"text": "Message", "channel": "Channel", "expected": "Labelled", "got": "Went to people for"},
    ),
    "wants_human": Kind(
        help="Whether customers who ask for a person are understood.",
        add_arguments=escalation_evaluation.add_wants_human,
        measure=_wants_human,
        problems=escalation_evaluation.ASKING_PROBLEMS,
        shows={"text": "Message", "wants_human": "Asks for a person", "got": "Understood so", "source": "Source"},
    ),
    "gate": Kind(
        help="Whether the gate keeps back sentences that their passage does not carry, and only those.",
        add_arguments=gate_evaluation.add_arguments,
        measure=_gate,
        problems=gate_evaluation.PROBLEMS,
        shows={
            "sentence": "Sentence",
            "label": "Labelled",
            "verdict": "Verdict",
            "reason": "Because",
            "passage": "Passage",
        },
    ),
}
