"""A webhook on the loopback: what it was asked, and what it took."""

import ssl
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.fakes.serving import serving

DROP = "drop"  # take it, and close the connection instead of answering


class FakeWebhook(ThreadingHTTPServer):
    """Answers every post with the status `answer`; 2xx and `drop` are accepted."""

    daemon_threads = True

    def __init__(self, answer: str, certificates: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.scheme = "http"
        if certificates is not None:
            self.scheme = "https"
            self.socket = _self_signed(certificates).wrap_socket(self.socket, server_side=True)
        self.asked: list[str] = []
        self.accepted: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: FakeWebhook

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        answer = self.server.answer
        if answer == DROP or answer.startswith("2"):
            self.server.accepted.append((dict(self.headers), raw))
        if answer == DROP:
            self.close_connection = True
            return
        self.send_response(int(answer))
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the tests look at `asked` and `accepted`."""


def _self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody trusts, kept in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    pem = folder / "webhook.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def webhook(answer: str = "204", *, certificates: Path | None = None) -> AbstractContextManager[FakeWebhook]:
    """A running webhook; over TLS when it is told where to keep its certificate."""
    return serving(FakeWebhook(answer, certificates))
