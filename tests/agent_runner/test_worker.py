"""A conversation answered from claim to stored reply, by models that behave and by models that do not."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from agents.testing import ModelStep, assistant_message, function_call
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db.models.functions import Now

from agent_runner.models import AgentRun
from agent_runner.worker import _store, answer, open_run, record_discarded, think
from channels_app.web_form.parsing import FollowUpIn, follow_up
from fte_project.models import DeadLetter, OutboxEvent
from tests.agent_runner.conftest import Script
from tests.factories import PRICES, fresh, write
from tickets import escalations
from tickets.intake import receive
from tickets.lifecycle import Handler, Status
from tickets.models import Conversation, Delivery, Escalation, Message, Ticket
from tickets.replies import reply
from tickets.work import claim, finish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("articles")]
PREPARED = ["create_ticket", "get_customer_history", "search_knowledge_base"]
number = iter(range(10**6))


@pytest.fixture
def ticket() -> Ticket:
    return write().ticket


def call(tool: str, /, **arguments: Any) -> Any:
    return function_call(tool, arguments, call_id=f"c{next(number)}")


def quote(seen: Any, **changes: Any) -> list[Any]:
    """An obedient answer: the best passage, word for word."""
    import json

    outputs = [i["output"] for i in seen.input if i.get("type") == "function_call_output"]
    hits = next(json.loads(o) for o in reversed(outputs) if o.startswith("["))
    values = {"message": hits[0]["passage"], "citations": [hits[0]["id"]], "sentiment": 0.5, "confidence": 0.9}
    return [call("send_response", **{**values, "language": "en", **changes})]


OBEDIENT = ModelStep.respond(quote)


def run(ticket: Ticket) -> None:
    async_to_sync(answer)(ticket.conversation_id)


def said(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").values_list("kind", flat=True))


def another(ticket: Ticket, text: str) -> Message:
    return receive(follow_up(FollowUpIn(message=text), ticket, key=text), about=ticket).message


def meanwhile(act: Callable[[], Any], then: Callable[..., list[Any]] = quote) -> ModelStep:
    """The model thinks, and while it does, this happens."""

    async def think(seen: Any) -> list[Any]:
        await sync_to_async(act)()
        return then(seen)

    return ModelStep.respond(think)


def idle(ticket: Ticket) -> bool:
    row = Conversation.objects.get(pk=ticket.conversation_id)
    return (row.work_due_at, row.lease_token, row.attempts) == (None, None, 0)


# --- Good ends -----------------------------------------------------------------------------------------------------


def test_an_obedient_model_answers_with_its_source(ticket: Ticket, script: Script) -> None:
    script(OBEDIENT)
    run(ticket)
    text = ticket.messages.get(kind="answer")
    assert text.body.startswith("Hello Ann,")
    assert text.sources[0]["slug"] == "reset-your-password"
    assert text.sources[0]["passage"] in text.body
    assert text.sources[0]["url"].startswith(django_settings.PUBLIC_BASE_URL)
    assert ticket.messages.get(direction="inbound").answered_by == text
    assert fresh(ticket).status == Status.PENDING
    assert idle(ticket)
    record = AgentRun.objects.get()
    assert (record.outcome, record.verdict, record.reply, record.model_calls) == ("stored", "answer", text, 1)
    assert [c["tool"] for c in record.calls] == [*PREPARED, "send_response"]
    assert list(record.inputs.all()) == [ticket.messages.get(direction="inbound")]
    assert OutboxEvent.objects.get(topic="fte.metrics").payload["run_id"] == record.pk


def test_an_answered_conversation_is_not_answered_again(ticket: Ticket, script: Script) -> None:
    model = script(OBEDIENT)
    for _ in range(3):
        run(ticket)
    assert said(ticket) == ["answer"]
    assert len(model.calls) == 1


@pytest.mark.parametrize(
    ("changes", "kind", "reason", "has_draft"),
    [
        ({"confidence": 0.3}, "suggestion", "low_confidence", True),
        ({"confidence": 0.0}, "suggestion", "low_confidence", True),
        ({"sentiment": 0.1}, "hand_over", "negative_sentiment", False),
        ({"message": "We will refund you $50."}, "hand_over", "policy", True),
        ({"message": "Our servers stand in Iceland near volcanoes."}, "hand_over", "low_confidence", True),
        ({"language": "de"}, "hand_over", "low_confidence", True),
        ({"citations": []}, "hand_over", "missing_knowledge", False),
        ({"citations": ["h99"]}, "hand_over", "missing_knowledge", False),
    ],
)
def test_what_the_gate_stops_goes_to_people_with_one_text(
    changes: dict[str, Any], kind: str, reason: str, has_draft: bool, ticket: Ticket, script: Script
) -> None:
    script(ModelStep.respond(lambda seen: quote(seen, **changes)))
    run(ticket)
    escalation = Escalation.objects.get()
    assert said(ticket) == [kind]
    assert (escalation.reason, bool(escalation.draft)) == (reason, has_draft)
    assert (fresh(ticket).status, fresh(ticket).handler) == (Status.ESCALATED, Handler.NOBODY)
    if "message" in changes:
        assert changes["message"] not in ticket.messages.get(direction="outbound").body
        assert escalation.draft == changes["message"]
    record = AgentRun.objects.get()
    assert (record.outcome, record.reason) == ("stored", reason)
    assert record.reply == ticket.messages.get(direction="outbound")


def test_a_suggestion_names_at_most_three_articles(ticket: Ticket, script: Script) -> None:
    script(ModelStep.respond(lambda seen: quote(seen, confidence=0.3)))
    run(ticket)
    text = ticket.messages.get(kind="suggestion")
    assert 1 <= len(text.sources) <= 3
    assert text.sources[0]["slug"] == "reset-your-password"
    assert all(s["passage"] is None and s["url"] in text.body for s in text.sources)


def test_the_models_own_wish_to_hand_over_is_followed(ticket: Ticket, script: Script) -> None:
    script([call("escalate_to_human", reason="security", urgency="critical")])
    run(ticket)
    escalation = Escalation.objects.get()
    assert (escalation.reason, escalation.urgency) == ("security", "critical")
    assert said(ticket) == ["hand_over"]


def test_a_trigger_hands_over_without_asking_any_model(script: Script) -> None:
    model = script()
    ticket = write(**PRICES).ticket
    run(ticket)
    assert Escalation.objects.get().reason == "pricing_inquiry"
    assert model.calls == ()
    record = AgentRun.objects.get()
    assert (record.verdict, record.model_calls, record.calls) == ("hand_over", 0, [])


def test_the_subject_triggers_only_while_it_still_speaks_for_the_ticket(script: Script, sam: User) -> None:
    ticket = write(**PRICES).ticket
    run(ticket)
    escalations.claim(ticket, sam)
    another(ticket, "Thanks. And how do I reset my password?")
    escalations.hand_back(ticket, sam)
    script(OBEDIENT)
    run(ticket)
    assert said(ticket) == ["hand_over", "answer"]


# --- Bad ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [
        lambda: [[assistant_message("Your password is hunter2.")]],
        lambda: [[call("search_knowledge_base", query="x", max_results=1, category=None)] for _ in range(9)],
        lambda: [[call("no_such_tool")] for _ in range(9)],
        lambda: [[call("send_response", message="x")] for _ in range(9)],
    ],
    ids=["text only", "search loop", "unknown tools", "wrong arguments for ever"],
)
def test_a_model_that_misbehaves_ends_with_people_at_once(
    steps: Callable[[], list[Any]], ticket: Ticket, script: Script
) -> None:
    script(*steps())
    run(ticket)
    assert Escalation.objects.get().reason == "tool_failure"
    assert said(ticket) == ["hand_over"]
    assert idle(ticket)
    assert "hunter2" not in ticket.messages.get(direction="outbound").body
    record = AgentRun.objects.get()
    assert (record.outcome, record.verdict) == ("stored", "hand_over")
    assert record.error
    run(ticket)
    assert Escalation.objects.count() == 1


@pytest.mark.parametrize(
    "steps",
    [
        lambda: [ModelStep.respond(lambda seen: quote(seen) + quote(seen, message="And another."))],
        lambda: [
            ModelStep.respond(lambda seen: [*quote(seen), call("escalate_to_human", reason="legal", urgency="low")])
        ],
        lambda: [[call("create_ticket", issue="x", priority="high", category=None)], OBEDIENT],
        lambda: [[call("search_knowledge_base", query="password", max_results=2, category=None)], OBEDIENT],
        lambda: [[call("no_such_tool")], OBEDIENT],
    ],
    ids=["two answers", "answer, then escalation", "ticket again", "second search", "unknown tool first"],
)
def test_each_message_gets_exactly_one_reply(steps: Callable[[], list[Any]], ticket: Ticket, script: Script) -> None:
    script(*steps())
    run(ticket)
    assert said(ticket) == ["answer"]
    assert Delivery.objects.filter(channel="email").count() == 1
    assert not Escalation.objects.exists()
    assert Ticket.objects.get().priority == "medium"


def test_a_provider_that_is_away_is_tried_again_and_then_works(ticket: Ticket, script: Script) -> None:
    script(ModelStep.raise_error(ConnectionError("away")), OBEDIENT)
    run(ticket)
    row = Conversation.objects.get()
    assert (said(ticket), row.attempts, row.lease_token) == ([], 1, None)
    assert row.work_due_at is not None
    run(ticket)
    assert said(ticket) == [], "it is not due yet"
    Conversation.objects.update(work_due_at=Now())
    run(ticket)
    assert said(ticket) == ["answer"]
    failed, stored = AgentRun.objects.order_by("id")
    assert (failed.outcome, failed.attempt, failed.verdict, failed.reply) == ("failed", 1, "", None)
    assert "away" in failed.error
    assert (stored.outcome, stored.attempt) == ("stored", 2)


def test_b11_a_provider_that_stays_away_ends_in_a_dead_letter_and_one_text(ticket: Ticket, script: Script) -> None:
    other = write(email="ben@example.com").ticket
    script(*[ModelStep.raise_error(ConnectionError("away"))] * django_settings.MAX_ATTEMPTS, OBEDIENT)
    for _ in range(django_settings.MAX_ATTEMPTS + 2):
        Conversation.objects.filter(pk=ticket.conversation_id, work_due_at__isnull=False).update(work_due_at=Now())
        run(ticket)
    assert said(ticket) == ["hand_over"]
    assert Escalation.objects.get().reason == "processing_error"
    assert "away" in DeadLetter.objects.get().error
    assert idle(ticket)
    run(other)
    assert said(other) == ["answer"], "others are not affected"


def test_b7_a_run_that_takes_too_long_is_cut_and_tried_again(ticket: Ticket, script: Script, settings: Any) -> None:
    import asyncio

    settings.RUN_DEADLINE_SECONDS = 0.3

    async def hang(_: Any) -> list[Any]:
        await asyncio.Event().wait()
        return []

    script(ModelStep.respond(hang))
    run(ticket)
    row = Conversation.objects.get()
    assert (row.attempts, row.lease_token, said(ticket)) == (1, None, [])
    kept = AgentRun.objects.get()
    assert (kept.outcome, kept.error) == ("failed", "TimeoutError()")


# --- Meanwhile -----------------------------------------------------------------------------------------------------


def test_a_message_that_comes_while_thinking_is_answered_together(ticket: Ticket, script: Script) -> None:
    model = script(meanwhile(lambda: another(ticket, "I use the mobile app, by the way.")), OBEDIENT)
    run(ticket)
    text = ticket.messages.get(direction="outbound")
    assert text.answers.count() == 2
    assert "mobile app" in str(model.calls[1].input[0]["content"])
    assert [(r.outcome, r.inputs.count()) for r in AgentRun.objects.order_by("id")] == [
        ("newer_message", 1),
        ("stored", 2),
    ]
    assert idle(ticket)


def test_after_two_more_messages_what_was_read_is_answered_and_the_rest_next(ticket: Ticket, script: Script) -> None:
    script(*(meanwhile(lambda n=n: another(ticket, f"More {n}.")) for n in range(3)), OBEDIENT)
    run(ticket)
    first = ticket.messages.get(direction="outbound")
    assert sorted(first.answers.values_list("body", flat=True))[1:] == ["More 0.", "More 1."]
    assert Conversation.objects.all().due().exists()
    run(ticket)
    second = ticket.messages.filter(direction="outbound").last()
    assert list(second.answers.values_list("body", flat=True)) == ["More 2."]
    assert [r.outcome for r in AgentRun.objects.order_by("id")] == [
        "newer_message",
        "newer_message",
        "stored",
        "stored",
    ]


@pytest.mark.parametrize("how", ["reply", "claim", "resolve", "claim and hand back"])
def test_an_answer_that_people_overtook_is_discarded_and_recorded(
    how: str, ticket: Ticket, script: Script, sam: User
) -> None:
    def people() -> None:
        match how:
            case "reply":
                reply(ticket, body="Sam here.", staff=sam)
            case "resolve":
                escalations.resolve(ticket, sam)
            case _:
                escalations.claim(ticket, sam)
        if how == "claim and hand back":
            escalations.hand_back(ticket, sam)

    script(meanwhile(people), OBEDIENT)
    run(ticket)
    assert said(ticket) == (["message"] if how == "reply" else [])
    record = AgentRun.objects.get()
    assert (record.outcome, record.verdict, record.reply) == ("taken_over", "answer", None)
    assert record.draft
    assert not Escalation.objects.exists()
    run(ticket)
    if how == "claim and hand back":
        assert said(ticket) == ["answer"], "what was handed back is answered"
    else:
        assert AgentRun.objects.count() == 1
        assert idle(ticket)


def test_a_worker_that_lost_its_lease_stores_nothing(ticket: Ticket, script: Script) -> None:
    from tickets import work

    def another_worker() -> None:
        Conversation.objects.update(lease_expires_at="2020-01-01T00:00Z")
        assert work.claim(ticket.conversation_id) is not None

    script(meanwhile(another_worker))
    run(ticket)
    assert said(ticket) == []
    assert AgentRun.objects.get().outcome == "lease_lost"
    assert Conversation.objects.get().lease_token is not None, "the other worker holds it still"


def test_while_people_hold_a_ticket_no_model_is_asked(ticket: Ticket, script: Script, sam: User) -> None:
    model = script()
    escalations.claim(ticket, sam)
    another(ticket, "Hello? Anybody?")
    Conversation.objects.update(work_due_at=Now())
    run(ticket)
    assert (said(ticket), model.calls) == ([], ())


def test_a_stopping_process_gives_the_work_back(ticket: Ticket, script: Script) -> None:
    import asyncio

    begun = asyncio.Event()

    async def hang(_: Any) -> list[Any]:
        begun.set()
        await asyncio.Event().wait()
        return []

    script(ModelStep.respond(hang))

    async def flow() -> None:
        task = asyncio.create_task(answer(ticket.conversation_id))
        await asyncio.wait_for(begun.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(flow)()
    row = Conversation.objects.get()
    assert (row.lease_token, row.attempts) == (None, 0)
    script(OBEDIENT)
    run(ticket)
    assert said(ticket) == ["answer"]


def test_a_pass_whose_end_was_not_heard_of_keeps_the_record_it_has(ticket: Ticket, script: Script) -> None:
    script(OBEDIENT)
    work = claim(ticket.conversation_id)
    assert work is not None
    pass_ = open_run(work)
    assert pass_ is not None
    async_to_sync(think)(pass_)
    finish(work, list(pass_.context.message_ids), functools.partial(_store, run=pass_, attempt=1))
    record_discarded(pass_, work, AgentRun.Outcome.LEASE_LOST)  # its renewal met the commit
    assert AgentRun.objects.get().outcome == "stored"
    assert OutboxEvent.objects.filter(topic="fte.metrics").count() == 1
