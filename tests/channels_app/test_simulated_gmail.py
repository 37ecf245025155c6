"""The simulated Gmail through Google's own client: what the product may rely on."""

import base64
import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from channels_app.gmail import push
from channels_app.simulator.gmail import GmailServer
from channels_app.simulator.letters import World, answer_to, letter
from channels_app.simulator.mailbox import Mailbox
from tests.fakes.google import ACCOUNT
from tests.fakes.serving import serving
from tests.fakes.webhook import FakeWebhook, webhook
from tests.processes import wait_for

OURS = "support@tidewater.example"


@pytest.fixture
def server() -> Iterator[GmailServer]:
    with serving(GmailServer(OURS)) as running:
        yield running


@pytest.fixture
def mailbox(server: GmailServer) -> Mailbox:
    return server.mailboxes[OURS]


@pytest.fixture
def gmail(server: GmailServer) -> Any:
    options = {"api_endpoint": server.url}
    service = build("gmail", "v1", credentials=AnonymousCredentials(), client_options=options, cache_discovery=False)
    return service.users()


def a_mail(subject: str = "Password", message_id: str = "<1@x.example>", **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = "ann@example.com", subject, message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("How?")
    return mail.as_bytes()


def draft(gmail: Any, raw: bytes, thread: str | None = None) -> str:
    message = {"raw": base64.urlsafe_b64encode(raw).decode(), **({"threadId": thread} if thread else {})}
    return str(gmail.drafts().create(userId=OURS, body={"message": message}).execute()["id"])


def status_of(call: Any) -> int:
    with pytest.raises(HttpError) as error:
        call.execute()
    return int(error.value.resp.status)


def test_history_gives_what_came_after_the_cursor_in_pages(gmail: Any, mailbox: Mailbox) -> None:
    start = gmail.getProfile(userId=OURS).execute()["historyId"]
    wanted = [mailbox.receive(a_mail(message_id=f"<{n}@x.example>")).id for n in range(5)]
    mailbox.relabel(wanted[0], "SPAM")
    found, page, pages = [], None, 0
    while True:
        call = gmail.history().list(
            userId=OURS, startHistoryId=start, maxResults=2, pageToken=page, historyTypes=["messageAdded"]
        )
        answer = call.execute()
        found += [added["message"]["id"] for row in answer["history"] for added in row["messagesAdded"]]
        assert int(answer["historyId"]) == mailbox.history_id, "every page carries the newest id"
        page, pages = answer.get("nextPageToken"), pages + 1
        if not page:
            break
    assert (found, pages) == (wanted, 3)


def test_a_cursor_that_is_too_old_is_not_found(gmail: Any, mailbox: Mailbox) -> None:
    start = mailbox.history_id
    mailbox.receive(a_mail())
    mailbox.expire_history()
    assert status_of(gmail.history().list(userId=OURS, startHistoryId=start)) == 404
    found = gmail.messages().list(userId=OURS, q="newer_than:1d").execute()["messages"]
    assert [m["id"] for m in found] == list(mailbox.messages)


def test_a_message_comes_raw_as_it_was_and_a_deleted_one_is_not_found(gmail: Any, mailbox: Mailbox) -> None:
    stored = mailbox.receive(a_mail())
    answer = gmail.messages().get(userId=OURS, id=stored.id, format="raw").execute()
    assert base64.urlsafe_b64decode(answer["raw"]) == stored.raw
    assert answer["labelIds"] == ["INBOX", "UNREAD"]
    mailbox.delete(stored.id)
    assert status_of(gmail.messages().get(userId=OURS, id=stored.id)) == 404


def test_a_draft_is_sent_once_in_its_thread_under_another_message_id(gmail: Any, mailbox: Mailbox) -> None:
    question = mailbox.receive(a_mail())
    reply = a_mail("Re: Password", "<ours@tidewater.example>", In_Reply_To="<1@x.example>")
    draft_id = draft(gmail, reply, question.thread_id)
    send = gmail.drafts().send(userId=OURS, body={"id": draft_id})
    sent = send.execute()
    assert status_of(gmail.drafts().send(userId=OURS, body={"id": draft_id})) == 404
    assert len(mailbox.sent) == 1
    assert sent["threadId"] == question.thread_id
    got = gmail.messages().get(userId=OURS, id=sent["id"], format="metadata").execute()
    headers = {h["name"]: h["value"] for h in got["payload"]["headers"]}
    assert headers["Message-ID"].endswith("@mail.gmail.com>")
    assert headers["X-Google-Original-Message-ID"] == "<ours@tidewater.example>"
    for message_id, count in ((headers["Message-ID"], 1), ("<ours@tidewater.example>", 0)):
        found = gmail.messages().list(userId=OURS, q=f"rfc822msgid:{message_id}").execute()
        assert len(found.get("messages", [])) == count


def test_an_answer_joins_its_thread_only_with_a_fitting_subject(mailbox: Mailbox) -> None:
    first = mailbox.receive(a_mail())
    for subject, joins in (("Re: Password", True), ("AW: RE: Password", True), ("Something else", False)):
        answer = mailbox.receive(a_mail(subject, "<2@x.example>", References="<1@x.example>"))
        assert (answer.thread_id == first.thread_id) is joins, subject


def test_spam_and_drafts_are_not_found_unless_asked_for(gmail: Any, mailbox: Mailbox) -> None:
    mailbox.receive(a_mail(), labels=("SPAM",))
    draft(gmail, a_mail(message_id="<2@x.example>"))
    assert "messages" not in gmail.messages().list(userId=OURS, q="newer_than:1d").execute()
    assert len(gmail.messages().list(userId=OURS, q="in:spam").execute()["messages"]) == 1


def test_a_watch_ends_after_a_week_and_a_stranger_has_no_mailbox(gmail: Any, mailbox: Mailbox) -> None:
    answer = gmail.watch(userId=OURS, body={"topicName": "projects/p/topics/t"}).execute()
    assert int(answer["historyId"]) == mailbox.history_id
    assert int(answer["expiration"]) == int(mailbox.watched_until * 1000)
    assert status_of(gmail.getProfile(userId="eve@evil.example")) == 403
    assert status_of(gmail.history().list(userId=OURS, startHistoryId="x")) == 400


def test_a_token_is_refreshed_at_the_simulated_endpoint(server: GmailServer) -> None:
    credentials = Credentials(  # type: ignore[no-untyped-call]
        token=None, refresh_token="r", token_uri=f"{server.url}/token", client_id="c", client_secret="s"
    )
    options = {"api_endpoint": server.url}
    service = build("gmail", "v1", credentials=credentials, client_options=options, cache_discovery=False)
    assert service.users().getProfile(userId=OURS).execute()["emailAddress"] == OURS
    assert credentials.token == "ya29.simulated"


def test_a_cursor_from_before_a_restart_is_too_old(server: GmailServer) -> None:
    cursor = server.mailboxes[OURS].receive(a_mail()).history_id
    with serving(GmailServer(OURS)) as again:
        options = {"api_endpoint": again.url}
        service = build("gmail", "v1", credentials=AnonymousCredentials(), client_options=options)
        newest = int(service.users().getProfile(userId=OURS).execute()["historyId"])
        assert newest > cursor
        assert status_of(service.users().history().list(userId=OURS, startHistoryId=cursor)) == 404
        assert service.users().history().list(userId=OURS, startHistoryId=newest).execute() == {
            "historyId": str(newest)
        }


# --- What it pushes --------------------------------------------------------------------------------------------------


@pytest.fixture
def hook() -> Iterator[FakeWebhook]:
    with webhook() as running:
        yield running


@pytest.fixture
def pushing(hook: FakeWebhook) -> Iterator[GmailServer]:
    with serving(GmailServer(OURS, push_to=(hook.url, ACCOUNT))) as running:
        yield running


def said(hook: FakeWebhook) -> list[dict[str, Any]]:
    return [json.loads(base64.b64decode(json.loads(raw)["message"]["data"])) for _, raw in hook.accepted]


def test_what_happens_in_a_watched_mailbox_is_pushed_as_google_signs_it(
    hook: FakeWebhook, pushing: GmailServer, settings: Any
) -> None:
    mailbox = pushing.mailboxes[OURS]
    mailbox.receive(a_mail())
    begun = mailbox.receive(a_mail(message_id="<2@x.example>"))
    mailbox.watch(("INBOX", "SENT"))
    mailbox.create_draft(a_mail(message_id="<3@x.example>"), None)
    stored = mailbox.receive(a_mail(message_id="<4@x.example>"))
    wait_for(lambda: len(hook.accepted) == 2)
    numbers = [begun.history_id, stored.history_id]
    assert said(hook) == [{"emailAddress": OURS, "historyId": n} for n in numbers], "at once, and then what is watched"
    settings.GMAIL_PUSH_AUDIENCE, settings.GMAIL_PUSH_ACCOUNT = hook.url, ACCOUNT
    settings.GOOGLE_KEYS_URL = f"{pushing.url}/certs"
    push.keys.forget()
    push.check(hook.accepted[0][0]["Authorization"])
    push.keys.forget()


@pytest.mark.parametrize("answer", ["503", "401", "302", "drop"])
def test_a_push_comes_again_until_it_is_answered(answer: str, hook: FakeWebhook, pushing: GmailServer) -> None:
    hook.answer = answer
    pushing.mailboxes[OURS].watch()
    stored = pushing.mailboxes[OURS].receive(a_mail())
    wait_for(lambda: len(hook.asked) >= 3)
    world = World(pushing.url, OURS)
    assert world.pushed_at(str(stored.history_id)) is None
    hook.answer = "204"
    wait_for(lambda: world.pushed_at(str(stored.history_id)))
    assert said(hook)[-1]["historyId"] == stored.history_id


def test_a_watch_that_has_ended_pushes_nothing(hook: FakeWebhook, pushing: GmailServer) -> None:
    mailbox = pushing.mailboxes[OURS]
    mailbox.watch()
    mailbox.watched_until -= 8 * 24 * 3600
    unheard = mailbox.receive(a_mail())
    mailbox.watch()
    mailbox.delete(unheard.id)
    wait_for(lambda: len(hook.accepted) == 3)
    assert [row["historyId"] for row in said(hook)][1:] == [unheard.history_id, mailbox.history_id], "not twice"


# --- The world around it ---------------------------------------------------------------------------------------------


def test_a_customer_writes_and_answers_what_came_back(gmail: Any, server: GmailServer) -> None:
    world = World(server.url, OURS)
    came = world.write(letter(sender="ann@example.com", name="Ann", to=OURS, subject="Password", text="How?"))
    first = server.mailboxes[OURS].messages[came["id"]]
    ours = a_mail("Re: Password", "<ours@x.example>", In_Reply_To=first.message_id, X_Desk_Delivery="7.signed")
    gmail.drafts().send(userId=OURS, body={"id": draft(gmail, ours, came["threadId"])}).execute()
    (delivered,) = world.sent()
    assert (delivered.mark, delivered.deliveries, delivered.thread_id) == ("7.signed", 1, came["threadId"])
    text, answers = answer_to(delivered.mail, "Thanks")
    again = world.write(
        letter(sender="ann@example.com", name="Ann", to=OURS, subject="Re: Password", text=text, answers=answers)
    )
    assert again["threadId"] == came["threadId"]
    assert answers[-1] == delivered.mail["Message-ID"]


def test_two_deliveries_of_one_reply_are_counted_as_two(gmail: Any, server: GmailServer) -> None:
    for n in range(2):
        raw = a_mail(message_id=f"<{n}@x.example>", X_Desk_Delivery="7.signed")
        gmail.drafts().send(userId=OURS, body={"id": draft(gmail, raw)}).execute()
    assert [mail.deliveries for mail in World(server.url, OURS).sent()] == [2, 2]


def test_the_world_has_no_door_to_another_mailbox(server: GmailServer) -> None:
    assert requests.get(f"{server.url}/world/eve@evil.example/sent", timeout=5).status_code == 404
    assert requests.post(f"{server.url}/world/{OURS}/sent", timeout=5).status_code == 404


def test_what_leaves_is_a_file_that_a_mail_program_opens(tmp_path: Path) -> None:
    with serving(GmailServer(OURS, folder=tmp_path / "mail")) as running:
        mailbox = running.mailboxes[OURS]
        sent = mailbox.send_draft(mailbox.create_draft(a_mail(), None)["id"])
    (file,) = (tmp_path / "mail").iterdir()
    assert (file.suffix, file.read_bytes()) == (".eml", mailbox.messages[sent["id"]].raw)
