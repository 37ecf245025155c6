"""Vectors: of the right shape whoever makes them, and a clear error when nobody can."""

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from knowledge import embeddings
from knowledge.embeddings import LOCAL_MODEL_ID, EmbeddingFailed, embedder
from knowledge.models import DIMENSIONS


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_local_vectors_have_the_columns_size_and_length_one() -> None:
    vectors = embedder(LOCAL_MODEL_ID).embed(["reset my password", "", "x" * 10_000, "日本語", "👩‍👩‍👧"])
    assert [len(v) for v in vectors] == [DIMENSIONS] * 5
    assert all(math.isclose(math.hypot(*v), 1, abs_tol=1e-3) for v in vectors)
    assert set(vectors[0][384:]) == {0.0}


def test_nearer_meaning_is_nearer() -> None:
    a, b, c = embedder(LOCAL_MODEL_ID).embed(["I forgot my password", "reset your password", "track time on a task"])
    assert cosine(a, b) > cosine(a, c) + 0.2


def test_a_text_has_its_vector_whatever_stands_beside_it() -> None:
    texts = [f"{'word ' * n}{n}" for n in range(1, 40)]
    together = embedder(LOCAL_MODEL_ID).embed(texts)
    for n in (0, 17, 38):
        (alone,) = embedder(LOCAL_MODEL_ID).embed([texts[n]])
        assert cosine(alone, together[n]) > 0.98, "int8 rounds differently in a batch, but the text is the same"
    assert embedder(LOCAL_MODEL_ID).embed([]) == []


def test_a_model_is_loaded_once() -> None:
    assert embedder(LOCAL_MODEL_ID) is embedder(LOCAL_MODEL_ID)


def test_an_unknown_model_says_what_it_needs() -> None:
    with pytest.raises(EmbeddingFailed, match="OPENAI_API_KEY"):
        embedder("text-embedding-3-small")


def test_a_damaged_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "LOCAL_MODEL_SHA256", "0" * 64)
    with pytest.raises(EmbeddingFailed, match="reinstall"):
        embeddings.LocalEmbedder()


class Provider(BaseHTTPRequestHandler):
    """OpenAI's embedding endpoint on the loopback: answers with what the test put here."""

    status = 200
    vectors: list[list[float]] | None = None
    asked: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Provider.asked.append(body)
        vectors = self.vectors if self.vectors is not None else [[0.6, 0.8]] * len(body["input"])
        data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(vectors)]
        answer = json.dumps(
            {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        ).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider(settings: Any) -> Iterator[type[Provider]]:
    Provider.status, Provider.vectors, Provider.asked = 200, None, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        settings.OPENAI_API_KEY = "test"
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.server_address[1]}/v1"
        settings.OPENAI_TIMEOUT_SECONDS = 5.0
        yield Provider
        server.shutdown()


def test_a_providers_vectors_are_padded_to_the_column(provider: type[Provider]) -> None:
    found = embeddings.OpenAIEmbedder().embed([f"text {n}" for n in range(150)])
    assert [len(v) for v in found] == [DIMENSIONS] * 150
    assert found[0][:3] == [0.6, 0.8, 0.0]
    assert [len(a["input"]) for a in provider.asked] == [100, 50]
    assert provider.asked[0]["model"] == "text-embedding-3-small"


@pytest.mark.parametrize(
    ("status", "vectors"),
    [
        (500, None),
        (401, None),
        (200, []),
        (200, [[0.1], [0.2]]),
        (200, [[0.1] * (DIMENSIONS + 1)]),
        (200, [[]]),
        (200, [[0.0, 0.0]]),
        (200, [[float("nan"), 1.0]]),
    ],
    ids=["500", "401", "none", "too many", "too wide", "empty", "zero", "NaN"],
)
def test_a_provider_that_gives_no_usable_vector_has_failed(
    status: int, vectors: Any, provider: type[Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.0)
    provider.status, provider.vectors = status, vectors
    with pytest.raises(EmbeddingFailed):
        embeddings.OpenAIEmbedder().embed(["text"])
