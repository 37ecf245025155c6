"""While a web process runs, its role beats like every other one."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from fte_project.db import unit_of_work
from fte_project.roles import BEAT_SECONDS, beat

log = structlog.get_logger()
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def lifespan(_: Message, receive: Receive, send: Send) -> None:
    """The server's start and stop (ASGI's lifespan protocol). The first beat is not waited for."""
    beating: asyncio.Task[None] | None = None
    while True:
        said = await receive()
        if said["type"] == "lifespan.startup":
            beating = asyncio.create_task(_beat_for_ever())
            await send({"type": "lifespan.startup.complete"})
        elif said["type"] == "lifespan.shutdown":
            if beating is not None:
                beating.cancel()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _beat_for_ever() -> None:
    while True:
        try:
            await unit_of_work(beat)("web")
        except Exception as error:
            # Nobody looks after this task: a web process that stops beating for any reason is taken for dead.
            log.warning("heartbeat_failed", role="web", error=str(error)[:200])
        await asyncio.sleep(BEAT_SECONDS)
