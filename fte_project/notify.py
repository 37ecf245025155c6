"""LISTEN/NOTIFY: how one process wakes another. Only a nudge: everything also works by polling."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import structlog
from django.conf import settings
from django.db import connection
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fte_project.databases import PATIENCE

log = structlog.get_logger()


def notify(bell: str, payload: str = "") -> None:
    """Ring `bell` when the current transaction commits; a rolled-back one rings nothing. Ids only in the payload."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [bell, payload])


def direct_conninfo() -> str:
    """Where LISTEN connects: DIRECT_DATABASE_URL when set (behind a pooler), else the database itself."""
    if settings.DIRECT_DATABASE_URL:
        asked = {k: v for k, v in conninfo_to_dict(settings.DIRECT_DATABASE_URL).items() if v is not None}
        return make_conninfo("", **{**PATIENCE, **asked})
    here = connection.settings_dict
    return make_conninfo(
        **PATIENCE,
        dbname=here["NAME"],
        user=here["USER"] or None,
        password=here["PASSWORD"] or None,
        host=here["HOST"] or None,
        port=here["PORT"] or None,
    )


class Bell:
    """Waits for a ring or for the time to look anyway."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return at once when it has rung since the last wait, else after a ring or after `seconds`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
        self._rung.clear()


async def _listen(name: str, bell: Bell) -> None:
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(direct_conninfo(), autocommit=True) as listener:
                await listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(name)))
                bell.ring()  # something may have been said while nobody listened
                async for _ in listener.notifies():
                    bell.ring()
        except psycopg.Error as error:
            log.warning("listen_lost", bell=name, error=error)
        await asyncio.sleep(0.5)


@asynccontextmanager
async def listening(name: str) -> AsyncIterator[Bell]:
    """A bell that rings on NOTIFY `name`, from any process, and again after every lost connection."""
    bell = Bell()
    task = asyncio.create_task(_listen(name, bell))
    try:
        yield bell
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
