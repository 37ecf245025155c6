"""Ann and Ben write, Sam works at the desk."""

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_staff, sample_articles


@pytest.fixture
def sam(db: None) -> User:
    """An agent of the desk."""
    return make_staff("sam", "agent")


@pytest.fixture
def desk(sam: User) -> Client:
    """Sam's browser."""
    client = Client()
    client.force_login(sam)
    return client


@pytest.fixture
def articles(db: None) -> None:
    """The sample knowledge base, indexed with the real local model."""
    sample_articles()


@pytest.fixture(autouse=True)
def _no_provider() -> None:
    """No test may reach a model provider: only the local model and scripted ones answer."""
    assert not settings.OPENAI_API_KEY
