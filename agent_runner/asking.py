"""How one run asks its model: measured, and, with a provider, at the common pace, a few times at most, and in time."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx2
from agents import Model, ModelBehaviorError, ModelResponse, Usage
from django.conf import settings

from agent_runner import provider
from agent_runner.faults import Fault, Rejected, fault_of, named_seconds, pace_in, problem_of
from agent_runner.provider import NotYet, Turn, Unreachable
from fte_project.db import unit_of_work

MAX_TOOL_CALLS = 12  # of a run, with the prepared ones
PREPARED_CALLS = 3
TRIES = 3
PATIENCE_SECONDS = 3.0  # a run that has not begun holds its place for so long; then others may
PATIENCE_WITHIN_SECONDS = 20.0  # what was asked already is paid for
USUAL_OUTPUT_TOKENS = 150
CHARACTERS_A_TOKEN = 4
USUAL_COST = 2500.0  # tokens of a request that is not written yet


@dataclass(kw_only=True)
class Heard:
    """The last HTTP response of this run: its headers, and the usage that its body names."""

    headers: dict[str, str] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)


_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


async def hear(response: httpx2.Response) -> None:
    """A hook of the HTTP client: keeps what the SDK does not give, also of an answer that it cannot use."""
    heard = _heard.get()
    if heard is None:
        return
    heard.headers = {name.lower(): value for name, value in response.headers.items()}
    try:
        usage = json.loads(await response.aread()).get("usage")
    except (ValueError, AttributeError):
        usage = None
    heard.usage = usage if isinstance(usage, dict) else {}


class Asking(Model):
    """The model for one run. Raises NotYet, Unreachable or Rejected beside what the model itself raises."""

    def __init__(self, model: Model, *, is_remote: bool, until: float | None = None) -> None:
        self._model, self._is_remote = model, is_remote
        self._until = until if until is not None else asyncio.get_running_loop().time() + settings.RUN_DEADLINE_SECONDS
        self._tool_calls = PREPARED_CALLS
        self.usage = Usage()
        self.model_seconds = 0.0

    async def check(self) -> None:
        """Before anything is prepared: whether there is a point in it now. Raises NotYet or Unreachable."""
        if self._is_remote:
            await unit_of_work(provider.check)(USUAL_COST, PATIENCE_SECONDS)

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        response = await (self._politely if self._is_remote else self._once)(*args, **kwargs)
        self._tool_calls += sum(1 for item in response.output if getattr(item, "type", "") == "function_call")
        if self._tool_calls > MAX_TOOL_CALLS:
            raise ModelBehaviorError(f"The model wants more than {MAX_TOOL_CALLS} tool calls.")
        return response

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        return self._model.stream_response(*args, **kwargs)  # no run of ours is streamed

    async def _politely(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """Wait for a turn, ask, and tell all workers what came of it; again after what may pass."""
        cost = estimated(kwargs)
        fault = None
        for number in range(1, TRIES + 1):
            turn = await self._turn(cost, was_refused=fault is Fault.BUSY)
            try:
                response = await self._in_time(*args, **kwargs)
            except Exception as error:
                fault = fault_of(error)
                if fault is Fault.MODEL:
                    await self._answered(cost)
                    raise
                await self._after(fault, error, turn, cost, is_last=number == TRIES)
            else:
                await self._answered(cost)
                return response
        await self._turn(cost, was_refused=True)  # mostly raises: we have just been refused
        raise NotYet(PATIENCE_SECONDS, 0.0, is_refusal=True)

    async def _turn(self, cost: float, *, was_refused: bool) -> Turn:
        patience = PATIENCE_WITHIN_SECONDS if self.usage.requests else PATIENCE_SECONDS
        patience = min(patience, self._seconds_left())
        while True:
            try:
                turn = await unit_of_work(provider.ask)(cost, patience)
            except NotYet as error:
                error.is_refusal = was_refused
                raise
            await asyncio.sleep(turn.seconds)
            if not turn.seconds or not await unit_of_work(provider.is_closed)():
                return turn

    async def _after(self, fault: Fault, error: Exception, turn: Turn, cost: float, *, is_last: bool) -> None:
        """Tell all workers of the fault. Returns when the same may be asked again."""
        problem = problem_of(error)
        match fault:
            case Fault.BUSY:
                headers = self._headers()
                await unit_of_work(provider.refused)(turn, cost, named_seconds(headers), pace_in(headers, cost))
            case Fault.SETUP:
                await unit_of_work(provider.failed)(problem, at_once=True)
                raise Unreachable(problem) from error
            case Fault.REJECTED:
                await self._answered(cost)
                raise Rejected(f"the provider refuses this request: {problem}") from error
            case _:
                wait = random.uniform(0.5, 1.5)  # noqa: S311 (jitter)
                if is_last or turn.is_probe or self._seconds_left() < wait + settings.OPENAI_TIMEOUT_SECONDS:
                    await unit_of_work(provider.failed)(problem)
                    raise error
                await asyncio.sleep(wait)

    async def _answered(self, cost: float) -> None:
        await unit_of_work(provider.answered)(cost, pace_in(self._headers(), cost))

    async def _in_time(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """Ask once; what the provider does not say before the run must end was not said."""
        async with asyncio.timeout(min(settings.OPENAI_TIMEOUT_SECONDS, max(0.1, self._seconds_left()))):
            return await self._once(*args, **kwargs)

    def _seconds_left(self) -> float:
        """A second is kept for storing what came of it."""
        return max(0.0, self._until - 1 - asyncio.get_running_loop().time())

    async def _once(self, *args: Any, **kwargs: Any) -> ModelResponse:
        heard = Heard()
        _heard.set(heard)
        began = time.monotonic()
        try:
            response = await self._model.get_response(*args, **kwargs)
        except Exception:
            self.usage.add(usage_of(heard.usage))
            raise
        finally:
            self.model_seconds += time.monotonic() - began
        self.usage.add(response.usage)
        return response

    def _headers(self) -> dict[str, str]:
        heard = _heard.get()
        return heard.headers if heard else {}


def usage_of(written: dict[str, Any]) -> Usage:
    """The usage in a response that could not be used, of either kind of API; empty when it names none."""
    read = int(written.get("input_tokens") or written.get("prompt_tokens") or 0)
    wrote = int(written.get("output_tokens") or written.get("completion_tokens") or 0)
    return Usage(requests=1 if written else 0, input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)


def estimated(asked: dict[str, Any]) -> float:
    """About how many tokens a request costs: what is sent, and a usual answer."""
    tools = [[tool.name, tool.description, tool.params_json_schema] for tool in asked["tools"]]
    sent = json.dumps([asked["system_instructions"], asked["input"], tools], ensure_ascii=False, default=str)
    return len(sent) / CHARACTERS_A_TOKEN + USUAL_OUTPUT_TOKENS
