"""The five tools. Ids come from the run context, never from the model; nothing here sends or escalates by itself."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import structlog
from agents import (
    FunctionTool,
    RunContextWrapper,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrailData,
    function_tool,
    tool_input_guardrail,
)
from pydantic import Field

from agent_runner.budgets import fit
from agent_runner.context import Draft, HandOverRequest, RunContext
from agent_runner.history import as_lines, earlier_messages
from agent_runner.leaks import legible
from fte_project.db import unit_of_work
from knowledge.search import search
from tickets.models import Ticket
from tickets.reasons import Reason, Urgency

log = structlog.get_logger()
Context = RunContextWrapper[RunContext]
PREPARED = ("create_ticket", "get_customer_history")
ENDINGS = ("escalate_to_human", "send_response")
RECORDED = 4000  # characters of what a call was given and gave back
SEARCHES = 2  # the prepared one and one of the model's own


def _fill_ticket(ticket_id: int, issue: str, priority: str, category: str | None) -> None:
    changes: dict[str, str] = {"issue": issue, "priority": priority}
    if category:
        changes["category"] = category
    Ticket.objects.filter(pk=ticket_id).update(**changes)


def _failed(_: RunContextWrapper[Any], error: Exception) -> str:
    """What the model reads when a tool fails: a sentence, never an exception's text, which goes to the log."""
    log.warning("tool_failed", error=error)
    return "This tool failed. Hand the conversation to a person with escalate_to_human, reason tool_failure."


def refusal(context: RunContext, name: str) -> str | None:
    """Why `name` may not be called now, as a sentence for the model; None when it may."""
    if context.ended():
        return "The conversation already has its response; nothing more can be done."
    if name in PREPARED:
        return f"{name} was already done." if name in context.done else None
    missing = [step for step in (*PREPARED, "search_knowledge_base") if step not in context.done]
    if missing and name not in {missing[0], "escalate_to_human"}:  # a failed step must not keep people away
        return f"Call {missing[0]} first."
    if name == "search_knowledge_base" and context.searches() >= SEARCHES:
        return "Two searches were made; answer from their passages or hand over."
    return None


def _offered(name: str) -> Any:
    def is_enabled(wrapper: RunContextWrapper[Any], _: Any) -> bool:
        return refusal(wrapper.context, name) is None

    return is_enabled


@tool_input_guardrail
def in_order(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
    """The second net behind `is_enabled`, for several calls in one turn."""
    why = refusal(data.context.context, data.context.tool_name)
    return ToolGuardrailFunctionOutput.reject_content(why) if why else ToolGuardrailFunctionOutput.allow()


def _tool(name: str) -> Callable[[Callable[..., Awaitable[str]]], FunctionTool]:
    def make(function: Callable[..., Awaitable[str]]) -> FunctionTool:
        tool = function_tool(
            function,
            name_override=name,
            failure_error_function=_failed,
            is_enabled=_offered(name),
            tool_input_guardrails=[in_order],
            timeout=20,
        )
        # Titles repeat the names, and every request would pay for them.
        tool.params_json_schema.pop("title", None)
        for field in tool.params_json_schema["properties"].values():
            field.pop("title", None)
        return tool

    return make


@_tool("create_ticket")
async def create_ticket(
    wrapper: Context,
    issue: Annotated[str, Field(max_length=2000, description="What the customer's matter is, in a sentence.")],
    priority: Literal["low", "medium", "high"],
    category: Literal["general", "technical", "billing", "bug_report", "feedback"] | None = None,
) -> str:
    """Get the ticket of this conversation (it exists already) and note what it is about."""
    context = wrapper.context
    await unit_of_work(_fill_ticket)(context.ticket_id, issue, priority, category)
    context.done.append("create_ticket")
    return f"Ticket {context.reference}."


@_tool("get_customer_history")
async def get_customer_history(wrapper: Context) -> str:
    """The last 20 messages with this customer, over all channels they have proven to be theirs."""
    context = wrapper.context
    messages = await unit_of_work(earlier_messages)(
        context.conversation_id, before=min(context.message_ids, default=None)
    )
    context.has_history = bool(messages)
    here = [m for m in messages if m.conversation_id == context.conversation_id]
    context.asked_before = tuple(m.body for m in reversed(here) if m.author == m.Author.CUSTOMER)
    context.done.append("get_customer_history")
    return as_lines(messages)


@_tool("search_knowledge_base")
async def search_knowledge_base(
    wrapper: Context,
    query: Annotated[str, Field(min_length=1, max_length=2000, description="What to look for.")],
    max_results: Annotated[int, Field(ge=1, le=10)] = 5,
    category: str | None = None,
) -> str:
    """Search the published help articles. Returns passages with ids to cite."""
    context = wrapper.context
    found = await unit_of_work(search)(query, limit=max_results, category=category, asked_at=context.asked_at)
    context.done.append("search_knowledge_base")
    named = context.remember(found)
    if not named:
        return "Nothing was found."
    passages = fit([hit.passage for hit in named.values()])
    return json.dumps(
        [
            {
                "id": name,
                "title": hit.title,
                "section": hit.section,
                "passage": passage,
                "similarity": round(hit.similarity, 3),
                "confidence": round(hit.confidence, 3),
            }
            for (name, hit), passage in zip(named.items(), passages, strict=True)
        ],
        ensure_ascii=False,
    )


@_tool("escalate_to_human")
async def escalate_to_human(
    wrapper: Context,
    reason: Literal[tuple(Reason.values)],  # type: ignore[valid-type]
    urgency: Literal[tuple(Urgency.values)] = "normal",  # type: ignore[valid-type]
) -> str:
    """Hand the conversation to a person. Ends your work."""
    wrapper.context.hand_over = HandOverRequest(reason=reason, urgency=urgency)
    wrapper.context.done.append("escalate_to_human")
    return "A person will answer."


@_tool("send_response")
async def send_response(
    wrapper: Context,
    message: Annotated[str, Field(max_length=8000, description="The answer, without greeting and signature.")],
    citations: Annotated[list[str], Field(max_length=10, description="Ids of the passages it is taken from.")],
    sentiment: Annotated[float, Field(ge=0, le=1)],
    confidence: Annotated[float, Field(ge=0, le=1)],
    language: Annotated[str, Field(max_length=8, description="ISO 639-1 code, e.g. en.")],
) -> str:
    """Propose the answer to the customer. Ends your work; it is checked before it is sent."""
    wrapper.context.draft = Draft(
        message=legible(message),  # what is judged is what is sent
        citations=tuple(dict.fromkeys(citations)),
        sentiment=sentiment,
        confidence=confidence,
        language=language,
    )
    wrapper.context.done.append("send_response")
    return "Noted."


TOOLS: tuple[FunctionTool, ...] = (
    create_ticket,
    get_customer_history,
    search_knowledge_base,
    escalate_to_human,
    send_response,
)


def timed(context: RunContext, name: str, arguments: str, output: str, since: float) -> None:
    """Keep a call for the run's record."""
    context.calls.append(
        {
            "tool": name,
            "arguments": arguments[:RECORDED],
            "output": output[:RECORDED],
            "ms": round((time.monotonic() - since) * 1000, 1),
        }
    )
