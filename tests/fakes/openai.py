"""A loopback server that speaks enough of OpenAI's API for the real SDK: responses, chat completions, embeddings.

What it does wrong is a plan: a list of steps, one for each model request; after the last it behaves.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from knowledge.embeddings import LOCAL_MODEL_ID, embedder
from tests.fakes.token_bucket import TokenBucket

OUTPUT_TOKENS = 80
_ids = count(1)  # a call's id is its own: the SDK executes no id twice
Call = tuple[str, str]  # a tool and its arguments as the model wrote them


@dataclass(frozen=True, kw_only=True)
class Step:
    """How one request is answered: an error of the provider, or what the model says."""

    status: int = 200
    error: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    calls: tuple[Call, ...] = ()
    text: str = ""
    refusal: str = ""
    is_incomplete: bool = False
    hangs: bool = False


def fails(status: int, headers: dict[str, str] | None = None, **error: Any) -> Step:
    """The provider's error, e.g. `fails(429, {"Retry-After": "1"})`."""
    return Step(status=status, headers=headers or {}, error={"message": "refused by the fake", "type": "x", **error})


def says(*calls: tuple[str, dict[str, Any] | str]) -> Step:
    """These tool calls in one turn; arguments that are a string are sent as they are."""
    return Step(calls=tuple((tool, given if isinstance(given, str) else json.dumps(given)) for tool, given in calls))


HANGS = Step(hangs=True)
GARBAGE = Step(raw=b"<html>Welcome to our proxy</html>")


class FakeOpenAI(ThreadingHTTPServer):
    """Answers every model request with one call of `tool`; `requests` keeps (path, body) as they came."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, tool: str, arguments: dict[str, Any], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.tool, self.arguments = tool, arguments
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.plan: list[Step] = []
        self.limit: TokenBucket | None = None  # counts what is sent, four characters a token, and OUTPUT_TOKENS
        self.quotes = False  # answers with the first passage that the request shows
        self.answering = threading.Event()  # clear it, and model requests wait until it is set
        self.answering.set()
        self.released = threading.Event()  # set it, and what hangs is answered

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def asked(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body in self.requests if where == path]

    def asked_model(self) -> list[dict[str, Any]]:
        """The requests that were for a model, in either API mode."""
        return [body for where, body in self.requests if where != "/v1/embeddings"]

    def next_step(self, body: dict[str, Any]) -> Step:
        if self.plan:
            return self.plan.pop(0)
        return says((self.tool, self.arguments | ({"message": first_passage(body)} if self.quotes else {})))


def first_passage(body: dict[str, Any]) -> str:
    """The best passage of the search that a request shows, in either API mode."""
    outputs = [item.get("output") or item.get("content") for item in body.get("input", body.get("messages", []))]
    found = next(o for o in reversed(outputs) if isinstance(o, str) and o.startswith("[{"))
    return str(json.loads(found)[0]["passage"])


class _Handler(BaseHTTPRequestHandler):
    server: FakeOpenAI
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say({"object": "list", "data": []}, self.server.status)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(raw)
        self.server.requests.append((self.path, body))
        with suppress(ConnectionError):  # whoever asked may be gone
            if self.server.status != 200:
                self._say({"error": {"message": "refused by the fake", "type": "server_error"}}, self.server.status)
            elif self.path == "/v1/embeddings":
                self._say(self._embeddings(body))
            else:
                self._as_model(body, len(raw) // 4)

    def _as_model(self, body: dict[str, Any], input_tokens: int) -> None:
        headers: dict[str, str] = {}
        if self.server.limit is not None:
            is_granted, headers = self.server.limit.take(input_tokens + OUTPUT_TOKENS)
            if not is_granted:
                said = {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}
                self._say({"error": said}, 429, headers)
                return
        else:
            input_tokens = 900
        self.server.answering.wait(60)
        step = self.server.next_step(body)
        if step.hangs:
            self.server.released.wait(60)
        if step.raw is not None:
            self._write(step.raw, step.status, headers)
        elif step.status != 200:
            self._say({"error": step.error}, step.status, headers | step.headers)
        else:
            answer = {"/v1/responses": _response, "/v1/chat/completions": _completion}[self.path]
            self._say(answer(body["model"], step, input_tokens), 200, headers)

    def _say(self, body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._write(json.dumps(body).encode(), status, headers or {})

    def _write(self, raw: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
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

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the tests look at `requests`."""


def _response(model: str, step: Step, input_tokens: int) -> dict[str, Any]:
    """An answer of the Responses API."""
    output: list[dict[str, Any]] = [
        {
            "type": "function_call",
            "id": f"fc_{next(_ids)}",
            "call_id": f"call_{next(_ids)}",
            "name": tool,
            "arguments": given,
        }
        | {"status": "completed"}
        for tool, given in step.calls
    ]
    if step.refusal:
        content: dict[str, Any] = {"type": "refusal", "refusal": step.refusal}
    else:
        content = {"type": "output_text", "text": step.text, "annotations": [], "logprobs": []}
    if step.refusal or step.text:
        message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [content]}
        output.append(message)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "model": model,
        "status": "incomplete" if step.is_incomplete else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if step.is_incomplete else None,
        "output": output,
        "parallel_tool_calls": False,
        "tool_choice": "required",
        "tools": [],
        "usage": {
            "input_tokens": input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": OUTPUT_TOKENS,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": input_tokens + OUTPUT_TOKENS,
        },
    }


def _completion(model: str, step: Step, input_tokens: int) -> dict[str, Any]:
    """An answer of the Chat Completions API."""
    calls = [
        {"id": f"call_{next(_ids)}", "type": "function", "function": {"name": tool, "arguments": given}}
        for tool, given in step.calls
    ]
    message: dict[str, Any] = {"role": "assistant", "content": step.text or None}
    if calls:
        message["tool_calls"] = calls
    if step.refusal:
        message["refusal"] = step.refusal
    reason = "length" if step.is_incomplete else "tool_calls" if calls else "stop"
    return {
        "id": "cmpl_1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": input_tokens,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": input_tokens + OUTPUT_TOKENS,
        },
    }


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
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
