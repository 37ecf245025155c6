"""What the processes that read strangers' words may do in the database: their work, and nothing else.

The rights are those of a PostgreSQL role, which `migrate` makes and grants to. A process has no others when it connects
as that role or as a login that is a member of it; then no SET ROLE leads out of it either.
"""

from collections.abc import Iterator
from typing import Any

import structlog
from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from fte_project.embedded import WORKER_ROLE
from fte_project.health import Finding, State

log = structlog.get_logger()
APPLICATION = "fte-agent"  # by this name the server knows the connections of the assistant's processes

# Model -> rights on its table. A new model is here or among WITHHELD (a test looks).
RIGHTS = {
    "frame.OutboxEvent": "SELECT, INSERT",
    "frame.DeadLetter": "SELECT, INSERT",
    "frame.Heartbeat": "SELECT, INSERT, UPDATE",
    "customers.Customer": "SELECT",
    "customers.Identifier": "SELECT",
    "knowledge.Article": "SELECT",
    "knowledge.ActiveModel": "SELECT",
    "knowledge.Calibration": "SELECT",
    "knowledge.VectorIndex": "SELECT",
    "knowledge.Chunk": "SELECT",
    "knowledge.Lexeme": "SELECT",
    "knowledge.ResolvedQuestion": "SELECT, DELETE",
    "knowledge.ResolvedQuestion_articles": "SELECT, DELETE",
    "knowledge.QuestionVector": "SELECT, DELETE",
    "tickets.Conversation": "SELECT, UPDATE",
    "tickets.Ticket": "SELECT, INSERT, UPDATE",
    "tickets.Message": "SELECT, INSERT, UPDATE",
    "tickets.Attachment": "SELECT",
    "tickets.Escalation": "SELECT, INSERT, UPDATE",
    "tickets.Delivery": "SELECT, INSERT, UPDATE",
    "tickets.TicketEvent": "SELECT, INSERT",
    "tickets.Mention": "SELECT",
    "tickets.ChannelSettings": "SELECT",
    "agent_runner.AgentRun": "SELECT, INSERT, UPDATE",
    "agent_runner.AgentRun_inputs": "SELECT, INSERT",
    "agent_runner.RunMetric": "SELECT, INSERT, UPDATE",
    "agent_runner.ModelProvider": "SELECT, INSERT, UPDATE",
}
# Who the staff are and how they sign in, keys and mailboxes, raw mail, codes, and what is only for people or others.
WITHHELD = frozenset(
    {
        "auth.User",
        "auth.Group",
        "auth.Permission",
        "auth.User_groups",
        "auth.User_user_permissions",
        "auth.Group_permissions",
        "sessions.Session",
        "admin.LogEntry",
        "contenttypes.ContentType",
        "frame.ApiKey",
        "frame.RateCount",
        "frame.TimedJob",
        "channels_app.GmailMailbox",
        "channels_app.GmailMail",
        "channels_app.Bounce",
        "channels_app.StaffDuty",
        "channels_app.StaffNotice",
        "knowledge.HistoricalArticle",
        "tickets.RawPayload",
        "tickets.AddressCode",
        "tickets.CustomerMerge",
        "tickets.MergeProposal",
        "tickets.Note",
        "agent_runner.EvaluationCase",
        "agent_runner.EvaluationCase_gold",
        "agent_runner.LearningCursor",
    }
)

EXISTS = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s)"
# The assistant's connections now, and whether their user may do what no answer needs.
CONNECTED = """
SELECT usename, bool_or(has_column_privilege(usename, 'auth_user', 'password', 'SELECT')
                        OR has_table_privilege(usename, 'django_session', 'SELECT')
                        OR has_schema_privilege(usename, current_schema(), 'CREATE'))
  FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = %(application)s
 GROUP BY usename ORDER BY usename
"""


def connect(*, alone: bool) -> None:
    """Let this process connect as the worker's user, and under a name that `doctor` knows. To be called first.

    Only where the assistant is `alone`: other roles send mail, read mailboxes and build indexes. Where no such user is
    configured the process goes on as the one of DATABASE_URL.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    assert isinstance(connection, DatabaseWrapper)
    connection.close()
    connection.close_pool()
    here = connection.settings_dict  # shared by the connections of all threads
    if alone and settings.WORKER_DATABASE is not None:
        here.update(settings.WORKER_DATABASE)
    here["OPTIONS"] = {**here["OPTIONS"], "application_name": APPLICATION}


def grant_rights(using: str = DEFAULT_DB_ALIAS, **migrated: Any) -> None:
    """After `migrate`: make the role, if this user may, and give it RIGHTS and no others. A flush changes none."""
    if "plan" not in migrated:
        return
    with transaction.atomic(using), connections[using].cursor() as cursor:
        if not _exists(cursor) and (problem := _create(using, cursor)):
            log.warning("worker_role_missing", problem=problem, do=f"As a superuser: {_by_hand()}")
            return
        for statement in _statements({table.name for table in connections[using].introspection.get_table_list(cursor)}):
            cursor.execute(statement)


def _exists(cursor: CursorWrapper) -> bool:
    cursor.execute(EXISTS, {"role": WORKER_ROLE})
    return bool(cursor.fetchone()[0])


def _create(using: str, cursor: CursorWrapper) -> str:
    """Why it is not there now; '' when it is, made by us or, in another database of this server, by somebody else."""
    try:
        with transaction.atomic(using):
            cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(WORKER_ROLE)))
    except DatabaseError as error:
        return "" if _exists(cursor) else " ".join(str(error).split())
    return ""


def _by_hand() -> str:
    return f"CREATE ROLE {WORKER_ROLE}; then manage.py migrate again."


def _statements(tables: set[str]) -> Iterator[sql.Composed]:
    """What takes away all rights and grants RIGHTS, on those of our tables that are there."""
    role = sql.Identifier(WORKER_ROLE)
    models = {model._meta.label: model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    ours = {label: sql.Identifier(table) for label, table in models.items() if table in tables}
    yield sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.SQL(", ").join(ours.values()), role)
    for rights in sorted(set(RIGHTS.values())):
        granted = [table for label, table in ours.items() if RIGHTS.get(label) == rights]
        yield sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), sql.SQL(", ").join(granted), role)


def finding() -> Finding:
    """Whether the assistant's processes that are connected now have rights that no answer needs."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        if not _exists(cursor):
            return State.OFF, f"There is no role {WORKER_ROLE}. As a superuser: {_by_hand()}"
        cursor.execute(CONNECTED, {"application": APPLICATION})
        connected = cursor.fetchall()
    if powerful := [user for user, has_more in connected if has_more]:
        return State.OFF, (
            f"The assistant is connected as {', '.join(powerful)}, who may read password hashes or change tables: "
            "run it alone in its process, with WORKER_DATABASE_URL."
        )
    if not connected:
        return State.OK, "The assistant is not connected now."
    return State.OK, f"The assistant is connected as {', '.join(user for user, _ in connected)}, with few rights."
