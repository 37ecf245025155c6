"""Ann and Ben write, Sam works at the desk."""

from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.factories import make_staff, sample_articles
from tickets.models import ChannelSettings

GROUP_MIGRATIONS = (
    "fte_project.migrations.0002_groups",
    "fte_project.migrations.0004_delivery_permissions",
    "channels_app.migrations.0002_notice_permissions",
    "agent_runner.migrations.0003_metric_permissions",
    "knowledge.migrations.0004_editors",
    "agent_runner.migrations.0008_case_permissions",
)


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


@pytest.fixture(autouse=True)
def _migrated_rows(request: pytest.FixtureRequest) -> None:
    """Rows that migrations made are gone once a test with real transactions has flushed the database: make them."""
    marker = request.node.get_closest_marker("django_db")
    names = {"db", "transactional_db"} & set(request.fixturenames)
    if marker is None and not names:
        return
    commits = "transactional_db" in names or (marker is not None and marker.kwargs.get("transaction"))
    request.getfixturevalue("transactional_db" if commits else "db")
    if not ChannelSettings.objects.exists():
        import_module("tickets.migrations.0002_channel_settings").make_rows(apps, None)
    if not Group.objects.exists():
        for name in GROUP_MIGRATIONS:
            import_module(name).make_groups(apps, None)
