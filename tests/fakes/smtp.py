"""A mail server on the loopback that does what its plan says; it counts what it accepted, not what it was asked."""

import socketserver
from contextlib import AbstractContextManager
from typing import Any

from tests.fakes.serving import serving

DROP = "drop"  # close the connection instead of answering
STEPS = {"EHLO": "250 fake", "HELO": "250 fake", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on"}


class FakeSMTP(socketserver.ThreadingTCPServer):
    """`plan` maps a step (connect, EHLO, MAIL, RCPT, DATA, message, QUIT) to the answer it gets instead of yes."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, plan: dict[str, str], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.plan = plan
        self.accepted: list[bytes] = []
        self.connections = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def mailers(self) -> dict[str, Any]:
        """The MAILERS setting that sends here."""
        options = {"host": "127.0.0.1", "port": self.port, "timeout": 5}
        return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}


class _Session(socketserver.StreamRequestHandler):
    server: FakeSMTP

    def handle(self) -> None:
        self.server.connections += 1
        if not self._answer("connect", "220 fake"):
            return
        for line in self.rfile:
            command = line[:4].decode().upper().strip()
            if command == "DATA" and self._answer("DATA", STEPS["DATA"]):
                if self.server.plan.get("DATA") is None and not self._message():
                    return
            elif command == "QUIT":
                self._answer("QUIT", "221 bye")
                return
            elif command != "DATA" and not self._answer(command, STEPS.get(command, "250 ok")):
                return

    def _message(self) -> bool:
        lines = iter(self.rfile.readline, b".\r\n")
        content = b"".join(lines)
        answer = self.server.plan.get("message", "250 ok")
        if answer in {DROP, "250 ok"}:  # accepted; with DROP nobody hears of it
            self.server.accepted.append(content)
        return self._answer("message", "250 ok")

    def _answer(self, step: str, usual: str) -> bool:
        answer = self.server.plan.get(step, usual)
        if answer == DROP:
            return False
        self.wfile.write(f"{answer}\r\n".encode())
        return True


def smtp(*, port: int = 0, **plan: str) -> AbstractContextManager[FakeSMTP]:
    """A running mail server."""
    return serving(FakeSMTP(plan, port))
