"""A database of its own for one command: made on the embedded server, used through Django's connection, dropped."""

import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import sql

from fte_project.embedded import EmbeddedUnavailable, Postgres, database_settings, missing_services

PREFIX = "fte_temporary_"


@contextmanager
def temporary_database() -> Iterator[str]:
    """Within it every query of this process goes to an empty, migrated database, whatever the settings say.

    It is dropped at the end, also on an error, Ctrl-C and SIGTERM; what a killed process left is dropped by the next.
    Gives its name. For commands: other threads must not be at work in the database. Raises EmbeddedUnavailable.
    """
    if "PostgreSQL" in missing_services():
        raise EmbeddedUnavailable("There is no embedded PostgreSQL for this platform: use a machine that has one.")
    Postgres(settings.STATE_DIR).start()
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(4)}"
    with _ending_in_order():
        _drop_leftovers()
        with _server() as db:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            with _connected_to(name):
                call_command("migrate", verbosity=0, interactive=False)
                yield name
        finally:
            with _server() as db:
                db.execute(_drop(name))


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    """Django's connection leads to the embedded server's database `name`."""
    usual = connections.settings[DEFAULT_DB_ALIAS]
    there = {"PORT": "", "PASSWORD": "", **database_settings(settings.STATE_DIR), "NAME": name}
    # None of the options that belong to the address of another server; the pool is what the product's speed rests on.
    # Nothing need outlive a crash.
    kept = {name: value for name, value in usual["OPTIONS"].items() if name == "pool"}
    options = f"{usual['OPTIONS']['options']} -c synchronous_commit=off"
    _replace({**usual, **there, "OPTIONS": {**kept, "options": options}})
    direct, settings.DIRECT_DATABASE_URL = settings.DIRECT_DATABASE_URL, ""  # whoever needs its own connection, too
    try:
        yield
    finally:
        settings.DIRECT_DATABASE_URL = direct
        _replace(usual)


def _replace(values: dict[str, Any]) -> None:
    connection = connections[DEFAULT_DB_ALIAS]
    assert isinstance(connection, DatabaseWrapper)
    connection.close()
    connection.close_pool()  # pools are kept by alias: the next connection would get this one's
    del connections[DEFAULT_DB_ALIAS]
    connections.settings[DEFAULT_DB_ALIAS] = values


def _server() -> psycopg.Connection[tuple[Any, ...]]:
    where = database_settings(settings.STATE_DIR)
    return psycopg.connect(host=where["HOST"], user=where["USER"], dbname="postgres", autocommit=True)


def _drop(name: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))


def _drop_leftovers() -> None:
    with _server() as db:
        rows = db.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]).fetchall()
        for (name,) in rows:
            if not _runs(name.removeprefix(PREFIX).partition("_")[0]):
                db.execute(_drop(name))


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ValueError, OSError):
        return False
    return True


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """SIGTERM ends the process as an error would, so that what follows the work is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
