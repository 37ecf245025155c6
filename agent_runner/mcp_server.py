"""The five tools for a client that speaks MCP: the same tool objects, the same order and gate, drafts for staff only.

There is no run here, so every tool says which ticket it is about. What a client has found on a ticket is kept until
its work there ends, so that it can cite it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from agents import FunctionTool
from django.db import transaction
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from agent_runner import tools
from agent_runner.assistant import call_tool
from agent_runner.context import RunContext
from agent_runner.frame import source
from agent_runner.gate import Verdict, judge
from agent_runner.worker import context_of, limits_of
from fte_project.db import unit_of_work
from fte_project.events import Channel
from tickets.escalations import HandOver, escalate, offer_draft
from tickets.intake import open_ticket
from tickets.lifecycle import Handler, NotAllowed, Status
from tickets.models import Conversation, Ticket
from tickets.reasons import Reason, Urgency
from tickets.record import ASSISTANT

INSTRUCTIONS = (
    "Tools of a support desk. Per ticket: get_customer_history, search_knowledge_base, then exactly one of "
    "send_response and escalate_to_human. Say only what the passages say. What you send is a draft: staff read it."
)
Reference = Annotated[str, Field(description="The ticket's reference, e.g. T-1042.")]


class Tools:
    """The tools, and what a client has found on each ticket it is at work on."""

    def __init__(self) -> None:
        self._contexts: dict[str, RunContext] = {}

    async def create_ticket(
        self,
        customer_id: int,
        channel: Channel,
        issue: Annotated[str, Field(min_length=1, max_length=2000)],
        priority: Literal["low", "medium", "high"] = "medium",
        category: Literal["general", "technical", "billing", "bug_report", "feedback"] | None = None,
    ) -> str:
        """Get the customer's ticket on this channel that is not closed, or open one, and note what it is about."""
        reference = await unit_of_work(_find_or_open)(customer_id, channel, issue)
        context = await self._begin(reference)
        return await _call(context, tools.create_ticket, issue=issue, priority=priority, category=category)

    async def get_customer_history(self, ticket: Reference) -> str:
        """The last 20 messages with the ticket's customer, over all channels they have proven to be theirs."""
        return (await self._use(tools.get_customer_history, ticket))[1]

    async def search_knowledge_base(
        self,
        ticket: Reference,
        query: Annotated[str, Field(min_length=1, max_length=2000)],
        max_results: Annotated[int, Field(ge=1, le=10)] = 5,
        category: str | None = None,
    ) -> str:
        """Search the published help articles for this ticket. Returns passages with ids to cite."""
        wanted = {"query": query, "max_results": max_results, "category": category}
        return (await self._use(tools.search_knowledge_base, ticket, **wanted))[1]

    async def escalate_to_human(self, ticket: Reference, reason: Reason, urgency: Urgency = Urgency.NORMAL) -> str:
        """Hand the ticket to a person; the customer is told. Ends your work on it."""
        context, said = await self._use(tools.escalate_to_human, ticket, reason=reason, urgency=urgency)
        self._end(context)
        await unit_of_work(_hand_over)(context)
        return said

    async def send_response(
        self,
        ticket: Reference,
        message: Annotated[str, Field(min_length=1, max_length=8000)],
        citations: Annotated[list[str], Field(max_length=10, description="Ids of the passages it is taken from.")],
        sentiment: Annotated[float, Field(ge=0, le=1)],
        confidence: Annotated[float, Field(ge=0, le=1)],
        language: Annotated[str, Field(max_length=8)],
    ) -> str:
        """Propose the answer: it goes through the gate and becomes a draft for staff. Ends your work on the ticket."""
        said = {"message": message, "citations": citations, "language": language}
        context, _ = await self._use(tools.send_response, ticket, **said, sentiment=sentiment, confidence=confidence)
        self._end(context)
        verdict = await unit_of_work(_keep_draft)(context)
        findings = f" ({'; '.join(verdict.findings)})" if verdict.findings else ""
        return f"A draft for staff on {ticket}. The gate says: {verdict.kind.replace('_', ' ')}{findings}."

    async def _begin(self, reference: str) -> RunContext:
        try:
            context = await unit_of_work(_look_up)(reference)
        except Ticket.DoesNotExist:
            raise ToolError(f"There is no ticket {reference}.") from None
        return self._contexts.setdefault(context.reference, context)

    async def _use(self, tool: FunctionTool, reference: str, **arguments: Any) -> tuple[RunContext, str]:
        context = await self._begin(reference)
        if why := tools.refusal(context, tool.name):
            raise ToolError(why)
        return context, await _call(context, tool, **arguments)

    def _end(self, context: RunContext) -> None:
        self._contexts.pop(context.reference, None)


async def _call(context: RunContext, tool: FunctionTool, **arguments: Any) -> str:
    _, answered = await call_tool(context, tool, **arguments)
    return answered["output"]


def _look_up(reference: str) -> RunContext:
    ticket = Ticket.objects.select_related("conversation").by_reference(reference)
    context = context_of(ticket, list(ticket.messages.all().unanswered()))
    context.done.append("create_ticket")  # there it is
    return context


def _find_or_open(customer_id: int, channel: Channel, issue: str) -> str:
    """The reference of the customer's newest ticket on the channel that is not closed, or of a new one."""
    conversations = Conversation.objects.filter(customer_id=customer_id, first_channel=channel)
    newest = conversations.order_by("-id").first()
    if newest is None:
        raise ToolError(f"No customer {customer_id} has written on {channel.label}: there is nowhere to answer.")
    known = Ticket.objects.filter(conversation__in=conversations).exclude(status=Status.CLOSED).first()
    if known is not None:
        return known.reference
    with transaction.atomic():
        conversation = Conversation.objects.lock(newest.pk)
        ticket = conversation.current_ticket() or open_ticket(
            Ticket(conversation=conversation, subject=issue[:200], channel=channel), ASSISTANT
        )
    return ticket.reference


def _keep_draft(context: RunContext) -> Verdict:
    """Put the context's draft before staff with what the gate finds. Raises ToolError when the ticket has no use for
    it."""
    draft = context.draft
    assert draft is not None
    verdict = judge(draft, context.hits, limits_of(context))
    hand_over = HandOver(
        reason=verdict.reason or Reason.LOW_CONFIDENCE,
        detail="; ".join(verdict.findings),
        draft=draft.message,
        draft_sources=tuple(source(hit, passage=True) for hit in draft.cited(context.hits)),
    )
    with _needed(context) as ticket:
        offer_draft(ticket, hand_over, actor=ASSISTANT, answers=context.message_ids)
    return verdict


def _hand_over(context: RunContext) -> None:
    request = context.hand_over
    assert request is not None
    hand_over = HandOver(reason=Reason(request.reason), urgency=Urgency(request.urgency))
    with _needed(context) as ticket:
        escalate(ticket, hand_over, actor=ASSISTANT, answers=context.message_ids)


@contextmanager
def _needed(context: RunContext) -> Iterator[Ticket]:
    """The ticket, held for one transaction. Raises ToolError when it needs nothing, and for all that is not allowed."""
    try:
        with transaction.atomic():
            Conversation.objects.lock(context.conversation_id)
            ticket = Ticket.objects.get(pk=context.ticket_id)
            if not ticket.escalations.still_open().exists():
                if ticket.handler == Handler.STAFF:
                    raise NotAllowed(f"{ticket.reference} is held by a person, who answers.")
                if ticket.messages.exists() and not ticket.messages.all().unanswered().exists():
                    raise NotAllowed(f"Everything on {ticket.reference} is answered.")
            yield ticket
    except NotAllowed as error:
        raise ToolError(str(error)) from None


def server() -> MCPServer[Any]:
    """A server with the five tools and no client yet. Whoever starts it is trusted like a member of staff."""
    mcp: MCPServer[Any] = MCPServer("customer-success-fte", instructions=INSTRUCTIONS)
    ours = Tools()
    for tool in tools.TOOLS:
        mcp.tool()(getattr(ours, tool.name))
    return mcp
