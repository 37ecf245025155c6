"""A hit as the search would give it."""

from typing import Any

from knowledge.search import Hit

USUAL: dict[str, Any] = {
    "article_id": 1, "slug": "t", "title": "T", "summary": "", "url": "/help/t", "revision": 1, "chunk_id": 1,
    "section": "T", "passage": "Choose **Settings**.", "similarity": 0.8, "nearness": 0.8, "words": 1, "evidence": 0,
    "score": 0.8, "confidence": 0.9,
}  # fmt: skip


def hit(**changes: Any) -> Hit:
    return Hit(**{**USUAL, **changes})
