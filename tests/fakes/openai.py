"""A loopback server that speaks enough of OpenAI's API for the real SDK: responses, chat completions, embeddings."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from knowledge.embeddings import LOCAL_MODEL_ID, embedder


class FakeOpenAI(ThreadingHTTPServer):
    """Answers every model request with one call of `tool`; `requests` keeps (path, body) as they came."""

    daemon_threads = True

    def __init__(self, tool: str, arguments: dict[str, Any], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.tool, self.arguments = tool, arguments
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.answering = threading.Event()  # clear it, and model requests wait until it is set
        self.answering.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def asked(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body in self.requests if where == path]


class _Handler(BaseHTTPRequestHandler):
    server: FakeOpenAI

    def do_GET(self) -> None:
        self._say({"object": "list", "data": []}, self.server.status)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, body))
        if self.server.status != 200:
            self._say({"error": {"message": "refused by the fake", "type": "server_error"}}, self.server.status)
            return
        answer = {
            "/v1/embeddings": self._embeddings,
            "/v1/responses": self._response,
            "/v1/chat/completions": self._completion,
        }[self.path]
        if self.path != "/v1/embeddings":
            self.server.answering.wait(60)
        with suppress(ConnectionError):  # whoever asked may be gone
            self._say(answer(body))

    def _say(self, body: dict[str, Any], status: int = 200) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _embeddings(self, body: dict[str, Any]) -> dict[str, Any]:
        vectors = embedder(LOCAL_MODEL_ID).embed(body["input"])
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
        return {
            "object": "list",
            "model": body["model"],
            "data": data,
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }

    def _response(self, body: dict[str, Any]) -> dict[str, Any]:
        call = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": self.server.tool,
            "arguments": json.dumps(self.server.arguments),
            "status": "completed",
        }
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 0,
            "model": body["model"],
            "status": "completed",
            "output": [call],
            "parallel_tool_calls": False,
            "tool_choice": "required",
            "tools": [],
            "usage": {
                "input_tokens": 900,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 80,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 980,
            },
        }

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        function = {"name": self.server.tool, "arguments": json.dumps(self.server.arguments)}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        }
        return {
            "id": "cmpl_1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980},
        }

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the tests look at `requests`."""


@contextmanager
def fake_openai(tool: str, *, port: int = 0, **arguments: Any) -> Iterator[FakeOpenAI]:
    """A running fake; every model request is answered with this tool call."""
    server = FakeOpenAI(tool, arguments, port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.answering.set()
        server.shutdown()
        server.server_close()
        thread.join()
