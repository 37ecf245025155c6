"""The memo provider with a plan of faults: it accepts and breaks off, is busy, or falls over."""

import socket
import struct
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from channels_app.simulator.memo import MemoHandler, MemoServer
from tests.fakes.serving import serving

HANG_SECONDS = 6.0  # longer than the sender waits


class FaultyMemoServer(MemoServer):
    """`plan()` is asked for each message and names a fault, or is None: see `FAULTS`."""

    def __init__(self, plan: Callable[[], str | None] = lambda: None, port: int = 0) -> None:
        super().__init__(port, _FaultyHandler)
        self.plan = plan
        self.faults: list[tuple[float, str, str]] = []  # when, what, reference


class _FaultyHandler(MemoHandler):
    server: FaultyMemoServer

    def take(self, body: dict[str, Any]) -> None:
        fault = self.server.plan()
        if fault is None:
            super().take(body)
            return
        self.server.faults.append((time.time(), fault, body["reference"]))
        with suppress(OSError):
            FAULTS[fault](self, body)

    def accept_then_hang(self, body: dict[str, Any]) -> None:
        self.server.accept(body)
        time.sleep(HANG_SECONDS)

    def accept_then_reset(self, body: dict[str, Any]) -> None:
        self.server.accept(body)
        self.reset(body)

    def accept_then_502(self, body: dict[str, Any]) -> None:
        self.server.accept(body)
        self.say(502, {"error": "bad gateway"})

    def error_500(self, _: dict[str, Any]) -> None:
        self.say(500, {"error": "nothing was accepted, but who can tell"})

    def busy(self, _: dict[str, Any]) -> None:
        self.say(429, {"error": "slow down"}, Retry_After="1")

    def reset(self, _: dict[str, Any]) -> None:
        # Closing with a zero linger sends RST, not FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


FAULTS: dict[str, Callable[[_FaultyHandler, dict[str, Any]], None]] = {
    "accept_then_hang": _FaultyHandler.accept_then_hang,
    "accept_then_reset": _FaultyHandler.accept_then_reset,
    "accept_then_502": _FaultyHandler.accept_then_502,
    "error_500": _FaultyHandler.error_500,
    "busy": _FaultyHandler.busy,
    "reset": _FaultyHandler.reset,
}


def memo_server(plan: Callable[[], str | None] = lambda: None) -> AbstractContextManager[FaultyMemoServer]:
    """A running memo provider."""
    return serving(FaultyMemoServer(plan))
