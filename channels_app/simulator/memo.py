"""The memo provider: accepts messages over HTTP and can be asked what it accepted.

It never notices a duplicate: whoever sends twice has delivered twice, and `accepted` shows it.
"""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, kw_only=True)
class Memo:
    """One accepted message: its id here, what was sent, and when (seconds, time.time)."""

    id: str
    body: dict[str, Any]
    at: float


class MemoHandler(BaseHTTPRequestHandler):
    """POST /memos accepts one; GET /memos?reference= lists the ids of those under the sender's reference."""

    server: "MemoServer"

    def do_POST(self) -> None:
        self.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def take(self, body: dict[str, Any]) -> None:
        self.say(201, {"id": self.server.accept(body).id})

    def do_GET(self) -> None:
        reference = parse_qs(urlsplit(self.path).query).get("reference", [""])[0]
        self.say(200, [{"id": m.id} for m in list(self.server.accepted) if m.body["reference"] == reference])

    def say(self, status: int, body: object, **headers: str) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: who wants to know looks at `accepted`."""


class MemoServer(ThreadingHTTPServer):
    """The provider on a loopback port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, handler: type[MemoHandler] = MemoHandler) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.accepted: list[Memo] = []
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
