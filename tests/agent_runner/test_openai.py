"""With a key: the real SDK clients, against a loopback server."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings

from agent_runner.models import AgentRun, ModelProvider
from agent_runner.worker import answer
from knowledge.models import ActiveModel, Calibration, Chunk
from tests.agent_runner.with_openai import a_provider
from tests.factories import fresh, write
from tests.fakes.openai import FakeOpenAI
from tickets.lifecycle import Status


@pytest.fixture(params=["responses", "chat_completions"])
def openai(request: pytest.FixtureRequest, settings: Any, db: None) -> Iterator[FakeOpenAI]:
    with a_provider(settings, request.param) as server:
        yield server


def test_the_model_answers_through_the_real_sdk_in_one_round_trip(openai: FakeOpenAI) -> None:
    ticket = write().ticket
    async_to_sync(answer)(ticket.conversation_id)
    assert fresh(ticket).status == Status.PENDING
    run = AgentRun.objects.get()
    assert (run.verdict, run.model, run.model_calls) == ("answer", "gpt-4o", 1)
    assert (run.input_tokens, run.output_tokens) == (900, 80)
    assert run.model_ms > 0
    assert ModelProvider.objects.get().failures == 0
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
