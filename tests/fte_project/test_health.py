"""Readiness looks at the real thing: database, broker, topics, roles, and what waits between them."""

import asyncio
import socket
import time
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test import Client

from fte_project import health, roles
from fte_project.events import MessageReceived, publish, topic
from fte_project.health import Remembered, spoken
from fte_project.kafka import bootstrap, ensure_topics
from fte_project.models import Heartbeat, OutboxEvent
from tests.factories import write
from tickets import work
from tickets.health import due_conversations, due_deliveries
from tickets.models import Conversation, Delivery
from tickets.replies import reply

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_broker", Remembered(health._ask_broker))


@pytest.fixture
def _everything_works() -> None:
    async_to_sync(ensure_topics)()
    for role in health.ROLES:
        roles.beat(role)


everything_works = pytest.mark.usefixtures("_everything_works")


def ready(client: Client, part: str = "") -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz", {"part": part} if part else {})
    found = answer.json()
    assert found["ok"] is (answer.status_code == 200) is (not found["problems"])
    return answer.status_code, found


def problems(client: Client) -> dict[str, str]:
    found: dict[str, str] = ready(client)[1]["problems"]
    return found


@everything_works
def test_ready_says_what_works_and_how_well(client: Client) -> None:
    status, found = ready(client)
    assert status == 200
    assert found["problems"] == {}
    assert set(found["roles"]) == {"web", "relay", "agent", "delivery", "schedule"}
    assert found["roles"]["agent"]["instances"] == 1
    assert 0 <= found["roles"]["agent"]["last_beat_s"] < 20
    assert (found["relay_lag_s"], found["oldest_due_s"]) == (0, 0)


def test_alive_asks_nobody(client: Client, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "look", None)
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"ok": True}


@everything_works
@pytest.mark.parametrize("role", health.ROLES)
def test_g6_ready_names_a_role_that_no_process_runs(client: Client, role: str) -> None:
    Heartbeat.objects.filter(role=role).update(beat_at=Now() - timedelta(seconds=45))
    assert problems(client) == {role: "No process runs this role; it was last seen 45 s ago."}
    Heartbeat.objects.filter(role=role).delete()
    status, found = ready(client)
    assert status == 503
    assert found["problems"] == {role: "No process runs this role."}
    assert found["roles"][role] == {"instances": 0, "last_beat_s": None}


@everything_works
def test_a_role_lives_while_one_of_its_processes_does(client: Client) -> None:
    Heartbeat.objects.create(role="agent", instance="gone:1", beat_at=Now() - timedelta(hours=3))
    Heartbeat.objects.create(role="agent", instance="there:1")
    assert ready(client)[1]["roles"]["agent"]["instances"] == 2
    assert problems(client) == {}


def test_processes_of_last_week_are_forgotten() -> None:
    for name, days in (("old", 8), ("young", 6)):
        Heartbeat.objects.create(role="agent", instance=name, beat_at=Now() - timedelta(days=days))
    health.forget_old_roles()
    assert Heartbeat.objects.get().instance == "young"


# --- The broker --------------------------------------------------------------------------------------------------


@everything_works
def test_g6_ready_says_that_the_broker_is_down_and_the_web_goes_on(client: Client, settings: Any) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
    assert problems(client) == {"broker": "The Kafka broker does not answer."}
    assert ready(client, "web")[0] == 200
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:many"
    assert "not a list of host:port" in problems(client)["broker"]
    settings.KAFKA_BOOTSTRAP_SERVERS = ""
    assert "set KAFKA_BOOTSTRAP_SERVERS" in problems(client)["broker"]


@everything_works
def test_g6_a_broker_that_takes_connections_and_says_nothing_is_given_up_soon(client: Client, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.KAFKA_BOOTSTRAP_SERVERS = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        assert problems(client) == {"broker": "The Kafka broker does not answer."}
        assert time.monotonic() - began < 4


@everything_works
def test_b4_ready_names_a_missing_topic(client: Client, settings: Any) -> None:
    settings.KAFKA_TOPIC_PREFIX = "health-test."
    async_to_sync(ensure_topics)()
    assert problems(client) == {}
    name = topic("fte.escalations")

    async def delete() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap())
        await admin.start()
        try:
            await admin.delete_topics([name])
            while name in await admin.list_topics():
                await asyncio.sleep(0)
        finally:
            await admin.close()

    async_to_sync(delete)()
    health._broker = Remembered(health._ask_broker)
    assert problems(client) == {"broker": f"The broker has no topic {name}: a running relay makes it."}
    async_to_sync(ensure_topics)()


def test_the_broker_is_asked_once_in_some_seconds_and_sooner_after_a_bad_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, asked = 100.0, 0
    monkeypatch.setattr(health.time, "monotonic", lambda: now)
    answer = ""

    def ask() -> str:
        nonlocal asked
        asked += 1
        return answer

    said = Remembered(ask)
    assert [said("a"), said("a")] == ["", ""]
    now += 4.9
    answer = "down"
    assert (said("a"), asked) == ("", 1)
    assert (said("another broker"), asked) == ("down", 2)
    now += 1.1
    answer = ""
    assert (said("another broker"), asked) == ("", 3)


# --- What waits --------------------------------------------------------------------------------------------------


def long_ago(seconds: float) -> Any:
    return Now() - timedelta(seconds=seconds)


@everything_works
def test_g6_ready_says_that_the_relay_lags(client: Client, settings: Any) -> None:
    publish(MessageReceived(conversation_id=1, channel="web_form", message_id=1))
    OutboxEvent.objects.update(created_at=long_ago(45), claimed_until=Now() + timedelta(seconds=5))
    publish(MessageReceived(conversation_id=1, channel="web_form", message_id=2))
    status, found = ready(client)
    assert status == 503
    assert found["problems"] == {"outbox": "The oldest unpublished event has waited 45 s: the relay does not keep up."}
    assert 44 < found["relay_lag_s"] < 60
    settings.RELAY_LAG_LIMIT_SECONDS = 70
    assert problems(client) == {}
    settings.RELAY_LAG_LIMIT_SECONDS = 30
    OutboxEvent.objects.update(published_at=Now())
    assert (problems(client), ready(client)[1]["relay_lag_s"]) == ({}, 0)


@everything_works
def test_g6_ready_says_that_due_work_waits_and_nobody_does_it(client: Client, settings: Any) -> None:
    ticket = write().ticket
    OutboxEvent.objects.update(published_at=Now())
    Conversation.objects.update(work_due_at=long_ago(75))
    status, found = ready(client)
    assert status == 503
    assert found["problems"] == {"due_work": "Due work waits and nobody does it: conversations (up to 75 s)."}
    assert 74 < found["oldest_due_s"] < 90
    settings.DUE_LIMIT_SECONDS = 100
    assert problems(client) == {}
    settings.DUE_LIMIT_SECONDS = 60
    assert work.claim(ticket.conversation_id)
    assert problems(client) == {}, "a worker holds it"


def test_work_that_a_worker_left_waits_since_its_lease_ran_out() -> None:
    ticket = write().ticket
    Conversation.objects.update(work_due_at=long_ago(75))
    assert work.claim(ticket.conversation_id)
    assert due_conversations() == 0
    Conversation.objects.update(lease_expires_at=long_ago(5))
    assert 4 < due_conversations() < 20
    Conversation.objects.update(work_due_at=Now() + timedelta(seconds=5))
    assert due_conversations() == 0, "it is tried again later"


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({"due_at": long_ago(75)}, 75),
        ({"due_at": Now() + timedelta(minutes=1)}, 0),
        ({"status": "sending", "lease_expires_at": long_ago(40)}, 40),
        ({"status": "sending", "lease_expires_at": Now() + timedelta(seconds=5)}, 0),
        ({"status": "unknown", "look_up_at": long_ago(30)}, 30),
        ({"status": "unknown", "look_up_at": None}, 0),
        ({"status": "sent", "due_at": long_ago(75)}, 0),
    ],
)
def test_a_delivery_waits_while_it_could_be_sent_or_looked_up(changes: dict[str, Any], waits: float) -> None:
    reply(write().ticket, body="An answer.")
    Delivery.objects.filter(channel="email").update(**changes)
    assert waits <= due_deliveries() < waits + 15


def test_a_delivery_behind_another_one_does_not_wait_for_a_process() -> None:
    ticket = write().ticket
    for text in ("The first answer.", "The second."):
        reply(ticket, body=text)
    first = Delivery.objects.filter(channel="email").earliest("pk")
    Delivery.objects.update(due_at=long_ago(75))
    Delivery.objects.filter(pk=first.pk).update(due_at=Now() + timedelta(minutes=5))
    assert due_deliveries() == 0


# --- The database ------------------------------------------------------------------------------------------------


@everything_works
def test_g6_ready_says_that_migrations_are_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'knowledge'")
    missing = {"migrations": "Migrations are missing: run manage.py migrate."}
    assert problems(client) == missing
    assert ready(client, "web")[1]["problems"] == missing


@everything_works
@pytest.mark.parametrize("part", ["", "web"])
def test_g6_ready_says_that_the_database_only_reads(client: Client, part: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is still to be checked would lock rows
        cursor.execute("SET TRANSACTION READ ONLY")
    status, found = ready(client, part)
    assert (status, set(found["problems"])) == (503, {"database"})


def hangs(*args: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")


@everything_works
def test_g6_a_database_that_hangs_is_given_up_soon(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_look_at_work", hangs)
    began = time.monotonic()
    assert problems(client) == {"database": "The database does not answer."}
    assert time.monotonic() - began < 5


@everything_works
def test_g6_ready_tells_no_secret(client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> bool:
        raise OperationalError("connection to server at db.internal failed: password hunter2 for user fte")

    monkeypatch.setattr(health, "migrations_are_missing", refuses)
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
    _, found = ready(client)
    assert set(found["problems"]) == {"database", "broker"}
    assert "hunter2" not in str(found)
    assert "127.0.0.1" not in str(found)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (45, "45 s"), (119, "119 s"), (150, "2 min"), (7300, "2 h"), (200_000, "2 days")],
)
def test_spans_are_told_as_people_say_them(seconds: float, said: str) -> None:
    assert spoken(seconds) == said
