"""One pass with scripted models: the order is code's, the ids are ours, and a misbehaving model ends with people."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from agents import Model
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from asgiref.sync import async_to_sync

from agent_runner.assistant import MAX_TURNS, MISBEHAVED, Usage, agent, asking, assist, model_name, spent
from agent_runner.context import RunContext
from agent_runner.tools import ENDINGS, TOOLS
from agent_runner.worker import open_run
from tests.factories import BEN, fresh, write
from tickets import work
from tickets.models import Message, Ticket
from tickets.reasons import Reason, Urgency

pytestmark = pytest.mark.django_db
PREPARED = ["create_ticket", "get_customer_history", "search_knowledge_base"]
SEND = {"message": "Choose it.", "citations": ["h1"], "sentiment": 0.5, "confidence": 0.9, "language": "en"}
number = iter(range(10**6))


def call(tool: str, /, **arguments: Any) -> Any:
    return function_call(tool, arguments, call_id=f"c{next(number)}")


def send(**changes: Any) -> Any:
    return call("send_response", **{**SEND, **changes})


def search(query: str = "password reset link") -> Any:
    return call("search_knowledge_base", query=query, max_results=3, category=None)


ESCALATE = {"reason": "legal", "urgency": "high"}


@pytest.fixture
def context(articles: None) -> RunContext:
    return context_of(write().ticket)


def context_of(ticket: Ticket) -> RunContext:
    claimed = work.claim(ticket.conversation_id)
    assert claimed is not None
    run = open_run(claimed)
    assert run is not None
    return run.context


def run(context: RunContext, *steps: Any) -> tuple[Usage, ScriptedModel]:
    model = ScriptedModel(steps)
    return async_to_sync(passed)(context, model), model


async def passed(context: RunContext, model: Model | None = None) -> Usage:
    """One pass of the assistant: what it cost."""
    asked = asking(model)
    await assist(context, asked)
    return spent(asked)


def tools_called(context: RunContext) -> list[str]:
    return [c["tool"] for c in context.calls]


# --- What the model sees -------------------------------------------------------------------------------------------


def test_the_five_tools_are_registered_by_their_names() -> None:
    assert [t.name for t in agent().tools] == [
        "create_ticket",
        "get_customer_history",
        "search_knowledge_base",
        "escalate_to_human",
        "send_response",
    ]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda t: t.name)
def test_no_tool_takes_an_id_or_the_context(tool: Any) -> None:
    schema = json.dumps(tool.params_json_schema)
    for word in (
        "ticket_id", "customer_id", "conversation_id", "message_id", "public_id", "channel", "recipient", "wrapper",
        "RunContext", "email", "phone", "address",
    ):  # fmt: skip
        assert word not in schema, word
    assert tool.params_json_schema["additionalProperties"] is False


def test_the_reasons_and_urgencies_are_ours() -> None:
    properties = next(t for t in TOOLS if t.name == "escalate_to_human").params_json_schema["properties"]
    assert properties["reason"]["enum"] == Reason.values
    assert properties["urgency"]["enum"] == Urgency.values


def test_the_model_begins_with_finished_steps_and_three_tools(context: RunContext) -> None:
    _, model = run(context, [send()])
    (seen,) = model.calls
    assert [i["name"] for i in seen.input if i.get("type") == "function_call"] == PREPARED
    assert [t.name for t in seen.tools] == ["search_knowledge_base", "escalate_to_human", "send_response"]
    assert seen.model_settings.tool_choice == "required"
    assert seen.model_settings.parallel_tool_calls is False
    assert seen.model_settings.store is False
    assert context.reference in (seen.system_instructions or "")


def test_the_model_never_sees_an_id_or_an_address(context: RunContext) -> None:
    _, model = run(context, [search()], [send()])
    ticket = Ticket.objects.get()
    for seen in model.calls:
        said = str(seen.system_instructions) + json.dumps(seen.input) + str([t.name for t in seen.tools])
        assert "ann@example.com" not in said
        assert str(ticket.public_id) not in said
        assert '"article_id"' not in said
        assert "chunk_id" not in said


def test_a_first_search_with_the_customers_words_is_shown(context: RunContext) -> None:
    _, model = run(context, [send()])
    searches = [i for i in model.calls[0].input if i.get("name") == "search_knowledge_base"]
    assert "How do I reset my password?" in json.loads(searches[0]["arguments"])["query"]
    output = [i for i in model.calls[0].input if i.get("call_id") == searches[0]["call_id"]][1]["output"]
    assert json.loads(output)[0]["id"] == "h1"
    assert context.hits["h1"].slug == "reset-your-password"


# --- Order ---------------------------------------------------------------------------------------------------------


def test_an_obedient_model_answers_in_one_round_trip(context: RunContext) -> None:
    usage, _ = run(context, [send()])
    assert usage.model_calls == 1
    assert tools_called(context) == [*PREPARED, "send_response"]
    assert context.draft is not None
    assert context.draft.message == "Choose it."
    assert not Message.objects.filter(direction="outbound").exists(), "a draft is not a message"


def test_a_second_search_is_possible_and_its_hits_keep_their_names(context: RunContext) -> None:
    usage, model = run(context, [search()], [send()])
    assert usage.model_calls == 2
    assert tools_called(context) == [*PREPARED, "search_knowledge_base", "send_response"]
    assert len({hit.chunk_id for hit in context.hits.values()}) == len(context.hits)
    assert "search_knowledge_base" not in [t.name for t in model.calls[1].tools]


SCRIPTS: dict[str, tuple[list[Any], list[str]]] = {
    "a third search is refused": (
        [lambda: [search()], lambda: [search("other words")], lambda: [send()]],
        [*PREPARED, "search_knowledge_base", "send_response"],
    ),
    "two searches in one turn": (
        [lambda: [search(), search("other words")], lambda: [send()]],
        [*PREPARED, "search_knowledge_base", "send_response"],
    ),
    "two answers in one turn": ([lambda: [send(), send(message="And another.")]], [*PREPARED, "send_response"]),
    "an answer and an escalation in one turn": (
        [lambda: [send(), call("escalate_to_human", **ESCALATE)]],
        [*PREPARED, "send_response"],
    ),
    "an escalation and an answer in one turn": (
        [lambda: [call("escalate_to_human", **ESCALATE), send()]],
        [*PREPARED, "escalate_to_human"],
    ),
    "the prepared steps again": (
        [
            lambda: [call("create_ticket", issue="x", priority="high", category=None)],
            lambda: [call("get_customer_history")],
            lambda: [send()],
        ],
        [*PREPARED, "send_response"],
    ),
    "an unknown tool": (
        [lambda: [call("refund_customer", amount=100)], lambda: [send()]],
        [*PREPARED, "send_response"],
    ),
    "arguments that do not fit": (
        [lambda: [send(confidence=7)], lambda: [send(citations="h1")], lambda: [send()]],
        [*PREPARED, "send_response"],
    ),
    "arguments that are no JSON": (
        [lambda: [function_call("send_response", "{", call_id="x1")], lambda: [send()]],
        [*PREPARED, "send_response"],
    ),
    "nine calls in one turn": (
        [lambda: [send(message=f"Answer {n}.") for n in range(9)]],
        [*PREPARED, "send_response"],
    ),
}


@pytest.mark.parametrize(("steps", "expected"), SCRIPTS.values(), ids=SCRIPTS.keys())
def test_the_order_holds_against_a_model_that_does_not(
    steps: list[Callable[[], Any]], expected: list[str], context: RunContext
) -> None:
    _, model = run(context, *(step() for step in steps))
    assert context.done == expected
    assert sum(name in ENDINGS for name in context.done) == 1
    assert context.draft is None or context.draft.message in {"Choose it.", "Answer 0."}
    model.assert_complete()
    assert Ticket.objects.get().priority == "medium", "the prepared step is not repeated with the model's values"


def test_foreign_ids_in_arguments_reach_nothing(context: RunContext) -> None:
    other = write(**BEN, message="A secret of Ben's.").ticket
    _, model = run(
        context,
        [send(ticket_id=other.pk, customer_id=other.conversation.customer_id, channel="email")],
        [call("get_customer_history", customer_id=other.conversation.customer_id)],
        [send()],
    )
    assert "secret" not in json.dumps([c.input for c in model.calls])
    assert context.ticket_id != other.pk
    assert fresh(other).issue == ""


ENDLESS: dict[str, list[Any]] = {
    "text only": [[assistant_message("Your password is hunter2.")]],
    "empty output": [[]],
    "a search and then text": [lambda: [search()], [assistant_message("Sure!")]],
    "unknown tools for ever": [lambda: [call("nothing")]] * MAX_TURNS,
    "searches for ever": [lambda: [search()]] * MAX_TURNS,
    "fifty calls in one turn": [lambda: [send(message=f"Answer {n}.") for n in range(50)]],
}


@pytest.mark.parametrize("steps", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_model_that_does_not_end_properly_raises_and_proposes_nothing(steps: list[Any], context: RunContext) -> None:
    with pytest.raises(MISBEHAVED):
        run(context, *(step() if callable(step) else step for step in steps))
    assert not context.ended()


def test_a_provider_that_is_away_raises_its_own_error(context: RunContext) -> None:
    with pytest.raises(ConnectionError):
        run(context, ModelStep.raise_error(ConnectionError("away")))
    assert not context.ended()


def test_a_tool_that_fails_says_so_without_its_error(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("password of the database: hunter2")

    monkeypatch.setattr("agent_runner.tools.search", fails)
    _, model = run(context, [call("escalate_to_human", reason="tool_failure", urgency="normal")])
    said = json.dumps(model.calls[0].input)
    assert "hunter2" not in said
    assert "This tool failed" in said


def test_create_ticket_fills_the_ticket_that_intake_opened(context: RunContext) -> None:
    run(context, [send()])
    ticket = Ticket.objects.get()
    assert ticket.issue == ticket.subject
    assert (ticket.priority, ticket.category) == (context.priority, context.category)


def test_without_a_key_the_local_model_answers(context: RunContext) -> None:
    usage = async_to_sync(passed)(context)
    assert usage.model == model_name() == "local-quotes-1"
    assert usage.model_calls == 1
    assert context.draft is not None
    assert context.draft.citations == ("h1",)
    assert isinstance(ScriptedModel(), Model)
