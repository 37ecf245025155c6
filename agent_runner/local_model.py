"""The assistant without a key: an SDK Model that decides by rules and only ever quotes what the search found."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelResponse, Usage
from openai.types.responses import Response, ResponseCompletedEvent, ResponseFunctionToolCall

LOCAL_MODEL_NAME = "local-quotes-1"


class LocalModel(Model):
    """Stateless: everything it decides on is in the input."""

    def decide(self, items: list[Any]) -> ResponseFunctionToolCall:
        """One tool call: quote the best passage, as sure as the search is, or hand over when that knows nothing."""
        hits = _last_search(items)
        if not hits or not hits[0]["confidence"]:
            return _call("escalate_to_human", reason="missing_knowledge", urgency="normal")
        return _call(
            "send_response",
            message=hits[0]["passage"],
            citations=[hits[0]["id"]],
            sentiment=0.5,
            confidence=hits[0]["confidence"],
            language="en",
        )

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        items = input if isinstance(input, list) else []
        return ModelResponse(output=[self.decide(items)], response_id=None, usage=Usage(requests=1))

    async def stream_response(
        self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any
    ) -> AsyncIterator[Any]:
        output = (await self.get_response(system_instructions, input)).output
        response = Response(
            id="local",
            created_at=0,
            model=LOCAL_MODEL_NAME,
            object="response",
            output=output,
            parallel_tool_calls=False,
            tool_choice="auto",
            tools=[],
        )
        yield ResponseCompletedEvent(type="response.completed", sequence_number=0, response=response)


def _call(name: str, **arguments: Any) -> ResponseFunctionToolCall:
    mark = uuid.uuid4().hex
    return ResponseFunctionToolCall(
        type="function_call",
        id=f"fc_{mark}",
        call_id=f"call_{mark}",
        name=name,
        arguments=json.dumps(arguments),
    )


def _last_search(items: list[Any]) -> list[dict[str, Any]]:
    """The hits of the newest search among the finished tool calls."""
    searches = {i["call_id"] for i in items if i.get("name") == "search_knowledge_base"}
    for item in reversed(items):
        if item.get("type") == "function_call_output" and item["call_id"] in searches:
            try:
                found = json.loads(item["output"])
            except ValueError:
                return []
            return found if isinstance(found, list) else []
    return []
