"""What the tests with a key share: settings for a loopback provider, and runs in one event loop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models.functions import Now

from agent_runner import assistant
from agent_runner.models import ModelProvider
from agent_runner.worker import answer
from knowledge.calibration import SHIPPED, keep
from knowledge.embeddings import LOCAL_MODEL_ID, embedder
from knowledge.indexing import index_waiting
from knowledge.models import Article
from tests.fakes.openai import FakeOpenAI, fake_openai
from tickets.models import Conversation, Ticket

ANSWER = "Choose Forgot password on the sign-in page and open the link in our message."
SENT = {"message": ANSWER, "citations": ["h1"], "sentiment": 0.6, "confidence": 0.9, "language": "en"}


@contextmanager
def a_provider(settings: Any, mode: str) -> Iterator[FakeOpenAI]:
    """Settings with a key and a base URL, and one article embedded by the provider."""
    with fake_openai("send_response", **SENT) as server:
        settings.OPENAI_API_KEY = "not-a-real-key"
        settings.OPENAI_BASE_URL = server.url
        settings.OPENAI_API_MODE = mode
        forget()
        Article.objects.create(
            slug="reset", title="Reset your password", status=Article.Status.PUBLISHED, body_md=f"{ANSWER}\n"
        )
        index_waiting()
        keep("text-embedding-3-small", SHIPPED[LOCAL_MODEL_ID], {})  # the fake's vectors are the local model's
        try:
            yield server
        finally:
            server.released.set()
            forget()


def forget() -> None:
    """What was made from the settings is made anew."""
    assistant.configured_model.cache_clear()
    assistant.agent.cache_clear()
    embedder.cache_clear()


def run(*tickets: Ticket) -> None:
    """What a worker does when these are rung, whether they are due or not, one after the other."""

    async def all_of_them() -> None:
        for ticket in tickets:
            await Conversation.objects.filter(pk=ticket.conversation_id, work_due_at__isnull=False).aupdate(
                work_due_at=Now()
            )
            await answer(ticket.conversation_id)

    forget_connections()
    async_to_sync(all_of_them)()


def run_at_once(*tickets: Ticket) -> None:
    """Several workers, each with one of these."""

    async def all_of_them() -> None:
        await asyncio.gather(*(answer(ticket.conversation_id) for ticket in tickets))

    forget_connections()
    async_to_sync(all_of_them)()


def forget_connections() -> None:
    """Connections belong to the event loop that made them."""
    assistant.configured_model.cache_clear()


def provider_row() -> ModelProvider:
    return ModelProvider.objects.get()
