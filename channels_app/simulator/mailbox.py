"""A mailbox of the simulated Gmail: history with pages and expiry, threads, labels, drafts, and who watches it.

It changes the Message-ID of what it sends, as Gmail may; a draft can be sent once. `sent` shows what was delivered.
"""

import base64
import itertools
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from functools import cached_property
from pathlib import Path
from typing import Any

WATCH_DAYS = 7
QUERY = re.compile(r"(-?)(\w+):(\S+)")
REPLY_PREFIX = re.compile(r"^(?:(?:re|fwd?|aw|wg)\s*:\s*)+", re.IGNORECASE)
INTERNAL_MS = 1000
KINDS = {"messageAdded": "messagesAdded", "labelRemoved": "labelsRemoved"}


class NotFound(LookupError):
    """There is no such message or draft, or the history does not reach back so far."""


@dataclass(kw_only=True)
class Stored:
    """A message in the mailbox."""

    id: str
    thread_id: str
    labels: set[str]
    raw: bytes
    at: float = field(default_factory=time.time)
    history_id: int = 0  # of its coming in
    draft_id: str = ""  # that it was sent as

    @cached_property
    def parsed(self) -> Message:
        return message_from_bytes(self.raw)

    @cached_property
    def message_id(self) -> str:
        return str(self.parsed["Message-ID"] or "").strip()

    @cached_property
    def subject(self) -> str:
        return REPLY_PREFIX.sub("", str(self.parsed["Subject"] or "")).strip()


class Mailbox:
    """One mailbox: what is in it, what happened to it, and what left it, also as files in `folder`.

    `tell(address, history id)` hears of every change while the mailbox is watched.
    """

    def __init__(
        self, address: str, *, tell: Callable[[str, int], None] | None = None, folder: Path | None = None
    ) -> None:
        self.address = address
        self.messages: dict[str, Stored] = {}
        self.drafts: dict[str, str] = {}  # draft -> message
        self.sent: list[Stored] = []
        self.watched_until = 0.0
        self._watched_labels: set[str] = set()
        self._tell, self._folder = tell, folder
        self._history: list[tuple[int, str, str, tuple[str, ...]]] = []  # (history id, kind, message, labels)
        # They grow over restarts too: a cursor from before one is too old, as with Gmail after some days.
        self._numbers = itertools.count(time.time_ns() // 1000)
        self._oldest = next(self._numbers)
        self._lock = threading.RLock()

    @property
    def history_id(self) -> int:
        """The newest one; it grows with every change."""
        return self._history[-1][0] if self._history else self._oldest

    def receive(self, raw: bytes, labels: tuple[str, ...] = ("INBOX", "UNREAD")) -> Stored:
        """A mail comes in, or is put here by a person (`SENT`), and joins the thread it answers."""
        with self._lock:
            return self._add(raw, set(labels), thread_id=None)

    def relabel(self, message_id: str, *labels: str) -> None:
        """Somebody moves a message, for example to SPAM."""
        with self._lock:
            found = self._found(message_id)
            removed, found.labels = found.labels - set(labels), set(labels)
            self._happened("labelsRemoved", message_id, *sorted(removed))

    def delete(self, message_id: str) -> None:
        with self._lock:
            self.messages.pop(message_id, None)
            self._happened("messagesDeleted", message_id)

    def expire_history(self) -> None:
        """Everything up to now is forgotten, as Gmail does after days, or after hours."""
        with self._lock:
            self._happened("labels", "")
            self._oldest = self.history_id

    # What the API offers

    def history(self, start: int, *, types: str, page: str, size: int) -> dict[str, Any]:
        """A page of what happened after `start`, of some types. Raises NotFound when that is too long ago."""
        kinds = {KINDS[name] for name in types.split(",") if name in KINDS}
        with self._lock:
            if start < self._oldest:
                raise NotFound("Requested entity was not found.")
            told = [row for row in self._history if row[0] > start and row[1] in kinds]
            begin = int(page or 0)
            rows: list[dict[str, Any]] = []
            for number, kind, message_id, labels in told[begin : begin + size]:
                change = {"message": self._stub(message_id), **({"labelIds": list(labels)} if labels else {})}
                rows.append({"id": str(number), "messages": [self._stub(message_id)], kind: [change]})
            answer: dict[str, Any] = {"historyId": str(self.history_id)}
            if rows:
                answer["history"] = rows
            if begin + size < len(told):
                answer["nextPageToken"] = str(begin + size)
            return answer

    def search(self, query: str, *, page: str, size: int) -> dict[str, Any]:
        """A page of the ids that match `query`, newest first: rfc822msgid, newer_than, in, -in."""
        with self._lock:
            found = [m for m in reversed(list(self.messages.values())) if self._matches(m, query)]
            begin = int(page or 0)
            answer: dict[str, Any] = {"resultSizeEstimate": len(found)}
            if rows := [{"id": m.id, "threadId": m.thread_id} for m in found[begin : begin + size]]:
                answer["messages"] = rows
            if begin + size < len(found):
                answer["nextPageToken"] = str(begin + size)
            return answer

    def message(self, message_id: str, *, form: str) -> dict[str, Any]:
        """A message as `raw`, or its headers alone. Raises NotFound."""
        with self._lock:
            found = self._found(message_id)
        answer: dict[str, Any] = {
            "id": found.id,
            "threadId": found.thread_id,
            "labelIds": sorted(found.labels),
            "internalDate": str(int(found.at * INTERNAL_MS)),
            "sizeEstimate": len(found.raw),
        }
        if form == "raw":
            return {**answer, "raw": base64.urlsafe_b64encode(found.raw).decode()}
        headers = [{"name": name, "value": str(value)} for name, value in found.parsed.items()]
        return {**answer, "payload": {"headers": headers}}

    def create_draft(self, raw: bytes, thread_id: str | None) -> dict[str, Any]:
        with self._lock:
            stored = self._add(raw, {"DRAFT"}, thread_id=thread_id)
            draft_id = f"r{next(self._numbers)}"
            self.drafts[draft_id] = stored.id
        return {"id": draft_id, "message": self._stub(stored.id)}

    def draft(self, draft_id: str) -> dict[str, Any]:
        """A draft that was not sent yet. Raises NotFound."""
        with self._lock:
            if draft_id not in self.drafts:
                raise NotFound("Requested entity was not found.")
            return {"id": draft_id, "message": self._stub(self.drafts[draft_id])}

    def send_draft(self, draft_id: str) -> dict[str, Any]:
        """Deliver it under another Message-ID. Raises NotFound for one that was sent: it cannot be sent twice."""
        with self._lock:
            if draft_id not in self.drafts:
                raise NotFound("Requested entity was not found.")
            draft = self.messages.pop(self.drafts.pop(draft_id))
            self._happened("messagesDeleted", draft.id)
            mail = message_from_bytes(draft.raw)
            mail["X-Google-Original-Message-ID"] = draft.message_id
            del mail["Message-ID"]
            mail["Message-ID"] = f"<CA{next(self._numbers)}@mail.gmail.com>"
            sent = self._add(mail.as_bytes(), {"SENT"}, thread_id=draft.thread_id)
            sent.draft_id = draft_id
            self.sent.append(sent)
            self._write_down(sent)
            return {"id": sent.id, "threadId": sent.thread_id, "labelIds": ["SENT"]}

    def watch(self, labels: tuple[str, ...] = ()) -> dict[str, Any]:
        """For a week, of what happens to mails under these labels (to any without); it tells once at once."""
        self.watched_until, self._watched_labels = time.time() + WATCH_DAYS * 24 * 3600, set(labels)
        self._tell_of(self.history_id)
        return {"historyId": str(self.history_id), "expiration": str(int(self.watched_until * INTERNAL_MS))}

    # Inside

    def _add(self, raw: bytes, labels: set[str], *, thread_id: str | None) -> Stored:
        new_id = f"{next(self._numbers):016x}"
        stored = Stored(id=new_id, thread_id=thread_id or new_id, labels=labels, raw=raw)
        if thread_id is None and (answered := self._answered_by(stored)):
            stored.thread_id = answered.thread_id
        self.messages[new_id] = stored
        stored.history_id = self._happened("messagesAdded", new_id)
        return stored

    def _write_down(self, mail: Stored) -> None:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            at = datetime.fromtimestamp(mail.at, UTC)
            (self._folder / f"{at:%Y%m%d-%H%M%S}-{mail.id}.eml").write_bytes(mail.raw)

    def _answered_by(self, mail: Stored) -> Stored | None:
        """Gmail joins a thread when a reference and the subject fit."""
        named = f"{mail.parsed['In-Reply-To'] or ''} {mail.parsed['References'] or ''}"
        for earlier in reversed(list(self.messages.values())):
            if earlier.message_id and earlier.message_id in named and earlier.subject == mail.subject:
                return earlier
        return None

    def _found(self, message_id: str) -> Stored:
        if message_id not in self.messages:
            raise NotFound("Requested entity was not found.")
        return self.messages[message_id]

    def _happened(self, kind: str, message_id: str, *labels: str) -> int:
        number = next(self._numbers)
        self._history.append((number, kind, message_id, labels))
        about = self.messages[message_id].labels if message_id in self.messages else set(labels)
        if not self._watched_labels or about & self._watched_labels:
            self._tell_of(number)
        return number

    def _tell_of(self, number: int) -> None:
        if self._tell is not None and time.time() < self.watched_until:
            self._tell(self.address, number)

    def _stub(self, message_id: str) -> dict[str, Any]:
        found = self.messages.get(message_id)
        if found is None:
            return {"id": message_id, "threadId": message_id}
        return {"id": found.id, "threadId": found.thread_id, "labelIds": sorted(found.labels)}

    def _matches(self, mail: Stored, query: str) -> bool:
        for minus, name, value in QUERY.findall(query):
            if name == "rfc822msgid":
                fits = mail.message_id.strip("<>") == value.strip("<>")
            elif name == "newer_than":
                fits = mail.at > time.time() - int(value[:-1]) * {"d": 86_400, "h": 3600}[value[-1]]
            elif name == "after":
                fits = mail.at >= int(value)
            elif name == "before":
                fits = mail.at < int(value)
            elif name == "in":
                fits = value.upper() in mail.labels or value == "anywhere"
            else:
                raise ValueError(f"The simulated Gmail does not know {name}:")
            if fits == bool(minus):
                return False
        return "in:" in query or not mail.labels & {"SPAM", "TRASH", "DRAFT"}
