"""The simulated Gmail through Google's own client: what the product may rely on."""

import base64
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from channels_app.simulator.gmail import GmailServer, Mailbox
from tests.fakes.serving import serving

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
