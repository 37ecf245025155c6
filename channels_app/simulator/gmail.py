"""Gmail on the loopback, as far as the real SDK uses it here: some mailboxes behind its API, and Google around them."""

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from channels_app.simulator import world
from channels_app.simulator.google import GoogleKey
from channels_app.simulator.mailbox import KINDS, Mailbox, NotFound
from channels_app.simulator.pushing import Pushes


class GmailServer(ThreadingHTTPServer):
    """The API for some mailboxes, the token endpoint of their OAuth, Google's certificates, and the world around.

    With `push_to` (endpoint, service account) what happens in a mailbox that is watched is pushed there.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, *addresses: str, port: int = 0, push_to: tuple[str, str] | None = None, folder: Path | None = None
    ) -> None:
        super().__init__(("127.0.0.1", port), GmailHandler)
        self.pushes = Pushes(*push_to, GoogleKey("simulated-1")) if push_to else None
        tell = self.pushes.tell if self.pushes else None
        self.mailboxes = {address: Mailbox(address, tell=tell, folder=folder) for address in addresses}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def server_close(self) -> None:
        super().server_close()
        if self.pushes is not None:
            self.pushes.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a request is no news here."""


class GmailHandler(BaseHTTPRequestHandler):
    """`take` answers one call; a test's subclass may break off before or after it."""

    server: GmailServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/world/"):
            self.say(*self.world("GET", b""))
        else:
            self.take("GET", {})

    def do_DELETE(self) -> None:
        self.take("DELETE", {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/world/"):
            self.say(*self.world("POST", raw))
            return
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        self.take("POST", json.loads(raw) if raw and is_json else {})

    def take(self, method: str, body: dict[str, Any]) -> None:
        self.say(*self.answer(method, body))

    def answer(self, method: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Do what is asked: (status, JSON)."""
        url = urlsplit(self.path)
        query = {name: ",".join(values) for name, values in parse_qs(url.query).items()}
        if url.path == "/token":
            return 200, {"access_token": "ya29.simulated", "expires_in": 3599, "token_type": "Bearer"}
        if url.path == "/certs":
            key = self.server.pushes.key if self.server.pushes else None
            return 200, {key.key_id: key.certificate} if key else {}
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if parts[:3] != ["gmail", "v1", "users"] or len(parts) < 5:
            return error(404, "Not Found")
        # Whoever opens it with a token of the simulator is the first mailbox's owner.
        first = next(iter(self.server.mailboxes.values()), None)
        mailbox = first if parts[3] == "me" else self.server.mailboxes.get(parts[3])
        if mailbox is None:
            return error(403, f"Delegation denied for {parts[3]}")
        try:
            return 200, call(mailbox, method, parts[4:], query, body)
        except NotFound as missing:
            return error(404, str(missing))
        except (ValueError, KeyError) as wrong:
            return error(400, f"Invalid argument: {wrong}")

    def world(self, method: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        """What nobody can ask Google: no fault ever befalls it."""
        try:
            return 200, world.look(self.server, method, [unquote(part) for part in self.path.split("/")[2:]], raw)
        except LookupError as missing:
            return error(404, str(missing))

    def say(self, status: int, body: dict[str, Any], **headers: str) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: who wants to know looks at the mailboxes."""


def call(mailbox: Mailbox, method: str, what: list[str], query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """One call of the API on a mailbox. Raises NotFound, and ValueError or KeyError for what makes no sense."""
    page, size = query.get("pageToken", ""), int(query.get("maxResults", "100"))
    match method, what:
        case "GET", ["profile"]:
            return {"emailAddress": mailbox.address, "historyId": str(mailbox.history_id)}
        case "GET", ["history"]:
            types = query.get("historyTypes", ",".join(KINDS))
            return mailbox.history(int(query["startHistoryId"]), types=types, page=page, size=size)
        case "GET", ["messages"]:
            return mailbox.search(query.get("q", ""), page=page, size=size)
        case "GET", ["messages", message_id]:
            return mailbox.message(message_id, form=query.get("format", "full"))
        case "GET", ["drafts", draft_id]:
            return mailbox.draft(draft_id)
        case "POST", ["drafts"]:
            message = body["message"]
            return mailbox.create_draft(base64.urlsafe_b64decode(message["raw"]), message.get("threadId"))
        case "POST", ["drafts", "send"]:
            return mailbox.send_draft(body["id"])
        case "POST", ["watch"]:
            return mailbox.watch(tuple(body.get("labelIds", [])))
        case "POST", ["stop"]:
            mailbox.watched_until = 0.0
            return {}
    raise ValueError(f"{method} {'/'.join(what)} is not simulated")


def error(status: int, message: str) -> tuple[int, dict[str, Any]]:
    """An error as Google words it."""
    return status, {"error": {"code": status, "message": message, "status": "ERROR"}}
