"""How alike words are by their embeddings, for the gate, which takes it as a plain function."""

from collections.abc import Sequence

from agent_runner.support import Likeness
from knowledge.embeddings import Embedder

KEPT = 20_000  # vectors of words


def likeness_of(embedder: Embedder) -> Likeness:
    """A function that says how near a text is to the nearest of others. It embeds each text once."""
    vectors: dict[str, list[float]] = {}

    def likeness(text: str, others: Sequence[str]) -> float:
        if len(vectors) > KEPT:
            vectors.clear()
        missing = [t for t in dict.fromkeys([text, *others]) if t not in vectors]
        vectors.update(zip(missing, embedder.embed(missing), strict=True))
        mine = vectors[text]
        return max((sum(a * b for a, b in zip(mine, vectors[t], strict=True)) for t in others), default=0.0)

    return likeness
