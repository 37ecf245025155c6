"""A webhook on the loopback: what it was asked, and what it took."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DROP = "drop"  # take it, and close the connection instead of answering


class FakeWebhook(ThreadingHTTPServer):
    """Answers every post with the status `answer`; 2xx and `drop` are accepted."""

    daemon_threads = True

    def __init__(self, answer: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[str] = []
        self.accepted: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: FakeWebhook

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        answer = self.server.answer
        if answer == DROP or answer.startswith("2"):
            self.server.accepted.append((dict(self.headers), raw))
        if answer == DROP:
            self.close_connection = True
            return
        self.send_response(int(answer))
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the tests look at `asked` and `accepted`."""


@contextmanager
def webhook(answer: str = "204") -> Iterator[FakeWebhook]:
    """A running webhook."""
    with FakeWebhook(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
