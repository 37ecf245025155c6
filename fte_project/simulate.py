"""A customer, or a member of staff, at the doors of a running instance: what `manage.py simulate` does."""

import time
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import requests

POLL_SECONDS = 0.05


class Rejected(Exception):
    """The instance did not take the message; the text is its answer."""


@dataclass(kw_only=True)
class Outcome:
    """What became of a message. Times in ms after the post; None when not reached."""

    ticket: str | None = None
    token: str | None = None
    status: str = "waiting"
    reply: str | None = None
    citations: list[str] = field(default_factory=list)
    escalation_reason: str | None = None
    accepted_ms: float | None = None
    answered_ms: float | None = None
    delivered_ms: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Visitor:
    """Speaks HTTP with the instance that `instance` (its instance file) describes; `began` is when it last did."""

    def __init__(self, instance: dict[str, Any]) -> None:
        self.instance = instance
        self.base = str(instance["base_url"])
        self.http = requests.Session()
        self.began = Clock()

    def submit(self, fields: dict[str, str], *, wait: float) -> Outcome:
        """Send the form and wait for the answer. Raises Rejected."""
        return self._customer("/api/support/submit", fields, wait=wait)

    def write_again(self, token: str, text: str, *, wait: float) -> Outcome:
        """A further message behind a status link. Raises Rejected."""
        return self._customer(f"/api/support/ticket/{token}/messages", {"message": text}, wait=wait)

    def _customer(self, path: str, fields: dict[str, str], *, wait: float) -> Outcome:
        self.began, deadline = Clock(), time.monotonic() + wait
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        response = self.http.post(f"{self.base}{path}", json=fields, headers=headers, timeout=30)
        if response.status_code != 201:
            raise Rejected(_detail(response))
        said = response.json()
        found = Outcome(ticket=said["reference"], token=said["token"], accepted_ms=self.began.ms())
        self.wait_for_reply(found, self.began, deadline, author=None)
        return found

    def staff_reply(self, ticket_pk: int, reference: str, token: str, text: str, *, wait: float) -> Outcome:
        """Log in as the demo's agent and send the reply box of the ticket's page. Raises Rejected."""
        self._log_in()
        page = f"{self.base}/admin/tickets/ticket/{ticket_pk}/change/"
        fields = _Form.read(self.http.get(page, timeout=30).text, action="/reply/")
        if fields is None:
            raise Rejected(f"{reference} cannot be replied to on the desk.")
        self.began, deadline = Clock(), time.monotonic() + wait
        seen = len(self._messages(token))
        response = self.http.post(
            f"{self.base}/admin/tickets/ticket/{ticket_pk}/reply/",
            data={**fields, "body": text},
            headers={"Referer": page},
            allow_redirects=False,
            timeout=30,
        )
        if response.status_code != 302:
            raise Rejected(f"The desk answered {response.status_code}.")
        found = Outcome(ticket=reference, token=token, accepted_ms=self.began.ms())
        self.wait_for_reply(found, self.began, deadline, author="staff", after=seen)
        return found

    def _log_in(self) -> None:
        login = f"{self.base}/admin/login/"
        fields = _Form.read(self.http.get(login, timeout=30).text, action=None) or {}
        fields |= {"username": "agent", "password": self.instance["logins"]["agent"], "next": "/admin/"}
        answer = self.http.post(login, data=fields, headers={"Referer": login}, allow_redirects=False, timeout=30)
        if answer.status_code != 302:
            raise Rejected("The demo's agent could not log in.")

    def _messages(self, token: str) -> list[dict[str, Any]]:
        found = self.http.get(f"{self.base}/api/support/ticket/{token}", timeout=30)
        if found.status_code != 200:
            raise Rejected(_detail(found))
        messages: list[dict[str, Any]] = found.json()["messages"]
        return messages

    def wait_for_reply(
        self, found: Outcome, began: "Clock", deadline: float, *, author: str | None, after: int = 0
    ) -> None:
        """Fill in the first reply that is newer than what was just written; leave `waiting` when none came."""
        token = str(found.token)
        while time.monotonic() < deadline:
            messages = self._messages(token)
            if author is None:
                written = [i for i, m in enumerate(messages) if m["author"] == "customer"]
                after = written[-1] + 1
            newer = [m for m in messages[after:] if m["author"] != "customer" and author in {None, m["author"]}]
            if newer:
                self._fill(found, newer[0], began)
                return
            time.sleep(POLL_SECONDS)

    def _fill(self, found: Outcome, reply: dict[str, Any], began: "Clock") -> None:
        found.delivered_ms = began.ms()
        found.answered_ms = min(began.ms_at(datetime.fromisoformat(reply["at"])), found.delivered_ms)
        found.reply = reply["text"]
        found.citations = [c["slug"] for c in reply["citations"]]
        found.status = {"suggestion": "suggested", "hand_over": "escalated"}.get(reply["kind"], "answered")
        if found.status != "answered":
            found.escalation_reason = self._escalation_reason(str(found.ticket))

    def _escalation_reason(self, reference: str) -> str | None:
        headers = {"X-API-Key": str(self.instance["service_key"])}
        found = requests.get(f"{self.base}/api/tickets/{reference}", headers=headers, timeout=30).json()
        return next((e["reason"] for e in found["escalations"]), None)


class Clock:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self._began, self._wall = time.monotonic(), datetime.now(UTC)

    def ms(self) -> float:
        return round((time.monotonic() - self._began) * 1000, 1)

    def ms_at(self, moment: datetime) -> float:
        return max(0.0, round((moment - self._wall).total_seconds() * 1000, 1))


class _Form(HTMLParser):
    """The named inputs of the first form whose action ends with `action` (any form when None)."""

    def __init__(self, action: str | None) -> None:
        super().__init__()
        self.action, self.inside, self.found = action, False, {}  # type: ignore[var-annotated]
        self.seen = False

    @classmethod
    def read(cls, html: str, *, action: str | None) -> dict[str, str] | None:
        form = cls(action)
        form.feed(html)
        return form.found if form.seen else None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form" and not self.seen:
            self.inside = self.seen = self.action is None or str(values.get("action") or "").endswith(self.action)
        elif tag == "input" and self.inside and values.get("name"):
            self.found[str(values["name"])] = values.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False


def _detail(response: requests.Response) -> str:
    try:
        said = response.json()
        fields = "; ".join(f"{e['field']}: {e['message']}" for e in said.get("errors", []))
        return f"{response.status_code}: {said['detail']} {fields}".strip()
    except (ValueError, KeyError):
        return f"{response.status_code}: {response.reason}"
