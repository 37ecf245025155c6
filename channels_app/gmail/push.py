"""Is a push really from Google's Pub/Sub, and meant for us? Its token says so, signed by one of Google's keys."""

import threading
import time
from typing import Any

import requests
import structlog
from django.conf import settings
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

log = structlog.get_logger()
decode_header: Any = jwt.decode_header
decode: Any = jwt.decode
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
FRESH_SECONDS = 3600.0
STALE_SECONDS = 24 * 3600.0
ASK_AGAIN_SECONDS = 60.0  # for a key that we do not know: whoever invents one must not make us ask each time
ASK_FIRST_SECONDS = 5.0  # while none are kept
FETCH_SECONDS = 3.0
SKEW_SECONDS = 30
LONGEST_SECONDS = 24 * 3600


class NotGoogle(Exception):
    """The token is not one that Google has made for this endpoint."""


class KeysAway(Exception):
    """Google's keys cannot be had, and none are kept: nobody can tell. To be tried again."""


class Keys:
    """Google's public certificates by key id: kept for an hour, and for a day while they cannot be fetched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._certs: dict[str, str] = {}
        self._fetched_at = self._asked_at = float("-inf")

    def get(self, key_id: str) -> dict[str, str]:
        """The certificates, asked for anew when they are old or lack `key_id`. Raises KeysAway."""
        with self._lock:
            age = time.monotonic() - self._fetched_at
            is_due = age > FRESH_SECONDS or key_id not in self._certs
            wait = ASK_AGAIN_SECONDS if self._certs else ASK_FIRST_SECONDS
            if is_due and time.monotonic() - self._asked_at > wait:
                self._asked_at = time.monotonic()
                self._fetch()
            if not self._certs or time.monotonic() - self._fetched_at > STALE_SECONDS:
                raise KeysAway("Google's keys cannot be fetched.")
            return self._certs

    def _fetch(self) -> None:
        try:
            answer = requests.get(settings.GOOGLE_KEYS_URL, timeout=FETCH_SECONDS)
            answer.raise_for_status()
            found = {str(key_id): str(cert) for key_id, cert in answer.json().items()}
        except (requests.RequestException, ValueError, AttributeError) as error:
            log.warning("google_keys_away", error=error)
            return
        if found:
            self._certs, self._fetched_at = found, time.monotonic()


keys = Keys()


def check(authorization: str) -> None:
    """Accept the Authorization header of a push. Raises NotGoogle, or KeysAway."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotGoogle("there is no token")
    try:
        header = decode_header(token)
        key_id = header.get("kid")
        if header.get("alg") != "RS256" or not isinstance(key_id, str) or not key_id:
            raise NotGoogle("another kind of signature")
        claims = decode(
            token, keys.get(key_id), audience=settings.GMAIL_PUSH_AUDIENCE, clock_skew_in_seconds=SKEW_SECONDS
        )
    except (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotGoogle(str(error).partition(":")[0][:200]) from error  # behind it stands the token
    # The library checks signature, times and audience; who signed for whom is ours to check.
    if claims.get("iss") not in ISSUERS:
        raise NotGoogle("another issuer")
    if claims["exp"] - claims["iat"] > LONGEST_SECONDS:
        raise NotGoogle("a token that lives longer than Google's do")
    if claims.get("email") != settings.GMAIL_PUSH_ACCOUNT or claims.get("email_verified") is not True:
        raise NotGoogle("another account")
