"""OpenAI's embedding endpoint on the loopback: the local model's vectors in dimensions of their own."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from knowledge.embeddings import LOCAL_MODEL_ID, embedder
from tests.fakes.serving import serving


class FakeEmbeddings(ThreadingHTTPServer):
    """Near texts are near each other, but never near to a vector of the local model: the two do not mix.

    `refuses`: texts with this word are refused. `vectors`: given in place of the right ones. Clear `answering`, and
    requests wait until it is set; `arrived` is set by each.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.status = 200
        self.refuses = ""
        self.vectors: list[list[float]] | None = None
        self.arrived, self.answering = threading.Event(), threading.Event()
        self.answering.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: FakeEmbeddings

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += body["input"]
        self.server.arrived.set()
        self.server.answering.wait(20)
        refused = self.server.refuses and any(self.server.refuses in text for text in body["input"])
        if refused or self.server.status != 200:
            self._say({"error": {"message": "refused by the fake"}}, 400 if refused else self.server.status)
            return
        vectors = self.server.vectors or [v[::-1] for v in embedder(LOCAL_MODEL_ID).embed(body["input"])]
        data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        self._say({"object": "list", "model": body["model"], "data": data, "usage": usage}, 200)

    def _say(self, body: dict[str, Any], status: int) -> None:
        raw = json.dumps(body).encode()
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """Quiet: the tests look at `asked`."""


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEmbeddings]:
    """A provider for OpenAI's client, with a key in the settings and a model of its own (clients are kept by it)."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.0)
    with serving(FakeEmbeddings()) as server:
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "not-a-real-key", server.url
        settings.OPENAI_EMBEDDING_MODEL = f"wire-{uuid.uuid4().hex[:8]}"
        yield server
        server.answering.set()
