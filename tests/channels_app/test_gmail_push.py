"""Pushes of Pub/Sub: only Google's own for our endpoint are heard, and all they do is ring."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from channels_app.gmail import push
from channels_app.gmail.models import GmailMailbox
from fte_project.models import TimedJob
from tests.fakes.google import ACCOUNT, AUDIENCE, FakeKeys, Signer, google_keys, part

pytestmark = pytest.mark.django_db
URL = "/api/webhooks/gmail"
OURS = "support@tidewater.example"
GOOGLE, EVE = Signer("google-1"), Signer("google-1")  # Eve claims Google's key id


@pytest.fixture
def google(settings: Any) -> Iterator[FakeKeys]:
    push.keys.forget()
    with google_keys(GOOGLE) as server:
        settings.GMAIL_ADDRESS, settings.GMAIL_PUSH_AUDIENCE, settings.GMAIL_PUSH_ACCOUNT = OURS, AUDIENCE, ACCOUNT
        settings.GOOGLE_KEYS_URL = server.url
        yield server
    push.keys.forget()


@pytest.fixture
def mailbox(db: None) -> GmailMailbox:
    """Ours, read a minute ago."""
    mailbox = GmailMailbox.objects.create(address=OURS)
    GmailMailbox.objects.update(dirty_at=Now() - timedelta(minutes=2), read_at=Now() - timedelta(seconds=10))
    TimedJob.objects.create(name="gmail.read", due_at=Now() + timedelta(hours=1))
    return mailbox


def body(**said: Any) -> dict[str, Any]:
    about = {"emailAddress": OURS, "historyId": 4711, **said}
    data = base64.b64encode(json.dumps(about).encode()).decode()
    return {"message": {"data": data, "messageId": "1"}, "subscription": "projects/p/subscriptions/s"}


def push_with(authorization: str | None, content: Any = None) -> int:
    raw = content if isinstance(content, bytes) else json.dumps(content if content is not None else body()).encode()
    headers = {"Authorization": authorization} if authorization is not None else {}
    return Client().post(URL, raw, content_type="application/json", headers=headers).status_code


def good() -> str:
    return f"Bearer {GOOGLE.token()}"


def is_rung() -> bool:
    """The mailbox is to be read, and its reading is due now."""
    return GmailMailbox.objects.all().dirty().exists() and TimedJob.objects.filter(due_at__lte=Now()).exists()


def test_a_push_rings_for_its_mailbox(google: FakeKeys, mailbox: GmailMailbox) -> None:
    assert not is_rung()
    assert push_with(good()) == 204
    assert is_rung()


def forged() -> Iterator[tuple[str, str | None]]:
    now = int(time.time())
    yield "no header", None
    for scheme in ("", "Basic ", "Token ", "Bearer", "bearer  ", "JWT "):
        yield f"scheme {scheme!r}", f"{scheme}{GOOGLE.token()}"
    for word in ("", " ", ".", "..", "...", "a.b.c", "null", "é", "{}", "=" * 3000, "x" * 100_000):
        yield f"word {word[:8]!r}", f"Bearer {word}"
    yield "Eve's key", f"Bearer {EVE.token()}"
    yield "the certificate as a secret", f"Bearer {GOOGLE.token_signed_with_the_certificate()}"
    for algorithm in ("none", "None", "HS256", "HS512", "ES256", "RS512", "PS256", "", None, 1, ["RS256"]):
        yield f"alg {algorithm}", f"Bearer {GOOGLE.token(header={'alg': algorithm})}"
    for key_id in (None, "", "google-2", "../google-1", 1, ["google-1"], {"a": 1}, "google-1 ", "GOOGLE-1"):
        yield f"kid {key_id}", f"Bearer {GOOGLE.token(header={'kid': key_id})}"
    for name in ("iss", "aud", "email", "email_verified", "iat", "exp"):
        yield f"no {name}", f"Bearer {GOOGLE.token(without=name)}"
        for value in (
            "",
            None,
            0,
            -1,
            [],
            {},
            "x",
            True if name != "email_verified" else "true",
            10**30,
            [AUDIENCE, 1],
        ):
            yield f"{name} {value!r}", f"Bearer {GOOGLE.token(**{name: value})}"
    for audience in (f"{AUDIENCE}/", AUDIENCE.upper(), "https://evil.example", AUDIENCE[:-1], f" {AUDIENCE}"):
        yield f"aud {audience}", f"Bearer {GOOGLE.token(aud=audience)}"
    for issuer in ("https://evil.example", "https://accounts.google.com.evil.example", "http://accounts.google.com"):
        yield f"iss {issuer}", f"Bearer {GOOGLE.token(iss=issuer)}"
    for account in (ACCOUNT.upper(), f"eve-{ACCOUNT}", "eve@gmail.com", f"{ACCOUNT}.evil.example", f"{ACCOUNT} "):
        yield f"email {account}", f"Bearer {GOOGLE.token(email=account)}"
    for verified in (False, "true", 1, None, "yes"):
        yield f"verified {verified!r}", f"Bearer {GOOGLE.token(email_verified=verified)}"
    for age in (3700, 86_400, 10**6):
        yield f"expired {age}", f"Bearer {GOOGLE.token(iat=now - age - 3600, exp=now - age)}"
    for ahead in (120, 3600, 10**6):
        yield f"from the future {ahead}", f"Bearer {GOOGLE.token(iat=now + ahead, exp=now + ahead + 3600)}"
    header, claims, signature = GOOGLE.token().split(".")
    other = part({"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True})
    yield "other claims", f"Bearer {header}.{other}.{signature}"
    yield "no signature", f"Bearer {header}.{claims}."
    yield "no third part", f"Bearer {header}.{claims}"
    yield "two signatures", f"Bearer {header}.{claims}.{signature}.{signature}"
    yield "claims that are a list", f"Bearer {header}.{part([1])}.{signature}"
    yield "a header that is a list", f"Bearer {part([1])}.{claims}.{signature}"
    for n in range(0, len(signature) - 2, 17):
        flipped = "A" if signature[n] != "A" else "B"
        yield f"signature changed at {n}", f"Bearer {header}.{claims}.{signature[:n]}{flipped}{signature[n + 1 :]}"
    for n in range(0, len(claims) - 2, 23):
        flipped = "A" if claims[n] != "A" else "B"
        yield f"claims changed at {n}", f"Bearer {header}.{claims[:n]}{flipped}{claims[n + 1 :]}.{signature}"


def test_a9_of_hundreds_of_forged_pushes_none_is_heard(google: FakeKeys, mailbox: GmailMailbox) -> None:
    tried = list(forged())
    accepted = [name for name, authorization in tried if push_with(authorization) not in {401, 400}]
    print(f"{len(tried)} forged, {len(accepted)} accepted")
    assert len(tried) >= 150
    assert accepted == []
    assert not is_rung()
    assert google.asked <= 2, "whoever invents key ids does not make us ask Google each time"


def test_a10_while_googles_keys_are_away_the_kept_ones_are_used_for_a_day(
    google: FakeKeys, mailbox: GmailMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert push_with(good()) == 204
    google.is_down = True
    later = after(monkeypatch)
    later(2 * 3600)
    assert push_with(good()) == 204
    later(25 * 3600)
    assert push_with(good()) == 503, "Pub/Sub tries again"


def after(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    real = time.monotonic

    def later(seconds: float) -> None:
        monkeypatch.setattr(push.time, "monotonic", lambda: real() + seconds)

    return later


def test_a10_without_any_keys_the_push_is_to_come_again(
    google: FakeKeys, mailbox: GmailMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    google.is_down = True
    assert push_with(good()) == 503
    assert not is_rung()
    google.is_down = False
    after(monkeypatch)(6)
    assert push_with(good()) == 204


def test_a_key_that_google_has_just_made_is_fetched(
    google: FakeKeys, mailbox: GmailMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert push_with(good()) == 204
    new = Signer("google-2")
    google.signers.append(new)
    after(monkeypatch)(61)
    assert push_with(f"Bearer {new.token()}") == 204


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, {}, {"message": None}, {"message": {"data": "%%%"}},
        {"message": {"data": base64.b64encode(b"no json").decode()}}, {"message": {"data": 5}},
        {"message": {"data": base64.b64encode(b"[1]").decode()}}, body(emailAddress=None),
        body(emailAddress="other@tidewater.example"), body(emailAddress=["x"]), body(emailAddress="\ud800\x00"),
        b'{"message": "' + b"x" * 3_000_000 + b'"}',
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a11_what_makes_no_sense_is_taken_and_changes_nothing(
    content: Any, google: FakeKeys, mailbox: GmailMailbox
) -> None:
    """An error would make Pub/Sub send it again for a week."""
    assert push_with(good(), content) == 204
    assert not is_rung()


@pytest.mark.parametrize(
    "said", [{"historyId": 1}, {"historyId": 10**30}, {"historyId": None}, {"emailAddress": OURS.upper()}]
)
def test_a11_the_history_id_of_a_push_does_not_matter(
    said: dict[str, Any], google: FakeKeys, mailbox: GmailMailbox
) -> None:
    assert push_with(good(), body(**said)) == 204
    assert is_rung()


def test_a12_a_hundred_pushes_are_one_ring(google: FakeKeys, mailbox: GmailMailbox) -> None:
    authorization = good()
    assert {push_with(authorization) for _ in range(100)} == {204}
    assert GmailMailbox.objects.count() == TimedJob.objects.filter(name="gmail.read").count() == 1
    assert google.asked == 1


def test_while_pushes_are_off_the_endpoint_says_so(db: None) -> None:
    assert push_with(good()) == 404
