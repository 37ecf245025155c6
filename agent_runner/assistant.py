"""One pass of the assistant: prepared steps in a fixed order, then the model, under settings that keep it in order."""

import json
import time
import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

from agents import (
    Agent,
    FunctionTool,
    FunctionToolResult,
    GuardrailFunctionOutput,
    MaxTurnsExceeded,
    Model,
    ModelBehaviorError,
    ModelRefusalError,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    RunContextWrapper,
    RunHooks,
    Runner,
    Tool,
    ToolExecutionConfig,
    ToolsToFinalOutputResult,
    output_guardrail,
)
from agents.tool_context import ToolContext
from django.conf import settings
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from agent_runner.asking import Asking, hear
from agent_runner.budgets import QUESTION_CHARACTERS, SHOWN_ARGUMENT_CHARACTERS, both_ends, cut
from agent_runner.context import RunContext
from agent_runner.local_model import LOCAL_MODEL_NAME, LocalModel
from agent_runner.prompts import CHANNEL_RULES, CUSTOMER_SUCCESS_SYSTEM_PROMPT
from agent_runner.query import first_query
from agent_runner.tools import TOOLS, create_ticket, get_customer_history, search_knowledge_base, timed

MAX_TURNS = 6
# The model itself misbehaved: trying again would cost the same and end the same, so people take over. The last two come
# from arguments that hold half a character or nest without end.
MISBEHAVED = (
    OutputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    UnicodeEncodeError,
    RecursionError,
)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a pass cost."""

    model: str
    model_calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0  # of the input
    output_tokens: int = 0
    model_ms: int = 0


@cache
def configured_model() -> Model:
    """OpenAI's model, or one behind a compatible OPENAI_BASE_URL, when a key is set; the local one otherwise."""
    if not settings.OPENAI_API_KEY:
        return LocalModel()
    client = AsyncOpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL or None,
        timeout=settings.OPENAI_TIMEOUT_SECONDS,
        max_retries=0,  # we try again ourselves, and all workers know of it
        http_client=DefaultAsyncHttpxClient(event_hooks={"response": [hear]}),
    )
    kind = OpenAIChatCompletionsModel if settings.OPENAI_API_MODE == "chat_completions" else OpenAIResponsesModel
    return kind(model=settings.OPENAI_MODEL, openai_client=client)


def model_name() -> str:
    return str(settings.OPENAI_MODEL) if settings.OPENAI_API_KEY else LOCAL_MODEL_NAME


def instructions(wrapper: RunContextWrapper[RunContext], _: Agent[RunContext]) -> str:
    """The system prompt with this run's variables."""
    context = wrapper.context
    return CUSTOMER_SUCCESS_SYSTEM_PROMPT.format(
        company=settings.COMPANY_NAME,
        channel=context.channel,
        channel_rules=CHANNEL_RULES[context.channel].format(max_words=context.max_words),
        customer=context.customer_name or "unknown",
        subject=context.subject,
        reference=context.reference,
        conversation="continued" if context.has_history else "new",
    )


@output_guardrail
def must_end(wrapper: RunContextWrapper[RunContext], _: Any, output: Any) -> GuardrailFunctionOutput:
    """A run that ends in plain text has neither answered nor handed over."""
    return GuardrailFunctionOutput(output_info=output, tripwire_triggered=not wrapper.context.ended())


def finish_when_ended(wrapper: RunContextWrapper[RunContext], _: list[FunctionToolResult]) -> ToolsToFinalOutputResult:
    """Stop after the tool that ended the work; a rejected call does not count."""
    ended = wrapper.context.ended()
    return ToolsToFinalOutputResult(is_final_output=ended, final_output="done" if ended else None)


@cache
def agent() -> Agent[RunContext]:
    """The assistant as the SDK knows it: shared by all runs and never changed."""
    return Agent(
        name="assistant",
        instructions=instructions,
        tools=list(TOOLS),
        tool_use_behavior=finish_when_ended,
        output_guardrails=[must_end],
        reset_tool_choice=False,
        model_settings=ModelSettings(
            tool_choice="required",
            parallel_tool_calls=False,
            max_tokens=1500,
            temperature=settings.OPENAI_TEMPERATURE,
            store=False,
        ),
    )


class CallRecord(RunHooks[RunContext]):
    """Keeps the model's own tool calls for the run's record."""

    def __init__(self) -> None:
        self._began = 0.0

    async def on_tool_start(self, context: Any, agent: Any, tool: Tool) -> None:
        self._began = time.monotonic()

    async def on_tool_end(self, context: Any, agent: Any, tool: Tool, result: object) -> None:
        timed(context.context, tool.name, context.tool_arguments, str(result), self._began)


async def prepare(context: RunContext) -> list[Any]:
    """Ticket, history and first search through the tools themselves; the model sees them as finished calls."""
    question = both_ends(context.question, QUESTION_CHARACTERS)
    items: list[Any] = [{"role": "user", "content": f"Subject: {context.subject}\n\n{question}"}]
    items += await call_tool(
        context, create_ticket, issue=context.subject, priority=context.priority, category=context.category
    )
    items += await call_tool(context, get_customer_history)
    items += await call_tool(context, search_knowledge_base, query=first_query(context), max_results=5, category=None)
    return items


async def call_tool(context: RunContext, tool: FunctionTool, **arguments: Any) -> list[dict[str, str]]:
    """Invoke one of our tools outside the model's turns: the call, and what came of it, as a model sees them."""
    began, call_id, written = time.monotonic(), f"call_{uuid.uuid4().hex[:12]}", json.dumps(arguments)
    wrapper = ToolContext(context=context, tool_name=tool.name, tool_call_id=call_id, tool_arguments=written)
    output = str(await tool.on_invoke_tool(wrapper, written))
    timed(context, tool.name, written, output, began)
    # The customer's words stand in the message: the model need not read them again as what was looked for.
    shown = {k: cut(v, SHOWN_ARGUMENT_CHARACTERS) if isinstance(v, str) else v for k, v in arguments.items()}
    return [
        {"type": "function_call", "call_id": call_id, "name": tool.name, "arguments": json.dumps(shown)},
        {"type": "function_call_output", "call_id": call_id, "output": output},
    ]


def asking(model: Model | None = None, *, until: float | None = None) -> Asking:
    """The configured model, or `model`, for one run that ends at `until` (the event loop's clock)."""
    return Asking(model or configured_model(), is_remote=bool(settings.OPENAI_API_KEY), until=until)


def spent(asked: Asking) -> Usage:
    """What a pass has cost so far, however it ended."""
    used = asked.usage
    return Usage(
        model=model_name(),
        model_calls=used.requests,
        input_tokens=used.input_tokens,
        cached_tokens=used.input_tokens_details.cached_tokens or 0,
        output_tokens=used.output_tokens,
        model_ms=round(asked.model_seconds * 1000),
    )


async def assist(context: RunContext, asked: Asking) -> None:
    """Let the assistant work until `context` holds its proposal.

    Raises one of MISBEHAVED when the model ends without one, what Asking raises, and others when it cannot be reached.
    """
    items = await prepare(context)
    await Runner.run(
        agent(),
        items,
        context=context,
        max_turns=MAX_TURNS,
        run_config=RunConfig(
            model=asked,
            tracing_disabled=True,
            tool_not_found_behavior="return_error_to_model",
            tool_execution=ToolExecutionConfig(max_function_tool_concurrency=1),
        ),
        hooks=CallRecord(),
    )
