"""A channel's page on the desk, its test mail, and the system checks."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from channels_app.checks import gmail
from channels_app.simulator.gmail import Mailbox
from tests.channels_app.mailbox import OURS, headers_of
from tests.factories import make_staff
from tests.fakes.gmail import FaultyGmail
from tickets.models import ChannelSettings

pytestmark = pytest.mark.django_db
PAGE, TEST = "/admin/tickets/channelsettings/email/change/", "/admin/tickets/channelsettings/email/test/"


@pytest.fixture
def lead(client: Client) -> User:
    user = make_staff("lena", "lead")
    user.email = "lena@tidewater.example"
    user.save()
    client.force_login(user)
    return user


def said(client: Client, answer: Any) -> str:
    return client.get(answer.headers["Location"]).content.decode()


def test_the_page_says_how_the_channel_stands(inbox: Mailbox, lead: User, client: Client) -> None:
    page = client.get(PAGE).content.decode()
    assert "Works" in page
    assert f"{OURS}, read" in page
    assert "lena@tidewater.example, your own address" in page


def test_a_channel_without_credentials_is_off_and_says_so(lead: User, client: Client) -> None:
    assert "GMAIL_ADDRESS is not set" in client.get(PAGE).content.decode()
    whatsapp = client.get("/admin/tickets/channelsettings/whatsapp/change/").content.decode()
    assert "no WhatsApp channel" in whatsapp
    assert "Send a test" not in whatsapp
    assert client.get("/admin/tickets/channelsettings/").content.decode().count("Off") >= 2


def test_a_test_leaves_through_gmail_to_whoever_asks(inbox: Mailbox, lead: User, client: Client) -> None:
    assert "is on its way to lena@" in said(client, client.post(TEST, {"to": "all@example.com"}))
    (sent,) = inbox.sent
    assert headers_of(sent.raw)["To"] == "lena@tidewater.example"


def test_a_test_that_gmail_refuses_says_so(inbox: Mailbox, server: FaultyGmail, lead: User, client: Client) -> None:
    server.plan = lambda method, path: "busy" if path.endswith("/drafts") else None
    assert "The test was not sent. Gmail answered 429" in said(client, client.post(TEST))


def test_without_gmail_the_test_goes_the_way_of_the_copies(lead: User, client: Client) -> None:
    client.post(TEST)
    assert mail.outbox[0].to == ["lena@tidewater.example"]


def test_who_has_no_address_gets_no_test(inbox: Mailbox, lead: User, client: Client) -> None:
    User.objects.update(email="")
    assert "no e-mail address" in said(client, client.post(TEST))
    assert inbox.sent == []


@pytest.mark.parametrize("group", ["agent", "editor", "auditor"])
def test_only_who_may_change_settings_sends_tests(group: str, inbox: Mailbox, client: Client) -> None:
    client.force_login(make_staff("sara", group))
    assert client.post(TEST).status_code == 403
    assert inbox.sent == []


def test_a_test_is_only_sent_on_a_post(inbox: Mailbox, lead: User, client: Client) -> None:
    assert client.get(TEST).status_code == 405
    assert client.post(TEST.replace("email", "web_form")).status_code == 404


def test_switched_off_by_staff_nothing_is_read(inbox: Mailbox, lead: User, client: Client) -> None:
    client.post(PAGE, {"signature": "", "max_words": 300, "quiet_seconds": 0})
    assert not ChannelSettings.of("email").is_enabled
    assert "Switched off" in client.get(PAGE).content.decode()


# --- System checks ---------------------------------------------------------------------------------------------------

KEY = json.dumps({"client_email": "a@b", "private_key": "x", "token_uri": "https://oauth2.googleapis.com/token"})


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"GMAIL_ADDRESS": ""}, []),
        ({"GMAIL_ADDRESS": "support"}, ["channels.E001"]),
        ({"GMAIL_GROUPS": ["not an address"]}, ["channels.E001"]),
        ({"GMAIL_GROUPS": [OURS]}, ["channels.E002"]),
        ({"GMAIL_SERVICE_ACCOUNT": "{}"}, ["channels.E003"]),
        ({"GMAIL_SERVICE_ACCOUNT": "/path/to/key.json"}, ["channels.E003"]),
        ({"GMAIL_SERVICE_ACCOUNT": KEY}, []),
        ({"GMAIL_SERVICE_ACCOUNT": KEY, "GMAIL_OAUTH_CLIENT_ID": "x"}, ["channels.W001"]),
        ({"GMAIL_PUSH_TOPIC": "gmail"}, ["channels.E004"]),
        ({"GMAIL_PUSH_TOPIC": "projects/a/topics/b"}, ["channels.W002"]),
        ({"GMAIL_PUSH_AUDIENCE": "https://x"}, ["channels.W003"]),
        ({"GMAIL_PUSH_TOPIC": "projects/a/topics/b", "GMAIL_PUSH_AUDIENCE": "https://x"}, []),
    ],
    ids=str,
)
def test_what_does_not_fit_together_is_said_at_the_start(
    changes: dict[str, Any], ids: list[str], settings: Any
) -> None:
    settings.GMAIL_ADDRESS = OURS
    for name, value in changes.items():
        setattr(settings, name, value)
    found = gmail(None)
    assert [message.id for message in found] == ids
    assert all(message.hint or message.id == "channels.E001" for message in found)
