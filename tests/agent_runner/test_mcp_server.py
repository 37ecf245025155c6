"""The tools over MCP, through a real client: the same order, the same gate, and what is sent is a draft for staff."""

import asyncio
import json
import sys
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from mcp import Client, StdioServerParameters

from agent_runner.mcp_server import server
from fte_project.events import Channel
from tests.factories import fresh, sample_articles, write
from tests.processes import BASE, Processes, processes
from tickets.escalations import claim
from tickets.lifecycle import Handler, Status
from tickets.models import Delivery, Message, Ticket
from tickets.replies import reply

__all__ = ["processes"]
pytestmark = pytest.mark.django_db
FIVE = ["create_ticket", "get_customer_history", "search_knowledge_base", "escalate_to_human", "send_response"]
SEND = {
    "message": "Choose Forgot password? on the sign-in page.",
    "citations": ["h1"],
    "sentiment": 0.5,
    "confidence": 0.9,
    "language": "en",
}


def call(*steps: tuple[str, dict[str, Any]]) -> list[tuple[bool, str]]:
    """Call the tools one after the other in one session: whether each failed, and what it said."""

    async def session() -> list[tuple[bool, str]]:
        said = []
        async with Client(server()) as client:
            for name, arguments in steps:
                result = await client.call_tool(name, arguments)
                text = result.content[0].text.removeprefix(f"Error executing tool {name}: ")
                said.append((bool(result.is_error), text))
        return said

    return async_to_sync(session)()


@pytest.fixture
def ticket(articles: None) -> Ticket:
    return write().ticket


def prepared(ticket: Ticket) -> list[tuple[str, dict[str, Any]]]:
    search = {"ticket": ticket.reference, "query": "How do I reset my password?"}
    return [("get_customer_history", {"ticket": ticket.reference}), ("search_knowledge_base", search)]


def test_the_five_tools_are_offered_with_our_channels() -> None:
    async def tools() -> Any:
        async with Client(server()) as client:
            return (await client.list_tools()).tools

    offered = async_to_sync(tools)()
    assert [tool.name for tool in offered] == FIVE
    assert Channel.WHATSAPP.value in json.dumps(offered[0].input_schema)


def test_an_answer_becomes_a_draft_for_staff_and_the_customer_hears_that_a_person_will_answer(ticket: Ticket) -> None:
    said = call(*prepared(ticket), ("send_response", {"ticket": ticket.reference, **SEND}))
    assert not any(failed for failed, _ in said)
    assert said[-1][1].startswith(f"A draft for staff on {ticket.reference}. The gate says: ")
    escalation = fresh(ticket).escalations.get()
    assert escalation.draft == SEND["message"]
    assert escalation.draft_sources[0]["slug"] == "reset-your-password"
    (text,) = Message.objects.filter(ticket=ticket, direction=Message.Direction.OUTBOUND)
    assert text.kind == Message.Kind.HAND_OVER
    assert SEND["message"] not in text.body


def test_what_the_gate_finds_stands_beside_the_draft(ticket: Ticket) -> None:
    promise = {"ticket": ticket.reference, **SEND, "message": "We will refund you $20."}
    said = call(*prepared(ticket), ("send_response", promise))
    assert "The gate says: draft" in said[-1][1]
    assert "a price: $2" in fresh(ticket).escalations.get().detail


def test_the_order_is_kept_and_said_in_a_sentence(ticket: Ticket) -> None:
    assert call(("send_response", {"ticket": ticket.reference, **SEND})) == [(True, "Call get_customer_history first.")]
    again = {"ticket": ticket.reference, "query": "password"}
    said = call(*prepared(ticket), ("search_knowledge_base", again), ("search_knowledge_base", again))
    assert said[-1] == (True, "Two searches were made; answer from their passages or hand over.")
    assert not fresh(ticket).escalations.exists()


def test_a_hand_over_stores_the_one_text_and_a_second_one_none(ticket: Ticket) -> None:
    legal = ("escalate_to_human", {"ticket": ticket.reference, "reason": "legal", "urgency": "high"})
    assert call(legal, legal) == [(False, "A person will answer.")] * 2
    assert fresh(ticket).escalations.get().reason == "legal"
    assert Delivery.objects.filter(reply__ticket=ticket, channel=ticket.channel).count() == 1


def test_a_second_draft_takes_the_place_of_the_first_and_the_customer_hears_nothing_more(ticket: Ticket) -> None:
    call(*prepared(ticket), ("send_response", {"ticket": ticket.reference, **SEND}))
    better = {"ticket": ticket.reference, **SEND, "message": "Choose it there."}
    call(*prepared(ticket), ("send_response", better))
    assert fresh(ticket).escalations.get().draft == "Choose it there."
    assert Message.objects.filter(ticket=ticket, direction=Message.Direction.OUTBOUND).count() == 1


def test_what_a_person_holds_is_left_to_them(ticket: Ticket, sam: Any) -> None:
    claim(ticket, sam)
    said = call(*prepared(ticket), ("send_response", {"ticket": ticket.reference, **SEND}))
    assert said[-1][0]
    assert "who answers" in said[-1][1]
    assert call(("escalate_to_human", {"ticket": ticket.reference, "reason": "legal"}))[0][0]
    assert (fresh(ticket).handler, fresh(ticket).assignee) == (Handler.STAFF, sam)


def test_what_is_answered_is_not_drafted_again(ticket: Ticket) -> None:
    ticket.messages.update(answered_by=reply(ticket, body="Choose it.", answers=[]))
    said = call(*prepared(ticket), ("send_response", {"ticket": ticket.reference, **SEND}))
    assert said[-1] == (True, f"Everything on {ticket.reference} is answered.")
    assert not fresh(ticket).escalations.exists()


def test_a_ticket_is_found_or_opened_where_the_customer_has_written(ticket: Ticket) -> None:
    customer = ticket.conversation.customer_id
    wanted = {"customer_id": customer, "channel": "web_form", "issue": "The link never comes", "priority": "high"}
    assert call(("create_ticket", wanted)) == [(False, f"Ticket {ticket.reference}.")]
    assert (fresh(ticket).issue, fresh(ticket).priority) == ("The link never comes", "high")

    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED)
    ((failed, said),) = call(("create_ticket", wanted))
    opened = Ticket.objects.latest("id")
    assert (failed, said) == (False, f"Ticket {opened.reference}.")
    assert opened.conversation_id == ticket.conversation_id != opened.pk
    nowhere = call(("create_ticket", {**wanted, "channel": "whatsapp"}))
    assert nowhere == [(True, f"No customer {customer} has written on WhatsApp: there is nowhere to answer.")]


@pytest.mark.parametrize("reference", ["T-999999", "ticket", "", "T-1000 OR 1=1"])
def test_an_unknown_ticket_is_said_to_be_unknown(db: None, reference: str) -> None:
    assert call(("get_customer_history", {"ticket": reference})) == [(True, f"There is no ticket {reference}.")]


def test_bad_arguments_are_explained(ticket: Ticket) -> None:
    ((failed, said),) = call(("escalate_to_human", {"ticket": ticket.reference, "reason": "because"}))
    assert failed
    assert "missing_knowledge" in said  # one of the reasons there are
    assert "Traceback" not in said


def test_the_command_speaks_it_over_stdio(processes: Processes) -> None:
    """As the assistant's database user, which may do all that the tools do."""
    sample_articles()
    closed = write().ticket
    Ticket.objects.filter(pk=closed.pk).update(status=Status.CLOSED)
    ticket = f"T-{int(closed.reference[2:]) + 1}"
    wanted = {"customer_id": closed.conversation.customer_id, "channel": "web_form", "issue": "A new password"}

    async def session() -> list[str]:
        where = StdioServerParameters(
            command=sys.executable, args=["manage.py", "mcp_server"], cwd=BASE, env=processes.env
        )
        async with Client(where) as client:
            steps = [
                ("create_ticket", wanted),
                ("get_customer_history", {"ticket": ticket}),
                ("search_knowledge_base", {"ticket": ticket, "query": "How do I reset my password?"}),
                ("send_response", {"ticket": ticket, **SEND}),
            ]
            return [(await client.call_tool(*step)).content[0].text for step in steps]

    opened, _, found, drafted = asyncio.run(session())
    assert opened == f"Ticket {ticket}."
    assert json.loads(found)[0]["title"] == "Reset your password"
    assert drafted.startswith(f"A draft for staff on {ticket}.")
