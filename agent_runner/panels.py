"""The assistant's runs as staff see them: in a ticket's timeline and in the admin."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agent_runner.gate import Kind
from agent_runner.models import AgentRun
from tickets.models import Ticket
from tickets.panels import Entry
from tickets.reasons import Reason
from tickets.timeline import linked

DECISIONS = {
    Kind.ANSWER: "answered",
    Kind.SUGGEST: "suggested articles and asked for a person",
    Kind.DRAFT: "left a draft for people",
    Kind.HAND_OVER: "handed over to people",
}


@dataclass(frozen=True, kw_only=True)
class RunShown:
    """A run in words: what it decided, why, and what it found."""

    row: AgentRun
    decision: str
    why: str
    hits: list[dict[str, Any]]


def shown(row: AgentRun) -> RunShown:
    """`row` for the template admin/agent_runner/run.html."""
    decision = DECISIONS.get(Kind(row.verdict), "") if row.verdict in Kind else ""
    if row.outcome != AgentRun.Outcome.STORED:
        decision = str(row.get_outcome_display()).lower()
    why = str(Reason(row.reason).label) if row.reason in Reason.values else row.reason
    return RunShown(row=row, decision=decision or "no decision", why=why, hits=linked(row.hits))


def run_entries(ticket: Ticket) -> Iterator[Entry]:
    """Every run over the ticket's conversation, at the time it began."""
    for row in AgentRun.objects.filter(conversation=ticket.conversation_id):
        yield Entry(
            at=row.started_at,
            ticket_id=row.ticket_id,
            template="admin/agent_runner/run_entry.html",
            what=shown(row),
        )
