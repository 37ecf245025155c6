"""How a mailbox is opened and watched, and who hears when that stops."""

import io
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.utils import timezone

from channels_app.gmail import access
from channels_app.gmail.client import Gmail
from channels_app.gmail.models import GmailMailbox
from channels_app.gmail.sync import read_mailboxes
from channels_app.gmail.watch import renew_watches
from channels_app.health import email_channel
from channels_app.models import StaffNotice
from channels_app.simulator.mailbox import Mailbox
from channels_app.staff_notify import look_after
from fte_project.health import State
from fte_project.models import DeadLetter
from tests.channels_app.mailbox import OURS, a_mail, answered, deliver, read, read_again
from tests.factories import make_staff
from tests.fakes.gmail import FaultyGmail
from tickets.models import Conversation, Delivery, Message

pytestmark = pytest.mark.django_db
TOPIC = "projects/desk/topics/gmail"


class TokenServer(ThreadingHTTPServer):
    """Google's token endpoint: `says` is its next answer, `asked` what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TokenHandler)
        self.says: tuple[int, dict[str, Any]] = (200, {})
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/token"


class _TokenHandler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append({name: values[0] for name, values in parse_qs(raw).items()})
        status, body = self.server.says
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def tokens(settings: Any) -> Iterator[TokenServer]:
    with TokenServer() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        settings.GOOGLE_TOKEN_URL = running.url
        access._of_person.cache_clear()
        access._of_service_account.cache_clear()
        yield running
        running.shutdown()


GIVEN = {"access_token": "ya29.first", "refresh_token": "1//lasting", "expires_in": 3599, "token_type": "Bearer"}


@pytest.fixture
def client_of_a_person(settings: Any, server: FaultyGmail, tokens: TokenServer) -> TokenServer:
    settings.GMAIL_OAUTH_CLIENT_ID, settings.GMAIL_OAUTH_CLIENT_SECRET = "client-1", "secret-1"
    tokens.says = (200, GIVEN)
    return tokens


def connect(monkeypatch: pytest.MonkeyPatch, *, state: str | None = None, code: str = "4/code") -> str:
    """Run `connect_gmail` as a person would: open what it prints, paste what the browser shows; what it printed."""
    out = io.StringIO()

    class Browser:
        def readline(self) -> str:
            printed = next(line for line in out.getvalue().splitlines() if line.startswith("https://accounts.google"))
            asked = {n: v[0] for n, v in parse_qs(urlsplit(printed).query).items()}
            assert asked["access_type"] == "offline"
            return f"{asked['redirect_uri']}?state={state or asked['state']}&code={code}&scope=x\n"

    monkeypatch.setattr("sys.stdin", Browser())
    call_command("connect_gmail", stdout=out, stderr=out)
    return out.getvalue()


# --- Consent ---------------------------------------------------------------------------------------------------------


def test_a_person_connects_the_mailbox_with_what_the_browser_shows(
    client_of_a_person: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is connected" in connect(monkeypatch)
    exchange = client_of_a_person.asked[0]
    assert (exchange["code"], exchange["client_secret"]) == ("4/code", "secret-1")
    assert exchange["code_verifier"]
    kept = GmailMailbox.objects.get()
    assert "lasting" not in kept.refresh_token, "it is kept encrypted"
    assert client_of_a_person.asked[1]["refresh_token"] == "1//lasting"
    read_mailboxes()
    assert GmailMailbox.objects.get().error == ""


def test_the_answer_to_another_consent_is_refused(
    client_of_a_person: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match="not the address"):
        connect(monkeypatch, state="somebody-elses")
    assert client_of_a_person.asked == []
    assert GmailMailbox.objects.get().refresh_token == ""


def test_a_code_that_google_refuses_changes_nothing(
    client_of_a_person: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_of_a_person.says = (400, {"error": "invalid_grant"})
    with pytest.raises(CommandError, match="invalid_grant"):
        connect(monkeypatch)
    assert GmailMailbox.objects.get().refresh_token == ""


def test_the_consent_of_another_mailbox_is_refused(
    client_of_a_person: TokenServer, server: FaultyGmail, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.mailboxes[OURS].address = "somebody@tidewater.example"
    with pytest.raises(CommandError, match="consent of somebody@"):
        connect(monkeypatch)
    assert GmailMailbox.objects.get().refresh_token == ""


def test_doctor_warns_of_a_consent_screen_that_is_a_test(
    client_of_a_person: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_of_a_person.says = (200, {**GIVEN, "refresh_token_expires_in": 604799})
    assert "Testing" in connect(monkeypatch)
    read_mailboxes()
    state, words = email_channel()
    assert state == State.FAILED
    assert '"Testing"' in words


def test_doctor_says_how_old_a_consent_is(client_of_a_person: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch)
    read_mailboxes()
    state, words = email_channel()
    assert state == State.OK
    assert "too young to know" in words
    GmailMailbox.objects.update(consented_at=timezone.now() - timedelta(days=30))
    assert "too young" not in email_channel()[1]


def test_before_anybody_consented_doctor_says_what_to_do(client_of_a_person: TokenServer) -> None:
    read_mailboxes()
    assert "connect_gmail" in email_channel()[1]


def test_a_consent_that_cannot_be_read_any_more_is_asked_for_again(
    client_of_a_person: TokenServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    connect(monkeypatch)
    settings.SECRET_KEY = "another"
    read_again()
    assert "SECRET_KEY has changed" in GmailMailbox.objects.get().error


def test_a_service_account_acts_for_the_mailbox(server: FaultyGmail, tokens: TokenServer, settings: Any) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    settings.GMAIL_SERVICE_ACCOUNT = json.dumps(
        {"type": "service_account", "client_email": "desk@x.iam.gserviceaccount.com", "private_key": pem,
         "token_uri": tokens.url}
    )  # fmt: skip
    tokens.says = (200, {"access_token": "ya29.sa", "expires_in": 3599})
    assert Gmail(OURS).owner() == OURS
    Gmail(OURS).owner()
    assert len(tokens.asked) == 1, "its token is kept"
    assert tokens.asked[0]["grant_type"].endswith("jwt-bearer")


# --- C3: not let in any more -----------------------------------------------------------------------------------------


@pytest.fixture
def lead(db: None) -> None:
    user = make_staff("lena", "lead")
    user.email = "lena@tidewater.example"
    user.save()


def test_c3_when_the_consent_is_withdrawn_replies_wait_and_the_leads_hear_of_it_once(
    client_of_a_person: TokenServer, server: FaultyGmail, articles: None, lead: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch)
    read_mailboxes()
    server.mailboxes[OURS].receive(a_mail()).at += 2
    read()
    answered(Conversation.objects.get())
    client_of_a_person.says = (400, {"error": "invalid_grant", "error_description": "Token has been revoked."})
    access._of_person.cache_clear()
    assert deliver().status == Delivery.Status.QUEUED
    for _ in range(3):
        read_again()
    assert email_channel()[0] == State.FAILED
    letter = DeadLetter.objects.get(kind=DeadLetter.Kind.CHANNEL)
    DeadLetter.objects.update(created_at=Now() - timedelta(minutes=1))
    look_after()
    assert [n.address for n in StaffNotice.objects.filter(subject_id=letter.pk)] == ["lena@tidewater.example"]
    assert server.mailboxes[OURS].sent == []

    client_of_a_person.says = (200, GIVEN)
    read_again()
    assert DeadLetter.objects.get().replayed_at is not None, "it works again"
    Delivery.objects.update(due_at=Now())
    assert deliver().status == Delivery.Status.SENT


def test_a_mailbox_that_is_away_for_ten_minutes_is_told(server: FaultyGmail, inbox: Mailbox) -> None:
    server.plan = lambda *_: "error_500"
    read_again()
    read_again()
    assert not DeadLetter.objects.exists(), "not each hiccup"
    GmailMailbox.objects.update(failing_since=timezone.now() - timedelta(minutes=11))
    read_again()
    read_again()
    assert DeadLetter.objects.count() == 1


# --- Watching --------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(inbox: Mailbox, settings: Any) -> Mailbox:
    settings.GMAIL_PUSH_TOPIC = TOPIC
    renew_watches()
    return inbox


def test_d4_the_watch_is_renewed_when_it_is_a_day_old(watched: Mailbox, server: FaultyGmail) -> None:
    first = GmailMailbox.objects.get().watched_until
    assert first is not None
    assert abs(first.timestamp() - watched.watched_until) < 1
    renew_watches()
    assert GmailMailbox.objects.get().watched_until == first, "not each time"
    GmailMailbox.objects.update(watched_until=first - timedelta(days=1, minutes=1))
    renew_watches()
    assert GmailMailbox.objects.get().watched_until > first


def test_d4_a_watch_that_cannot_be_renewed_is_told_at_two_days_and_reading_goes_on(
    watched: Mailbox, server: FaultyGmail
) -> None:
    server.plan = lambda method, path: "error_500" if path.endswith("/watch") else None
    GmailMailbox.objects.update(watched_until=timezone.now() + timedelta(days=3))
    renew_watches()
    assert not DeadLetter.objects.exists()
    assert email_channel()[0] == State.OK
    GmailMailbox.objects.update(watched_until=timezone.now() + timedelta(hours=47), watch_tried_at=None)
    renew_watches()
    renew_watches()
    assert "pushes end" in DeadLetter.objects.get().error
    state, words = email_channel()
    assert state == State.FAILED
    assert "watch_gmail" in words
    watched.receive(a_mail())
    read()
    assert Message.objects.count() == 1

    server.plan = lambda *_: None
    GmailMailbox.objects.update(watch_tried_at=None)
    renew_watches()
    assert DeadLetter.objects.get().replayed_at is not None
    assert email_channel()[0] == State.OK


def test_d4_a_watch_that_fails_is_not_asked_for_each_minute(watched: Mailbox, server: FaultyGmail) -> None:
    server.plan = lambda method, path: "error_500" if path.endswith("/watch") else None
    GmailMailbox.objects.update(watched_until=timezone.now())
    for _ in range(3):
        renew_watches()
    assert len([call for call in server.calls if call.endswith("/watch")]) <= 3, "once, with one repetition"


def test_d4_watch_gmail_may_be_repeated(watched: Mailbox) -> None:
    for _ in range(2):
        out = io.StringIO()
        call_command("watch_gmail", stdout=out)
        assert json.loads(out.getvalue())["mailbox"] == OURS


def test_watch_gmail_says_what_is_missing(inbox: Mailbox, settings: Any) -> None:
    with pytest.raises(CommandError, match="GMAIL_PUSH_TOPIC"):
        call_command("watch_gmail")
    settings.GMAIL_ADDRESS = ""
    with pytest.raises(CommandError, match="GMAIL_ADDRESS"):
        call_command("watch_gmail")
