"""What becomes of questions with known answers, sent as mails through the worker's own code."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from asgiref.sync import async_to_sync

from agent_runner.likeness import SENTENCE_END
from agent_runner.models import AgentRun
from agent_runner.retrieval import Progress, Sets, prepare
from agent_runner.worker import answer
from fte_project.events import Channel
from knowledge.calibrating import calibrate, probes
from knowledge.question_files import OffTopic, Question
from knowledge.search import search
from tickets.intake import Address, InboundMessage, receive
from tickets.models import Message, Trust

FIXED = (Message.Kind.QUESTION, Message.Kind.CLOSING)


@dataclass(frozen=True, kw_only=True)
class Handled:
    """What became of one question: `row` is the question, `run` what the assistant did, `reply` what was sent."""

    row: Question | OffTopic
    run: AgentRun
    reply: Message
    ms: float

    @property
    def verdict(self) -> str:
        """The gate's, or what a fixed reply is: it quotes nothing and counts as no answer."""
        return self.run.verdict if self.reply.kind not in FIXED else str(self.reply.kind)

    @property
    def gold(self) -> frozenset[str]:
        """The slugs that answer it; none for what is off topic."""
        return frozenset(self.row.gold) if isinstance(self.row, Question) else frozenset()

    @property
    def quoted(self) -> str:
        """The slug of the article that is quoted; empty when none is."""
        return next((s["slug"] for s in self.reply.sources if s["passage"]), "")

    @property
    def slugs(self) -> list[str]:
        return [s["slug"] for s in self.reply.sources]

    @property
    def beside_search_ms(self) -> float:
        """What it took on top of embedding and search."""
        searched: float = sum(call["ms"] for call in self.run.calls if call["tool"] == "search_knowledge_base")
        return self.ms - searched

    def unsupported(self) -> list[str]:
        """The sentences of an answer that stand word for word in no passage it cites."""
        if self.verdict != "answer":
            return []
        passages = [_plain(s["passage"]) for s in self.reply.sources if s["passage"]]
        words = self.run.draft if self.run.draft in self.reply.body else self.reply.body
        return [s for s in SENTENCE_END.split(words) if not any(_plain(s) in passage for passage in passages)]


@dataclass(kw_only=True)
class Answered:
    """All that was asked."""

    questions: list[Handled] = field(default_factory=list)
    offtopic: list[Handled] = field(default_factory=list)


def evaluate_answers(sets: Sets, labelled: Sequence[Question], progress: Progress) -> Answered:
    """Load, index and learn, calibrate with `labelled` when there are any, then let the assistant answer everything.

    In an empty database, which it fills, and in no transaction. Raises NotEvaluated, EmbeddingFailed, CannotCalibrate.
    """
    sets = without_themselves(sets)
    prepare(sets, progress)
    if labelled:
        calibrate(probes(labelled))
    search("warm up")
    done = Answered()
    for what, rows, into in (
        ("Answering", sets.questions, done.questions),
        ("Off topic", sets.offtopic or (), done.offtopic),
    ):
        step = progress(what, len(rows))
        for row in rows:
            into.append(handle(row))
            step()
    return done


def without_themselves(sets: Sets) -> Sets:
    """The sets without resolved questions that are asked here and would count as their own evidence."""
    asked = {q.source(): q.asked_at for q in sets.questions}
    kept = [r for r in sets.resolved or () if not _is_before(r.asked_at, asked.get(r.source()))]
    return replace(sets, resolved=None if sets.resolved is None else tuple(kept))


def _is_before(resolved_at: datetime | None, asked_at: datetime | None) -> bool:
    return bool(resolved_at and asked_at and resolved_at < asked_at)


def handle(row: Question | OffTopic) -> Handled:
    """Send it as a new customer's mail and let the worker answer, timed from the claim to the stored reply."""
    message = receive(_mail(row)).message
    began = time.perf_counter()
    async_to_sync(answer)(message.conversation_id)
    ms = (time.perf_counter() - began) * 1000
    run = AgentRun.objects.filter(conversation=message.conversation_id).select_related("reply").get()
    assert run.reply is not None  # nobody else is here who could have taken over
    return Handled(row=row, run=run, reply=run.reply, ms=ms)


def _mail(row: Question | OffTopic) -> InboundMessage:
    mark = uuid.uuid4().hex
    address = f"{mark}@example.com"
    return InboundMessage(
        channel=Channel.EMAIL,
        mailbox="evaluation",
        external_id=mark,
        sender=Address(kind="email", value=address, raw=address),
        name="",
        subject=row.title[:200],
        body=row.body,
        raw=b"",
        trust=Trust.CHANNEL_VERIFIED,
        received_at=row.asked_at if isinstance(row, Question) else None,
    )


def _plain(text: str) -> str:
    return " ".join(text.split())
