"""The assistant's database user: it does the assistant's work, and reaches neither staff's secrets nor the schema."""

from collections.abc import Iterator

import psycopg
import pytest
import structlog
from asgiref.sync import sync_to_async
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege

from agent_runner import worker
from agent_runner.learning import source, unlearn
from agent_runner.models import RunMetric
from fte_project import worker_role
from fte_project.embedded import WORKER_ROLE
from fte_project.health import State
from fte_project.notify import direct_conninfo
from fte_project.worker_role import APPLICATION, RIGHTS, WITHHELD, finding, grant_rights
from knowledge.evidence import embed_questions, learn
from knowledge.indexing import active_model_id
from knowledge.models import QuestionVector, ResolvedQuestion
from tests.agent_runner.acting import act, cases
from tests.factories import PRICES, make_staff, sample_articles, write
from tests.processes import Processes, processes, wait_for
from tickets.models import Escalation, Message

__all__ = ["processes"]
pytestmark = pytest.mark.django_db

ALL = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}
GRANTED = """
SELECT relname, array_agg(privilege_type::text) FROM pg_class, aclexplode(relacl) AS granted
 WHERE grantee = %(role)s::regrole GROUP BY relname
"""
TABLES = {model._meta.label: model._meta.db_table for model in apps.get_models(include_auto_created=True)}


@pytest.fixture
def as_worker() -> Iterator[psycopg.Connection]:
    """A connection as the worker opens them."""
    with psycopg.connect(direct_conninfo(), user=WORKER_ROLE, application_name=APPLICATION, autocommit=True) as db:
        yield db


def refused(db: psycopg.Connection, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(InsufficientPrivilege):
            db.execute(statement.encode())


def granted(role: str = WORKER_ROLE) -> dict[str, set[str]]:
    """Table -> what the database lets the role do with it."""
    with connection.cursor() as cursor:
        cursor.execute(GRANTED, {"role": role})
        return {table: set(rights) for table, rights in cursor.fetchall()}


def wanted() -> dict[str, set[str]]:
    return {TABLES[label]: set(rights.split(", ")) for label, rights in RIGHTS.items()}


def test_f12_the_worker_cannot_read_password_hashes_or_sessions(as_worker: psycopg.Connection) -> None:
    refused(
        as_worker,
        "SELECT password FROM auth_user",
        "SELECT count(*) FROM auth_user",
        "SELECT session_data FROM django_session",
        "UPDATE auth_user SET is_superuser = true",
        "INSERT INTO django_session VALUES ('x', 'x', now())",
        "SELECT sha256 FROM frame_apikey",
        "SELECT * FROM channels_app_gmailmailbox",
        "SELECT salt FROM tickets_addresscode",
        "COPY auth_user TO STDOUT",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT query_to_xml('TABLE auth_user', true, false, '')",
    )
    refused(as_worker, *(f"TABLE {TABLES[label]}" for label in WITHHELD))


def test_f12_the_worker_cannot_become_somebody_else(as_worker: psycopg.Connection) -> None:
    as_worker.execute("RESET ROLE")
    as_worker.execute("SELECT set_config('role', 'none', false)")
    as_worker.execute("RESET SESSION AUTHORIZATION")
    refused(as_worker, "SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "TABLE auth_user")
    refused(as_worker, "ALTER ROLE fte_worker SUPERUSER", "GRANT postgres TO fte_worker", "CREATE ROLE other")


def test_f12_the_worker_cannot_change_the_schema(as_worker: psycopg.Connection) -> None:
    refused(
        as_worker,
        "CREATE TABLE more (id int)",
        "ALTER TABLE tickets_message ADD more int",
        "ALTER TABLE tickets_message DISABLE TRIGGER ALL",
        "DROP TABLE tickets_message",
        "TRUNCATE tickets_message",
        "CREATE INDEX more ON tickets_message (id)",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA more",
        "DROP EXTENSION vector",
        "CREATE DATABASE more",
        "COPY tickets_message FROM PROGRAM 'true'",
        "ALTER TABLE tickets_message OWNER TO fte_worker",
    )


def test_f12_every_table_is_given_to_the_worker_or_withheld_from_it() -> None:
    assert set(TABLES) == set(RIGHTS) | WITHHELD
    assert not set(RIGHTS) & WITHHELD
    assert granted() == wanted()
    assert all(rights <= ALL for rights in wanted().values())


def test_f12_migrate_gives_back_what_is_missing_and_takes_what_is_too_much() -> None:
    with connection.cursor() as cursor:
        cursor.execute("REVOKE ALL ON tickets_message FROM fte_worker")
        cursor.execute("GRANT DELETE ON tickets_ticket TO fte_worker")
        cursor.execute("GRANT SELECT (password) ON auth_user TO fte_worker")
    grant_rights()  # as a flush tells it
    assert granted() != wanted()
    call_command("migrate", verbosity=0)
    assert granted() == wanted()
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_column_privilege('fte_worker', 'auth_user', 'password', 'SELECT')")
        assert cursor.fetchone() == (False,)


def test_f12_migrate_makes_the_role_without_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_role, "WORKER_ROLE", "fte_other")
    assert finding() == (
        State.OFF,
        "There is no role fte_other. As a superuser: CREATE ROLE fte_other; then manage.py migrate again.",
    )
    grant_rights(plan=[])
    assert granted("fte_other") == wanted()
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'fte_other'")
        assert cursor.fetchone() == (False,)


def test_f12_migrate_says_what_to_do_when_it_may_not_make_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_role, "WORKER_ROLE", "fte_other")
    with connection.cursor() as cursor, structlog.testing.capture_logs() as said:
        cursor.execute("CREATE ROLE plain")
        cursor.execute("SET LOCAL ROLE plain")
        grant_rights(plan=[])
        cursor.execute("RESET ROLE")
    (line,) = said
    assert line["problem"].startswith("permission denied to create role")
    assert line["do"] == "As a superuser: CREATE ROLE fte_other; then manage.py migrate again."


def test_f12_doctor_tells_as_whom_the_assistant_is_connected(as_worker: psycopg.Connection) -> None:
    assert finding() == (State.OK, f"The assistant is connected as {WORKER_ROLE}, with few rights.")
    with psycopg.connect(direct_conninfo(), application_name=APPLICATION), connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # it stands still within a transaction
        state, said = finding()
    assert state == State.OFF
    assert said.startswith("The assistant is connected as postgres, who may read password hashes or change tables")


def test_f12_the_labelled_cases_are_acted_upon_with_the_workers_rights(
    articles: None, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the assistant does with every fifth of them, its database user may do."""

    async def limited(conversation_id: int) -> None:
        await sync_to_async(_execute)("SET ROLE fte_worker")
        await worker.answer(conversation_id)
        await sync_to_async(_execute)("RESET ROLE")

    monkeypatch.setattr("tests.agent_runner.acting.answer", limited)
    acted = [act(row, sam) for row in list(cases())[::5]]
    assert [one.run.error for one in acted if one.run.error] == []
    assert {one.action for one in acted} > {"answer", "suggest", "hand_over"}


def test_f12_what_a_ticket_taught_is_forgotten_with_the_workers_rights(articles: None) -> None:
    ticket = write().ticket
    learn(
        source=source(ticket),
        text="A password",
        slugs=["reset-your-password"],
        approved_by=ResolvedQuestion.Approval.STAFF,
        asked_at=timezone.now(),
    )
    embed_questions(active_model_id())
    assert QuestionVector.objects.exists()
    _execute("SET ROLE fte_worker")
    unlearn([ticket])
    _execute("RESET ROLE")
    assert not ResolvedQuestion.objects.exists()


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def users_connected() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(worker_role.CONNECTED, {"application": APPLICATION})
        return {user for user, _ in cursor.fetchall()}


@pytest.mark.kafka
def test_f12_a_message_is_answered_by_a_worker_with_that_role(processes: Processes) -> None:
    sample_articles()
    make_staff("sam", "agent")
    processes.start("relay_messages")
    processes.start("run_agent", FTE_MODE="local")  # with a pool, so that its connections stay
    answered, escalated = write().ticket, write(**PRICES).ticket
    wait_for(lambda: Message.objects.filter(direction="outbound").count() == 2)
    assert users_connected() == {WORKER_ROLE}
    assert finding()[0] == State.OK
    reply = Message.objects.get(ticket=answered, direction="outbound")
    assert (reply.kind, reply.sources[0]["slug"]) == (Message.Kind.ANSWER, "reset-your-password")
    assert Escalation.objects.get().ticket == escalated
    wait_for(lambda: RunMetric.objects.filter(runs__gt=0).exists())
    assert processes.stop() == [0, 0]


@pytest.mark.kafka
def test_f12_beside_other_roles_the_assistant_has_the_rights_of_all_and_doctor_says_so(processes: Processes) -> None:
    processes.start("run_agent", "--with", "relay", FTE_MODE="local")
    assert wait_for(users_connected) == {"postgres"}
    state, said = finding()
    assert (state, "run it alone in its process" in said) == (State.OFF, True)
