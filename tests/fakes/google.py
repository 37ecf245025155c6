"""Google's keys on the loopback, and tokens that are signed with them as Google never does, or with others."""

import hashlib
import hmac
import json
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from channels_app.simulator.google import GoogleKey, part, push_claims
from tests.fakes.serving import serving

__all__ = ["part"]
AUDIENCE = "https://desk.example.com/api/webhooks/gmail"
ACCOUNT = "push@project.iam.gserviceaccount.com"


class Signer(GoogleKey):
    """A key that also signs what Google would not."""

    def token(self, *, header: dict[str, Any] | None = None, without: str = "", **claims: Any) -> str:
        """A token as Pub/Sub sends it, with these changes; `without` leaves one claim out."""
        said = {**push_claims(audience=AUDIENCE, account=ACCOUNT), **claims}
        said.pop(without, None)
        head = {**self.header(), **(header or {})}
        return self.sign({name: value for name, value in head.items() if value is not None}, said)

    def token_signed_with_the_certificate(self) -> str:
        """The old trick: the public certificate as the secret of an HMAC."""
        signed = f"{part({'alg': 'HS256', 'kid': self.key_id})}.{self.token().split('.')[1]}"
        return f"{signed}.{part(hmac.new(self.certificate.encode(), signed.encode(), hashlib.sha256).digest())}"


class FakeKeys(ThreadingHTTPServer):
    """Serves the certificates of `signers`; counts how often it was asked, and is down when told so."""

    daemon_threads = True

    def __init__(self, *signers: Signer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.signers = list(signers)
        self.asked = 0
        self.is_down = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/certs"


class _Handler(BaseHTTPRequestHandler):
    server: FakeKeys

    def do_GET(self) -> None:
        self.server.asked += 1
        raw = json.dumps({s.key_id: s.certificate for s in self.server.signers}).encode()
        self.send_response(503 if self.server.is_down else 200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the tests look at `asked`."""


def google_keys(*signers: Signer) -> AbstractContextManager[FakeKeys]:
    """A running key server."""
    return serving(FakeKeys(*signers))
