"""One question back, where an article has the same thing for several systems or kinds of account."""

from agent_runner.agreement import facet_of
from agent_runner.context import RunContext
from agent_runner.gate import Kind, Verdict
from knowledge.models import Chunk
from tickets.models import Message
from tickets.phrases import WHICH, phrase


def which_one(context: RunContext) -> Verdict | None:
    """Ask which of an article's sections is the customer's, when that alone is open. Once in a ticket.

    Of the first article found, and only when it would answer alone otherwise.
    """
    first, found = next(iter(context.hits.values()), None), context.found[:1]
    if first is None or not found[0].is_clear or first.confidence < found[0].answer_from:
        return None
    sections = list(
        Chunk.objects.filter(article_id=first.article_id, revision=first.revision, is_summary=False)
        .order_by("position")
        .values_list("section", flat=True)
    )
    asked = f"{context.subject}\n{context.question}\n" + "\n".join(context.asked_before)
    choices = facet_of(sections, first.section, asked)
    if not choices or Message.objects.filter(ticket=context.ticket_id, kind=Message.Kind.QUESTION).exists():
        return None
    return Verdict(
        kind=Kind.ANSWER,
        findings=(f"asks which: {', '.join(choices)}",),
        text=phrase(WHICH, context.language, choices=" / ".join(choices)),
        text_kind=Message.Kind.QUESTION,
    )
