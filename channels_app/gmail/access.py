"""Who lets us into a mailbox: a Workspace service account, or a person who has consented once (`connect_gmail`)."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.utils import timezone
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials as UserCredentials

from channels_app.gmail.models import GmailMailbox

SCOPES = ["https://www.googleapis.com/auth/gmail.modify"]
REDIRECT = "http://127.0.0.1:1/"  # nothing listens there: the browser shows the address, and a person copies it
SECONDS = 20


class NotConnected(GoogleAuthError):
    """Nobody has consented yet, or the consent cannot be used; the text says what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)  # type: ignore[no-untyped-call]


class ConsentFailed(Exception):
    """What was pasted, or what Google made of it, is no consent; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What Google gave for a consent. `ends_at` is None unless Google says when it ends: then the screen is a test."""

    refresh_token: str
    ends_at: datetime | None


def credentials(address: str) -> Credentials:
    """What opens `address`. Raises GoogleAuthError, and ValueError for a key that is none."""
    if settings.GMAIL_OAUTH_CLIENT_ID:
        return by_consent(_consent_of(address))
    if settings.GMAIL_SERVICE_ACCOUNT:
        return _of_service_account(address, settings.GMAIL_SERVICE_ACCOUNT)
    return AnonymousCredentials()  # type: ignore[no-untyped-call]  # the simulated Gmail lets everybody in


def by_consent(refresh_token: str) -> Credentials:
    """What opens the mailbox of whoever gave this consent."""
    return _of_person(refresh_token, settings.GMAIL_OAUTH_CLIENT_ID, settings.GMAIL_OAUTH_CLIENT_SECRET)


# Both keep their access token for as long as it lives, so that not every mail costs a new one.
@lru_cache(maxsize=8)
def _of_service_account(address: str, key: str) -> Credentials:
    from_info: Any = service_account.Credentials.from_service_account_info
    found: Credentials = from_info(json.loads(key), scopes=SCOPES, subject=address)
    return found


@lru_cache(maxsize=8)
def _of_person(refresh_token: str, client_id: str, client_secret: str) -> Credentials:
    make: Any = UserCredentials
    found: Credentials = make(
        None,
        refresh_token=refresh_token,
        token_uri=settings.GOOGLE_TOKEN_URL,
        client_id=client_id,
        client_secret=client_secret,
        scopes=SCOPES,
    )
    return found


def _consent_of(address: str) -> str:
    kept = GmailMailbox.objects.filter(address=address).values_list("refresh_token", flat=True).first()
    if not kept:
        raise NotConnected(f"Nobody has consented for {address} yet: run `manage.py connect_gmail`.")
    try:
        return _locked().decrypt(kept.encode()).decode()
    except InvalidToken as error:
        raise NotConnected("SECRET_KEY has changed since the consent: run `manage.py connect_gmail` again.") from error


def _locked() -> Fernet:
    """Tokens are kept encrypted: who sees the database alone cannot read the mailbox."""
    digest = hashlib.sha256(b"gmail-consent:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def keep_consent(mailbox: GmailMailbox, consent: Consent) -> None:
    """From now on the mailbox is opened with this consent."""
    begin_now(mailbox)
    GmailMailbox.objects.filter(pk=mailbox.pk).update(
        refresh_token=_locked().encrypt(consent.refresh_token.encode()).decode(),
        consented_at=timezone.now(),
        consent_ends_at=consent.ends_at,
        tried_at=None,  # it need not wait for its next try
    )


def begin_now(mailbox: GmailMailbox) -> None:
    """A mailbox that could not be read yet is connected from now on: nothing that came in before is answered."""
    GmailMailbox.objects.filter(pk=mailbox.pk, history_id=None).update(connected_at=timezone.now())


class ConsentRequest:
    """One asking for consent: `url` is to be opened in any browser, and what it ends at is given to `accept`."""

    def __init__(self, address: str) -> None:
        self._state, self._verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": settings.GMAIL_OAUTH_CLIENT_ID,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "access_type": "offline",
            "prompt": "consent",
            "login_hint": address,
            "state": self._state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        self.url = f"{settings.GOOGLE_CONSENT_URL}?{urlencode(asked)}"

    def accept(self, pasted: str) -> Consent:
        """The consent that the address in `pasted` carries. Raises ConsentFailed."""
        said = {name: values[0] for name, values in parse_qs(urlsplit(pasted.strip()).query).items()}
        if "error" in said:
            raise ConsentFailed(f"Google says: {said['error']}.")
        if said.get("state") != self._state or "code" not in said:
            raise ConsentFailed("This is not the address that the browser showed at the end of this consent.")
        values = {
            "client_id": settings.GMAIL_OAUTH_CLIENT_ID,
            "client_secret": settings.GMAIL_OAUTH_CLIENT_SECRET,
            "code": said["code"],
            "code_verifier": self._verifier,
            "grant_type": "authorization_code",
            "redirect_uri": REDIRECT,
        }
        try:
            answer = requests.post(settings.GOOGLE_TOKEN_URL, data=values, timeout=SECONDS)
            given = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ConsentFailed(f"Google cannot be asked: {error}") from error
        if not answer.ok or not given.get("refresh_token"):
            raise ConsentFailed(f"Google gave no lasting token: {given.get('error', answer.status_code)}.")
        seconds = given.get("refresh_token_expires_in")
        return Consent(
            refresh_token=str(given["refresh_token"]),
            ends_at=timezone.now() + timedelta(seconds=int(seconds)) if seconds else None,
        )
