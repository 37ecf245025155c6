"""What a run knows and what its tools may write down. The model never sees this object, nor any id in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agent_runner.sentiment import Feeling
from knowledge.search import Found, Hit


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What send_response proposed. Only the gate decides what becomes of it."""

    message: str
    citations: tuple[str, ...]
    sentiment: float
    confidence: float
    language: str

    def cited(self, hits: Mapping[str, Hit]) -> list[Hit]:
        """The passages it cites, of those that were found."""
        return [hits[name] for name in self.citations if name in hits]


@dataclass(frozen=True, kw_only=True)
class HandOverRequest:
    """What escalate_to_human proposed."""

    reason: str
    urgency: str


@dataclass(kw_only=True)
class RunContext:
    """One run: who writes about what (fixed), and what the tools have found and proposed so far."""

    conversation_id: int
    ticket_id: int
    reference: str
    channel: str
    customer_id: int
    customer_name: str
    subject: str
    question: str
    priority: str
    category: str
    message_ids: tuple[int, ...]
    is_opening: bool = False  # the ticket's first message is among them: its subject speaks for it
    asked_at: datetime | None = None  # what was resolved later is no evidence; None: now
    max_words: int = 300
    language: str = ""  # of the customer's words, when it is sure
    has_history: bool = False
    asked_before: tuple[str, ...] = ()  # the customer's words in this conversation that were answered, newest first

    done: list[str] = field(default_factory=list)
    hits: dict[str, Hit] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    draft: Draft | None = None
    hand_over: HandOverRequest | None = None
    moods: dict[int, Feeling] = field(default_factory=dict)  # of its messages, by id
    calls: list[dict[str, Any]] = field(default_factory=list)

    def said(self) -> str:
        """What the customer said now; the subject belongs to the ticket's first message."""
        return f"{self.subject}\n{self.question}" if self.is_opening else self.question

    def searches(self) -> int:
        return self.done.count("search_knowledge_base")

    def ended(self) -> bool:
        """The model has proposed an end: an answer or a hand-over."""
        return self.draft is not None or self.hand_over is not None

    def remember(self, found: Found) -> dict[str, Hit]:
        """Give hits their ids (h1, h2 …), the same id for the same passage in a second search."""
        self.found.append(found)
        known = {hit.chunk_id: name for name, hit in self.hits.items()}
        named = {}
        for hit in found.hits:
            name = known.get(hit.chunk_id) or f"h{len(self.hits) + 1}"
            self.hits[name] = named[name] = hit
        return named
