"""The labelled cases, sent through intake and worker: what the assistant does with each."""

import json
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db.models.functions import Now

from agent_runner.models import AgentRun
from agent_runner.worker import answer
from channels_app.gmail.quotes import new_text
from fte_project.events import Channel
from tickets.escalations import claim, hand_back
from tickets.intake import Address, InboundMessage, receive
from tickets.models import Conversation, Message, Ticket, Trust
from tickets.replies import reply

CASES = Path(__file__).parent / "cases"
# What a fixed text is to the customer, where no article is quoted.
FIXED = {"question": "ask", "closing": "thanks"}


@dataclass(frozen=True)
class Acted:
    """A case, what the assistant did with its last message, and why."""

    row: dict[str, Any]
    action: str
    run: AgentRun

    @property
    def is_right(self) -> bool:
        return self.action in self.row["actions"]

    def __str__(self) -> str:
        return f"{self.row['id']}: {self.action}, not {self.row['actions']} {self.run.reason} {self.run.findings}"


def cases() -> Iterator[dict[str, Any]]:
    """Every case as messages of one conversation. Automatic mail is told by its headers, which these do not have."""
    for name in ("questions", "tickets", "edge_cases"):
        for line in (CASES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["actions"] == ["none"]:
                continue
            row.setdefault("messages", [{"author": "customer", "text": row.get("body", "")}])
            yield row


def act(row: dict[str, Any], sam: User) -> Acted:
    """Let the conversation happen up to its last message, and the assistant do its work."""
    ticket: Ticket | None = None
    for number, message in enumerate(row["messages"]):
        if message["author"] == "customer":
            subject = row.get("title", row.get("subject", "")) if number == 0 else ""
            ticket = receive(_inbound(row, subject, message["text"]), about=ticket).ticket
            continue
        assert ticket is not None
        if message["author"] == "staff":
            claim(ticket, sam)
            reply(ticket, body=message["text"], staff=sam)
            ticket.refresh_from_db()
            hand_back(ticket, sam)
        else:
            reply(ticket, body=message["text"], kind=Message.Kind.ANSWER)
        ticket.refresh_from_db()
    assert ticket is not None
    Conversation.objects.filter(pk=ticket.conversation_id).update(work_due_at=Now())  # its quiet time is over
    async_to_sync(answer)(ticket.conversation_id)
    run = AgentRun.objects.filter(conversation=ticket.conversation_id).select_related("reply").latest("id")
    assert run.reply is not None
    return Acted(row, FIXED.get(run.reply.kind, run.verdict), run)


def _inbound(row: dict[str, Any], subject: str, text: str) -> InboundMessage:
    channel = Channel(row["channel"])
    is_phone = channel == Channel.WHATSAPP
    address = f"+4479460{zlib.crc32(row['id'].encode()) % 100_000:05d}" if is_phone else f"{row['id']}@example.com"
    return InboundMessage(
        channel=channel,
        mailbox="cases",
        external_id=uuid.uuid4().hex,
        sender=Address(kind="phone" if is_phone else "email", value=address, raw=address),
        name="",
        subject=subject,
        body=new_text(text) if channel == Channel.EMAIL else text,
        raw=text.encode(),
        trust=Trust.CHANNEL_VERIFIED,
    )
