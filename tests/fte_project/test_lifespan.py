"""The web role beats from the server's start to its stop, whatever the database does."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError

from fte_project import lifespan as web
from fte_project import roles

pytestmark = pytest.mark.django_db
Message = dict[str, str]


class Server:
    """What a web server does with the lifespan: start, wait for something, stop."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self.meanwhile = meanwhile
        self.said: list[str] = []

    def run(self) -> list[str]:
        async_to_sync(self._run)()
        return self.said

    async def _run(self) -> None:
        steps = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> Message:
            step = next(steps)
            if step == "lifespan.shutdown":
                await asyncio.wait_for(self.meanwhile(), 20)
            return {"type": step}

        async def send(message: Message) -> None:
            self.said.append(message["type"])

        await web.lifespan({"type": "lifespan"}, receive, send)  # type: ignore[arg-type]


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every beat that was tried."""
    tried: list[str] = []
    monkeypatch.setattr(roles, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(roles, "beat", tried.append)
    return tried


async def reach(tried: list[str], count: int) -> None:
    while len(tried) < count:
        await asyncio.sleep(0)


COMPLETE = ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_the_web_role_beats_until_the_server_stops(beats: list[str]) -> None:
    assert Server(lambda: reach(beats, 3)).run() == COMPLETE
    assert set(beats) == {"web"}
    stopped_at = len(beats)
    async_to_sync(asyncio.sleep)(0)
    assert len(beats) <= stopped_at + 1


@pytest.mark.parametrize("error", [OperationalError("the database is away"), RuntimeError("a mistake of ours")])
def test_g6_a_beat_that_fails_is_not_the_last(
    beats: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(role: str) -> None:
        beats.append(role)
        raise error

    monkeypatch.setattr(roles, "beat", fails)
    assert Server(lambda: reach(beats, 3)).run() == COMPLETE


def test_g6_a_start_does_not_wait_for_the_first_beat(beats: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hangs(role: str) -> None:
        begun.set()
        assert go_on.wait(20)

    async def a_beat_hangs() -> None:
        while not begun.is_set():
            await asyncio.sleep(0)
        server.said.append("beating")
        go_on.set()

    monkeypatch.setattr(roles, "beat", hangs)
    server = Server(a_beat_hangs)
    assert server.run() == ["lifespan.startup.complete", "beating", "lifespan.shutdown.complete"]
