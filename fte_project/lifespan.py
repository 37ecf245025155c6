"""While a web process runs, its role beats like every other one."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fte_project.roles import keep_beating

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def lifespan(_: Message, receive: Receive, send: Send) -> None:
    """The server's start and stop (ASGI's lifespan protocol). The first beat is not waited for."""
    beating: asyncio.Task[None] | None = None
    while True:
        said = await receive()
        if said["type"] == "lifespan.startup":
            beating = asyncio.create_task(keep_beating("web"))
            await send({"type": "lifespan.startup.complete"})
        elif said["type"] == "lifespan.shutdown":
            if beating is not None:
                beating.cancel()
            await send({"type": "lifespan.shutdown.complete"})
            return
