"""The simulated Gmail with a plan of faults: it does what was asked and breaks off, is busy, or falls over."""

import base64
import socket
import struct
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from email import message_from_bytes
from typing import Any

from channels_app.simulator.gmail import GmailHandler, GmailServer, error
from channels_app.simulator.world import mark_of
from tests.fakes.serving import serving


class FaultyGmail(GmailServer):
    """`plan(method, path)` is asked for each call and names a fault, or is None.

    `faults`: when, what, and the mark of the reply that met it, '' for a call that is about none.
    """

    def __init__(self, *addresses: str, push_to: tuple[str, str] | None = None) -> None:
        super().__init__(*addresses, push_to=push_to)
        self.RequestHandlerClass = _FaultyHandler
        self.plan: Callable[[str, str], str | None] = lambda method, path: None
        self.calls: list[str] = []
        self.faults: list[tuple[float, str, str]] = []
        self.retry_after = "60"


class _FaultyHandler(GmailHandler):
    server: FaultyGmail

    def take(self, method: str, body: dict[str, Any]) -> None:
        path = self.path.partition("?")[0]
        self.server.calls.append(f"{method} {path}")
        fault = self.server.plan(method, path)
        if fault is None:
            super().take(method, body)
            return
        self.server.faults.append((time.time(), fault, self._mark(path, body)))
        with suppress(OSError):
            FAULTS[fault](self, method, body)

    def _mark(self, path: str, body: dict[str, Any]) -> str:
        if "message" in body:
            return mark_of(message_from_bytes(base64.urlsafe_b64decode(body["message"]["raw"])))
        for mailbox in self.server.mailboxes.values():
            if path.endswith("/drafts/send") and body["id"] in mailbox.drafts:
                return mark_of(mailbox.messages[mailbox.drafts[body["id"]]].parsed)
        return ""

    def done_then_finished(self, method: str, body: dict[str, Any]) -> None:
        self.answer(method, body)
        self.close_connection = True  # FIN without an answer

    def done_then_reset(self, method: str, body: dict[str, Any]) -> None:
        self.answer(method, body)
        self.reset(method, body)

    def done_then_502(self, method: str, body: dict[str, Any]) -> None:
        self.answer(method, body)
        self.say(*error(502, "bad gateway"))

    def error_500(self, method: str, body: dict[str, Any]) -> None:
        self.say(*error(500, "nothing was done, but who can tell"))

    def busy(self, method: str, body: dict[str, Any]) -> None:
        self.say(*error(429, "rateLimitExceeded"), Retry_After=self.server.retry_after)

    def reset(self, method: str, body: dict[str, Any]) -> None:
        # Closing with a zero linger sends RST, not FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


FAULTS: dict[str, Callable[[_FaultyHandler, str, dict[str, Any]], None]] = {
    "done_then_finished": _FaultyHandler.done_then_finished,
    "done_then_reset": _FaultyHandler.done_then_reset,
    "done_then_502": _FaultyHandler.done_then_502,
    "error_500": _FaultyHandler.error_500,
    "busy": _FaultyHandler.busy,
    "reset": _FaultyHandler.reset,
}
BREAKS = sorted(set(FAULTS) - {"busy"})  # what leaves the caller in doubt


def gmail_settings(server: FaultyGmail) -> dict[str, str]:
    """The environment of a product whose mailbox is the server's first, told of by its pushes."""
    assert server.pushes is not None
    return {
        "GMAIL_ADDRESS": next(iter(server.mailboxes)),
        "GMAIL_API_URL": server.url,
        "GMAIL_PUSH_TOPIC": "projects/simulated/topics/gmail",
        "GMAIL_PUSH_AUDIENCE": server.pushes.endpoint,
        "GMAIL_PUSH_ACCOUNT": server.pushes.account,
        "GOOGLE_KEYS_URL": f"{server.url}/certs",
    }


def gmail_server(*addresses: str, push_to: tuple[str, str] | None = None) -> AbstractContextManager[FaultyGmail]:
    """A running Gmail; with `push_to` (endpoint, service account) it pushes while it is watched."""
    return serving(FaultyGmail(*addresses, push_to=push_to))
