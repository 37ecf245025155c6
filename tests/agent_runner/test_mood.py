"""The mood of each message through the worker: felt once by the real local embedder, stored, a reason to hand over."""

from collections.abc import Sequence
from typing import Any

import pytest
from agents.testing import ModelStep, function_call
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth.models import User

from agent_runner import sentiment
from agent_runner.models import AgentRun
from agent_runner.triggers import find_trigger
from agent_runner.worker import answer
from channels_app.web_form.parsing import FollowUpIn, follow_up
from knowledge.embeddings import LOCAL_MODEL_ID, EmbeddingFailed
from knowledge.models import ActiveModel
from tests.agent_runner.conftest import Script
from tests.factories import PRICES, write
from tickets import escalations
from tickets.intake import receive
from tickets.models import Escalation, Message, Ticket
from tickets.phrases import hand_over_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("articles")]
FURIOUS = "I forgot my password and nobody called me back as you had promised. Disgraceful."
HAPPY = "Thank you so much, that was a great help! How do I reset my password?"
CALM = "How do I reset my password?"
SOUR = "I am not satisfied with this answer. How do I reset my password?"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    sentiment._odds.cache_clear()


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every sentence that was embedded for its mood."""
    sentences: list[str] = []
    real = sentiment._vectors

    def vectors(texts: Sequence[str]) -> Any:
        sentences.extend(texts)
        return real(texts)

    monkeypatch.setattr(sentiment, "_vectors", vectors)
    return sentences


def quote(seen: Any, mood: float = 0.5) -> list[Any]:
    """An obedient answer: the best passage, word for word."""
    import json

    outputs = [i["output"] for i in seen.input if i.get("type") == "function_call_output"]
    hit = next(json.loads(o) for o in reversed(outputs) if o.startswith("["))[0]
    said = {"message": hit["passage"], "citations": [hit["id"]], "sentiment": mood, "confidence": 0.9, "language": "en"}
    return [function_call("send_response", said, call_id="c1")]


def says(mood: float) -> ModelStep:
    return ModelStep.respond(lambda seen: quote(seen, mood))


def run(ticket: Ticket) -> None:
    async_to_sync(answer)(ticket.conversation_id)


def another(ticket: Ticket, text: str) -> Message:
    return receive(follow_up(FollowUpIn(message=text), ticket, key=text), about=ticket).message


def replies(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").values_list("kind", flat=True))


def scores(ticket: Ticket) -> list[float | None]:
    return list(ticket.messages.filter(direction="inbound").values_list("sentiment", flat=True))


def test_a_furious_message_goes_to_people_with_the_fixed_text(script: Script) -> None:
    assert find_trigger(FURIOUS) is None
    model = script()
    ticket = write(message=FURIOUS).ticket
    run(ticket)
    escalation = Escalation.objects.get()
    assert (escalation.reason, escalation.urgency) == ("negative_sentiment", "high")
    assert "very unhappy" in escalation.detail
    assert ticket.messages.get(direction="outbound").body == hand_over_text(ticket.reference)
    assert model.calls == ()
    message = ticket.messages.get(direction="inbound")
    assert message.sentiment is not None
    assert message.sentiment < sentiment.NEGATIVE_BELOW
    assert message.sentiment_confidence is not None
    assert message.sentiment_confidence >= sentiment.NEGATIVE_CONFIDENCE


def test_a_calm_message_is_answered_and_its_mood_kept(script: Script) -> None:
    script(says(0.5))
    ticket = write().ticket
    run(ticket)
    assert replies(ticket) == ["answer"]
    (score,) = scores(ticket)
    assert score is not None
    assert 0.4 < score < 0.6


def test_a_problem_told_in_capitals_with_exclamation_marks_is_answered(script: Script) -> None:
    script(says(0.5))
    steps = "I restarted the browser. I typed the password three times. It says WRONG PASSWORD! "
    ticket = write(message=f"HELP!! I am frustrated. I FORGOT MY PASSWORD! {steps * 3}").ticket
    run(ticket)
    assert replies(ticket) == ["answer"]


def test_a_mood_that_falls_over_three_messages_goes_to_people(script: Script) -> None:
    script(says(0.5), says(0.5))
    ticket = write(message=HAPPY).ticket
    run(ticket)
    another(ticket, CALM)
    run(ticket)
    another(ticket, SOUR)
    run(ticket)
    assert replies(ticket) == ["answer", "answer", "hand_over"]
    escalation = Escalation.objects.get()
    assert (escalation.reason, escalation.urgency) == ("negative_sentiment", "normal")
    first, second, third = scores(ticket)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first > second > third


def test_three_falling_messages_that_are_read_together_go_to_people(script: Script) -> None:
    script()
    ticket = write(message=HAPPY).ticket
    another(ticket, CALM)
    another(ticket, SOUR)
    run(ticket)
    assert Escalation.objects.get().reason == "negative_sentiment"


def test_a_message_that_nobody_felt_hides_no_better_mood_before_it(script: Script) -> None:
    script(*[says(0.5)] * 3)
    ticket = write(message=HAPPY).ticket
    run(ticket)
    Message.objects.update(sentiment=None)
    another(ticket, CALM)
    run(ticket)
    another(ticket, SOUR)
    run(ticket)
    assert replies(ticket) == ["answer"] * 3


def test_what_a_trigger_decides_has_its_mood_too(script: Script) -> None:
    script()
    ticket = write(**PRICES).ticket
    run(ticket)
    assert Escalation.objects.get().reason == "pricing_inquiry"
    assert None not in scores(ticket)


def test_a_repeated_run_embeds_a_message_once_and_stores_each_mood(script: Script, embedded: list[str]) -> None:
    async def interrupted(seen: Any) -> list[Any]:
        await sync_to_async(another)(ticket, "I use the mobile app, by the way.")
        return quote(seen)

    script(ModelStep.respond(interrupted), says(0.5))
    ticket = write().ticket
    run(ticket)
    assert [r.outcome for r in AgentRun.objects.order_by("id")] == ["newer_message", "stored"]
    assert len(embedded) == len(set(embedded)) > 1
    assert None not in scores(ticket)
    assert len(scores(ticket)) == 2


def test_a_run_that_is_discarded_writes_no_mood(script: Script, sam: User) -> None:
    async def overtaken(seen: Any) -> list[Any]:
        await sync_to_async(escalations.claim)(ticket, sam)
        return quote(seen)

    script(ModelStep.respond(overtaken))
    ticket = write().ticket
    run(ticket)
    assert AgentRun.objects.get().outcome == "taken_over"
    assert scores(ticket) == [None]


def test_without_the_embedder_words_alone_are_stored_and_never_hand_over(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_model_id: str) -> None:
        raise EmbeddingFailed("not here")

    monkeypatch.setattr(sentiment, "embedder", away)
    script(says(0.5))
    ticket = write(message=FURIOUS).ticket
    run(ticket)
    assert replies(ticket) == ["answer"]
    message = ticket.messages.get(direction="inbound")
    assert message.sentiment is not None
    assert message.sentiment < sentiment.NEGATIVE_BELOW
    assert message.sentiment_confidence == sentiment.WORDS_ALONE_CONFIDENCE


# --- With a key ----------------------------------------------------------------------------------------------------


@pytest.fixture
def key(articles: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is scripted and the articles have the local model's vectors: nothing is asked of a provider."""
    ActiveModel.objects.get_or_create(defaults={"model_id": LOCAL_MODEL_ID})
    monkeypatch.setattr(django_settings, "OPENAI_API_KEY", "not-a-real-key")


@pytest.mark.usefixtures("key")
def test_with_a_key_the_models_word_is_stored_and_nothing_is_felt_here(script: Script, embedded: list[str]) -> None:
    script(says(0.62))
    ticket = write(message=FURIOUS).ticket
    run(ticket)
    assert replies(ticket) == ["answer"]
    message = ticket.messages.get(direction="inbound")
    assert (message.sentiment, message.sentiment_confidence, embedded) == (0.62, 1.0, [])


@pytest.mark.usefixtures("key")
def test_with_a_key_a_falling_mood_hands_over_what_the_model_would_answer(script: Script) -> None:
    script(says(0.7), says(0.55), says(0.4))
    ticket = write().ticket
    run(ticket)
    for text in ("And on my phone?", "And on my tablet?"):
        another(ticket, text)
        run(ticket)
    assert replies(ticket) == ["answer", "answer", "hand_over"]
    assert Escalation.objects.get().reason == "negative_sentiment"
    assert scores(ticket) == [0.7, 0.55, 0.4]


@pytest.mark.usefixtures("key")
def test_with_a_key_what_ended_without_an_answer_is_felt_here(script: Script) -> None:
    script([function_call("escalate_to_human", {"reason": "legal", "urgency": "low"}, call_id="c1")])
    ticket = write().ticket
    run(ticket)
    message = ticket.messages.get(direction="inbound")
    assert None not in {message.sentiment, message.sentiment_confidence}
    assert message.sentiment_confidence != 1.0
