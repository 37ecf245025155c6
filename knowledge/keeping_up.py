"""What keeps the search up to date: a timed job, and the same in the foreground for whoever does not want to wait."""

from collections.abc import Callable

from fte_project.schedule import run_soon
from knowledge.embeddings import EmbeddingFailed
from knowledge.evidence import embed_questions
from knowledge.indexing import INDEX_JOB, Round, active_model_id, index_round, models_in_use
from knowledge.models import ResolvedQuestion
from knowledge.switching import coverage, prepare, remove_leftovers, switch_over
from knowledge.vector_index import VECTOR_JOB

JOB_SECONDS = 5.0


def index_job() -> None:
    """Timed job: work for some seconds, then let the schedule breathe (and stop, when it is told to)."""
    this = Round(seconds=JOB_SECONDS, only_due=True)
    _prepare_and_switch(this)
    remove_leftovers(this)
    if this.done:
        run_soon(INDEX_JOB if this.is_left_off else VECTOR_JOB)


class NotEmbedded(RuntimeError):
    """Something could not be embedded; the text says what, and why."""


def embed_now(progress: Callable[[], None]) -> str:
    """Embed whatever queries lack, in the foreground; a sentence about it. Raises NotEmbedded."""
    active = active_model_id()
    this = Round(progress=progress)
    _keep_up(this)
    known = coverage(active)
    if not known.is_complete:
        raise NotEmbedded(f"{active} knows {known}. {_why(this)}")
    return f"{this.done} embedded; {active} knows {known}."


def switch_now(progress: Callable[[], None]) -> str:
    """Embed what the next model lacks and switch to it, in the foreground; a sentence about it. Raises NotEmbedded."""
    before, following = models_in_use()
    while True:
        this = Round(progress=progress)
        _prepare_and_switch(this)
        active, still_following = models_in_use()
        if active == following:
            return f"{following} has taken over from {before}; it knows {coverage(following)}."
        if still_following != following:
            raise NotEmbedded(f"{following} was given up meanwhile; {active} stays in use.")
        if not this.done:
            known = coverage(following)
            raise NotEmbedded(f"{following} cannot take over from {before} yet: it knows {known}. {_why(this)}")


def _why(this: Round) -> str:
    said = " ".join(f"{model_id}: {error}" for model_id, error in this.errors.items())
    return said or "Something changed meanwhile: run it again."


def _keep_up(this: Round) -> None:
    index_round(this)
    _embed_questions(models_in_use()[0], this)


def _prepare_and_switch(this: Round) -> None:
    _keep_up(this)
    if following := models_in_use()[1]:
        prepare(this)
        _embed_questions(following, this)
        switch_over()


def _embed_questions(model_id: str, this: Round) -> None:
    if this.is_away(model_id) or not ResolvedQuestion.objects.all().lacking(model_id).exists():
        return
    try:
        this.done += embed_questions(model_id, seconds=this.seconds_left())
    except EmbeddingFailed as error:
        this.failed(model_id, error)
    else:
        if ResolvedQuestion.objects.all().lacking(model_id).exists():
            this.leave_off()
