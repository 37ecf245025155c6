"""Google's keys on the loopback, and tokens that are signed with them, or with others."""

import base64
import hashlib
import hmac
import json
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.fakes.serving import serving

AUDIENCE = "https://desk.example.com/api/webhooks/gmail"
ACCOUNT = "push@project.iam.gserviceaccount.com"


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Signer:
    """A key pair with an id, and the certificate that vouches for it."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, key_id)])
        now, public = datetime.now(UTC), self.key.public_key()
        made = x509.CertificateBuilder(name, name, public, x509.random_serial_number(), now, now + timedelta(1))
        self.certificate = made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def token(self, *, header: dict[str, Any] | None = None, without: str = "", **claims: Any) -> str:
        """A token as Pub/Sub sends it, with these changes; `without` leaves one claim out."""
        now = int(time.time())
        said = {
            "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True,
            "sub": "1", "azp": "1", "iat": now, "exp": now + 3600, **claims,
        }  # fmt: skip
        said.pop(without, None)
        head = {"alg": "RS256", "kid": self.key_id, "typ": "JWT", **(header or {})}
        signed = f"{part({k: v for k, v in head.items() if v is not None})}.{part(said)}"
        return f"{signed}.{part(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

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
