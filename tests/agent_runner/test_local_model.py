"""The model that needs no key: it quotes what was found, or hands over."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from agent_runner.local_model import LocalModel
from agent_runner.triggers import find_trigger


def hit(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"h{number}", "title": "T", "section": "S", "passage": f"Passage {number}.",
        "similarity": 0.8, "confidence": 0.7, **changes,
    }  # fmt: skip


def search(output: Any, call_id: str = "c1") -> list[dict[str, Any]]:
    written = output if isinstance(output, str) else json.dumps(output)
    return [
        {"type": "function_call", "call_id": call_id, "name": "search_knowledge_base", "arguments": "{}"},
        {"type": "function_call_output", "call_id": call_id, "output": written},
    ]


def decided(items: list[Any]) -> tuple[str, dict[str, Any]]:
    call = LocalModel().decide(items)
    return call.name, json.loads(call.arguments)


def test_it_quotes_the_best_passage_word_for_word_and_cites_it() -> None:
    name, said = decided(search([hit(1), hit(2, confidence=0.1)]))
    assert name == "send_response"
    assert (said["message"], said["citations"], said["language"]) == ("Passage 1.", ["h1"], "en")
    assert said["confidence"] == 0.7


@pytest.mark.parametrize(
    "output",
    ["Nothing was found.", [], "not json", "{}", "7", [hit(confidence=0.0)], "This tool failed."],
)
def test_without_something_near_it_hands_over(output: Any) -> None:
    assert decided(search(output)) == ("escalate_to_human", {"reason": "missing_knowledge", "urgency": "normal"})


def test_without_a_search_it_hands_over() -> None:
    assert decided([])[0] == "escalate_to_human"
    assert decided([{"role": "user", "content": "Hello"}])[0] == "escalate_to_human"


def test_the_newest_search_counts_and_other_tools_do_not() -> None:
    history = [
        {"type": "function_call", "call_id": "c9", "name": "get_customer_history", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c9", "output": json.dumps([hit(9)])},
    ]
    _, said = decided([*search([hit(1)]), *search([hit(2)], "c2"), *history])
    assert said["citations"] == ["h2"]


def test_call_ids_are_unique() -> None:
    calls = [LocalModel().decide([]) for _ in range(50)]
    assert len({c.call_id for c in calls}) == len({c.id for c in calls}) == 50


def test_it_speaks_the_sdks_interface() -> None:
    model = LocalModel()
    response = async_to_sync(model.get_response)("instructions", search([hit()]), None, [], None, [], None)
    assert response.output[0].name == "send_response"
    assert response.usage.requests == 1

    async def streamed() -> list[Any]:
        return [event async for event in model.stream_response("instructions", search([hit()]))]

    (event,) = async_to_sync(streamed)()
    assert event.response.output[0].name == "send_response"
    assert find_trigger("Passage 1.") is None
