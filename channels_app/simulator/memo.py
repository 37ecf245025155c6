"""The memo provider: accepts messages over HTTP, keeps what it accepted, and misbehaves as its plan says.

It never notices a duplicate: whoever sends twice has delivered twice, and `accepted` shows it.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HANG_SECONDS = 6.0  # longer than the sender waits


@dataclass(frozen=True, kw_only=True)
class Memo:
    """One accepted message: its id here, what was sent, and when (seconds, time.time)."""

    id: str
    body: dict[str, Any]
    at: float


class MemoServer(ThreadingHTTPServer):
    """`plan()` is asked for each message and names a fault, or is None: see `FAULTS`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, plan: Callable[[], str | None] = lambda: None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.plan = plan
        self.accepted: list[Memo] = []
        self.faults: list[tuple[float, str, str]] = []  # when, what, reference
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def accept(self, body: dict[str, Any]) -> Memo:
        with self._lock:
            memo = Memo(id=f"memo-{len(self.accepted) + 1}", body=body, at=time.time())
            self.accepted.append(memo)
        return memo

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a request is no news here."""


class _Handler(BaseHTTPRequestHandler):
    server: MemoServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.server.plan()
        if fault is None:
            self._say(201, {"id": self.server.accept(body).id})
            return
        self.server.faults.append((time.time(), fault, body["reference"]))
        with suppress(OSError):
            FAULTS[fault](self, body)

    def do_GET(self) -> None:
        reference = parse_qs(urlsplit(self.path).query).get("reference", [""])[0]
        self._say(200, [{"id": m.id} for m in list(self.server.accepted) if m.body["reference"] == reference])

    def _say(self, status: int, body: object, **headers: str) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _accept_then_hang(self, body: dict[str, Any]) -> None:
        self.server.accept(body)
        time.sleep(HANG_SECONDS)

    def _accept_then_reset(self, body: dict[str, Any]) -> None:
        self.server.accept(body)
        self._reset(body)

    def _accept_then_502(self, body: dict[str, Any]) -> None:
        self.server.accept(body)
        self._say(502, {"error": "bad gateway"})

    def _error_500(self, _: dict[str, Any]) -> None:
        self._say(500, {"error": "nothing was accepted, but who can tell"})

    def _busy(self, _: dict[str, Any]) -> None:
        self._say(429, {"error": "slow down"}, Retry_After="1")

    def _reset(self, _: dict[str, Any]) -> None:
        # Closing with a zero linger sends RST, not FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: tests look at `accepted` and `faults`."""


FAULTS: dict[str, Callable[[_Handler, dict[str, Any]], None]] = {
    "accept_then_hang": _Handler._accept_then_hang,
    "accept_then_reset": _Handler._accept_then_reset,
    "accept_then_502": _Handler._accept_then_502,
    "error_500": _Handler._error_500,
    "busy": _Handler._busy,
    "reset": _Handler._reset,
}


@contextmanager
def memo_server(plan: Callable[[], str | None] = lambda: None) -> Iterator[MemoServer]:
    """A running memo provider."""
    with MemoServer(plan) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
