"""Google's side of a push: a key pair, the certificate that vouches for it, and tokens as Pub/Sub signs them."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

TOKEN_SECONDS = 3600
DAYS = 30  # of a certificate


def part(value: object) -> str:
    """One part of a token (RFC 7515): JSON, or bytes, in base64url without padding."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class GoogleKey:
    """A key pair with an id, and its certificate in PEM."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, key_id)])
        now, public = datetime.now(UTC), self.key.public_key()
        made = x509.CertificateBuilder(name, name, public, x509.random_serial_number(), now, now + timedelta(DAYS))
        self.certificate = made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """The token of these two, whatever they say, signed with our key."""
        signed = f"{part(header)}.{part(claims)}"
        return f"{signed}.{part(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def header(self) -> dict[str, Any]:
        return {"alg": "RS256", "kid": self.key_id, "typ": "JWT"}

    def push_token(self, *, audience: str, account: str) -> str:
        """What Pub/Sub puts into a push's Authorization header, after `Bearer `."""
        return self.sign(self.header(), push_claims(audience=audience, account=account))


def push_claims(*, audience: str, account: str) -> dict[str, Any]:
    """What such a token says: made now, by Google, for `audience`, in the name of a service account."""
    now = int(time.time())
    return {
        "iss": "https://accounts.google.com",
        "aud": audience,
        "email": account,
        "email_verified": True,
        "sub": "1",
        "azp": "1",
        "iat": now,
        "exp": now + TOKEN_SECONDS,
    }
