"""With a key: the real SDK clients, against a loopback server."""

from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings

from agent_runner.assistant import configured_model
from agent_runner.models import AgentRun
from agent_runner.worker import answer
from knowledge.calibration import SHIPPED, keep
from knowledge.embeddings import LOCAL_MODEL_ID, embedder
from knowledge.indexing import index_waiting
from knowledge.models import ActiveModel, Article, Calibration, Chunk
from tests.factories import fresh, write
from tests.fakes.openai import FakeOpenAI, fake_openai
from tickets.lifecycle import Status
from tickets.models import Conversation

ANSWER = "Choose Forgot password on the sign-in page and open the link in our message."


@pytest.fixture(params=["responses", "chat_completions"])
def openai(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[FakeOpenAI]:
    """Settings with a key and a base URL, in both API modes, and one article embedded by the provider."""
    sent = {"message": ANSWER, "citations": ["h1"], "sentiment": 0.6, "confidence": 0.9, "language": "en"}
    with fake_openai("send_response", **sent) as server:
        monkeypatch.setattr(settings, "OPENAI_API_KEY", "not-a-real-key")
        monkeypatch.setattr(settings, "OPENAI_BASE_URL", server.url)
        monkeypatch.setattr(settings, "OPENAI_API_MODE", request.param)
        configured_model.cache_clear()
        embedder.cache_clear()
        Article.objects.create(
            slug="reset", title="Reset your password", status=Article.Status.PUBLISHED, body_md=f"{ANSWER}\n"
        )
        index_waiting()
        keep("text-embedding-3-small", SHIPPED[LOCAL_MODEL_ID], {})  # the fake's vectors are the local model's
        yield server
    configured_model.cache_clear()
    embedder.cache_clear()


def test_the_model_answers_through_the_real_sdk_in_one_round_trip(openai: FakeOpenAI) -> None:
    ticket = write().ticket
    async_to_sync(answer)(ticket.conversation_id)
    assert fresh(ticket).status == Status.PENDING
    run = AgentRun.objects.get()
    assert (run.verdict, run.model, run.model_calls) == ("answer", "gpt-4o", 1)
    assert (run.input_tokens, run.output_tokens) == (900, 80)
    path = "/v1/responses" if settings.OPENAI_API_MODE == "responses" else "/v1/chat/completions"
    (asked,) = openai.asked(path)
    names = {t.get("name") or t["function"]["name"] for t in asked["tools"]}
    assert names == {"search_knowledge_base", "escalate_to_human", "send_response"}
    assert asked["store"] is False
    assert "NEVER" in str(asked)
    assert "ticket_id" not in str(asked)


def test_until_its_embedding_model_is_calibrated_the_assistant_only_drafts(openai: FakeOpenAI) -> None:
    Calibration.objects.all().delete()
    ticket = write().ticket
    async_to_sync(answer)(ticket.conversation_id)
    assert fresh(ticket).status == Status.ESCALATED
    escalation = ticket.escalations.get()
    assert escalation.draft
    assert "manage.py calibrate" in escalation.detail


def test_chunks_and_queries_use_the_providers_embedding_model(openai: FakeOpenAI) -> None:
    assert ActiveModel.objects.get().model_id == "text-embedding-3-small"
    assert set(Chunk.objects.values_list("model_id", flat=True)) == {"text-embedding-3-small"}
    assert openai.asked("/v1/embeddings")[0]["model"] == "text-embedding-3-small"


def test_a_provider_that_fails_means_a_later_try_and_no_reply(openai: FakeOpenAI) -> None:
    ticket = write().ticket
    openai.status = 400  # an error that the SDK does not try again itself
    async_to_sync(answer)(ticket.conversation_id)
    conversation = Conversation.objects.get()
    assert conversation.attempts == 1
    assert conversation.work_due_at is not None
    assert conversation.lease_token is None
    run = AgentRun.objects.get()
    assert (run.outcome, run.verdict) == ("failed", "")
    assert "refused by the fake" in run.error
    assert not ticket.messages.filter(direction="outbound").exists()
