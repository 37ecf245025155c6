"""Vectors kept by the text they were made from, over many runs: what embeds the same documents again need not wait."""

import hashlib
import sqlite3
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from fte_project.embedded import make_state_dir
from knowledge.embeddings import Embedder, EmbeddingFailed
from knowledge.models import DIMENSIONS

MAKE = """
CREATE TABLE IF NOT EXISTS vector (model_id TEXT, sha256 BLOB, floats BLOB NOT NULL, PRIMARY KEY (model_id, sha256))
"""
FIND = "SELECT floats FROM vector WHERE model_id = :model AND sha256 = :sha256"
KEEP = "INSERT OR IGNORE INTO vector (model_id, sha256, floats) VALUES (:model, :sha256, :floats)"
PATIENCE_SECONDS = 30  # for another process that writes


def cache_file() -> Path:
    """The file of this instance."""
    make_state_dir(settings.STATE_DIR)
    return settings.STATE_DIR / "embeddings.sqlite3"


class CachedEmbedder:
    """Another embedder, asked only for texts that neither it nor an earlier process has embedded.

    Keeps hashes and vectors, no words. Vectors come back as float32, as the database keeps them. `embedded` and
    `seconds` tell what the other embedder had to do here. For documents: what is timed must not come from a cache.
    """

    def __init__(self, inner: Embedder, path: Path | None = None) -> None:
        self.model_id = inner.model_id
        self.embedded = 0
        self.seconds = 0.0
        self._inner = inner
        self._path = path or cache_file()

    def embed(self, texts: Sequence[str], *, seconds: float | None = None) -> list[list[float]]:
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        found = self._find(set(keys))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            began = time.perf_counter()
            vectors = self._inner.embed(list(missing.values()), seconds=seconds)
            self.seconds += time.perf_counter() - began
            self.embedded += len(missing)
            made = {key: _pack(vector) for key, vector in zip(missing, vectors, strict=True)}
            self._keep(made)
            found.update(made)
        return [_unpack(found[key]) for key in keys]

    def _find(self, keys: set[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        with self._open() as db:
            for key in keys:
                row = db.execute(FIND, {"model": self.model_id, "sha256": key}).fetchone()
                if row is not None:
                    found[key] = row[0]
        return found

    def _keep(self, made: dict[bytes, bytes]) -> None:
        rows = [{"model": self.model_id, "sha256": key, "floats": floats} for key, floats in made.items()]
        with self._open() as db:
            db.executemany(KEEP, rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction. SQLite's own lock keeps two processes apart."""
        try:
            db = sqlite3.connect(self._path, timeout=PATIENCE_SECONDS)
            try:
                with db:
                    db.execute(MAKE)
                    yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise EmbeddingFailed(
                f"The kept vectors in {self._path} cannot be used ({error}): remove the file."
            ) from error


def _pack(vector: Sequence[float]) -> bytes:
    """Without the zeros that fill it up to the column's size."""
    size = len(vector)
    while size and vector[size - 1] == 0.0:
        size -= 1
    return array("f", vector[:size]).tobytes()


def _unpack(floats: bytes) -> list[float]:
    values = array("f")
    values.frombytes(floats)
    return [*values.tolist(), *([0.0] * (DIMENSIONS - len(values)))]
