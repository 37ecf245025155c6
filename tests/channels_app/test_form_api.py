"""The form's HTTP interface: what it takes, what it refuses and how it says so."""

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from ninja.errors import HttpError

from channels_app.web_form.parsing import read_body
from customers.models import Customer
from fte_project.models import OutboxEvent
from tests.factories import BEN, fields, fresh, write
from tickets.models import Attachment, ChannelSettings, Message, RawPayload, Ticket
from tickets.replies import reply
from tickets.tokens import allow_status, status_token

SUBMIT = "/api/support/submit"
JSON = "application/json"
STORED = (Customer, Ticket, Message, RawPayload, OutboxEvent, Attachment)
pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def counts() -> list[int]:
    return [model._default_manager.count() for model in STORED]


def post(client: Client, body: Any, content_type: str = JSON, path: str = SUBMIT, **headers: str) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    type_of_empty = {} if raw else {"CONTENT_TYPE": content_type}  # the client leaves it out
    return client.generic("POST", path, raw, content_type=content_type, headers=headers, **type_of_empty)


def says(response: HttpResponse, status: int) -> dict[str, Any]:
    """The error as INTERFACES.md has it: a sentence, and what is wrong with which field."""
    assert response.status_code == status, response.content[:300]
    assert response["Content-Type"].startswith(JSON)
    said = response.json()
    assert set(said) == {"detail", "errors"}
    assert said["detail"].endswith((".", "."))
    assert " " in said["detail"]
    assert all(set(e) == {"field", "message"} and e["message"] for e in said["errors"])
    return said


# --- Accepted ----------------------------------------------------------------------------------------------------


def test_a_valid_form_opens_a_ticket_and_says_where_it_is(client: Client) -> None:
    response = post(client, fields(category="billing", priority="high"))
    ticket = Ticket.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "reference": ticket.reference,
        "token": status_token(ticket),
        "status_url": f"{settings.PUBLIC_BASE_URL}/support/t/{status_token(ticket)}",
    }
    assert (ticket.category, ticket.priority, ticket.subject) == ("billing", "high", fields()["subject"])


@pytest.mark.parametrize(
    ("changes", "stored"),
    [
        ({"name": "Jo"}, {}),
        ({"name": "x" * 120}, {}),
        ({"name": "Dr. J. R. O'Neil-Wwwlter (née St.John), 3rd: 50/50"}, {}),
        ({"subject": "12345"}, {}),
        ({"subject": "x" * 200}, {}),
        ({"message": "1234567890"}, {}),
        ({"message": "x" * 1000}, {}),
        ({"message": "👩‍👩‍👧" * 100}, {}),
        ({"message": "  spaces around it  "}, {"message": "spaces around it"}),
        ({"message": "right\u202eto left override"}, {"message": "rightto left override"}),
        ({"message": "bell\x07 and escape\x1b[31m"}, {"message": "bell and escape[31m"}),
        ({"message": "line\r\nends are plain"}, {"message": "line\nends are plain"}),
        ({"subject": "one\r\nBcc: x@example.com"}, {"subject": "one Bcc: x@example.com"}),
        ({"email": "ANN@Bücher.example"}, {"email": "ann@xn--bcher-kva.example"}),
        ({"message": "<script>alert(1)</script>"}, {}),
        ({"message": "'; DROP TABLE tickets_ticket; --"}, {}),
        ({"unknown": "field", "handler": "staff", "status": "closed", "conversation_id": 1}, {}),
    ],
)
def test_what_can_be_stored_is_stored_as_it_was_meant(
    changes: dict[str, Any], stored: dict[str, str], client: Client
) -> None:
    assert post(client, fields(**changes)).status_code == 201
    ticket, message = Ticket.objects.get(), Message.objects.get()
    wanted = {**fields(**changes), **stored}
    found = {
        "name": ticket.conversation.customer.name,
        "email": ticket.conversation.address,
        "subject": ticket.subject,
        "message": message.body,
    }
    assert found == {name: wanted[name] for name in found}
    assert (ticket.status, ticket.handler) == ("open", "assistant")


def test_a_key_that_comes_twice_in_the_json_counts_once(client: Client) -> None:
    raw = json.dumps(fields()).encode()[:-1] + b', "name": "The Last"}'
    assert post(client, raw).status_code == 201
    assert Customer.objects.get().name == "The Last"


def a_file(name: str = "screen.png", size: int = 20, content_type: str = "image/png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"x" * size, content_type)


def test_attachments_are_stored_with_the_message(client: Client) -> None:
    names = ["a.txt", "b.txt", "c d.png", "日本.pdf", "e"]
    response = client.post(SUBMIT, {**fields(), "attachments": [a_file(n) for n in names]})
    assert response.status_code == 201, response.content
    assert list(Message.objects.get().attachments.values_list("name", "size")) == [(n, 20) for n in names]
    view = client.get(f"/api/support/ticket/{response.json()['token']}").json()
    assert view["messages"][0]["attachments"] == names


def test_an_attachment_may_have_ten_megabytes(client: Client) -> None:
    response = client.post(SUBMIT, {**fields(), "attachments": a_file(size=settings.ATTACHMENT_MAX_BYTES)})
    assert response.status_code == 201, response.content
    assert Attachment.objects.get().size == 10 * 1024 * 1024


def test_the_form_may_come_as_multipart_without_files(client: Client) -> None:
    assert client.post(SUBMIT, fields()).status_code == 201
    assert Message.objects.get().body == fields()["message"]


def test_browsers_of_other_sites_need_no_csrf_token(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert post(strict, fields()).status_code == 201


# --- Refused -----------------------------------------------------------------------------------------------------

BAD_FIELDS: list[tuple[str, Any, str]] = [
    *((name, ..., name) for name in ("name", "email", "subject", "message")),
    *((name, value, name) for name in ("name", "email", "subject", "message") for value in (None, 7, [], {}, True, "")),
    *((name, value, name) for name in ("category", "priority") for value in ("", "unknown", None, 7, [], "Billing")),
    ("name", "x", "name"),
    ("name", "  x  ", "name"),
    ("name", "x" * 121, "name"),
    *(("name", v, "name") for v in ("http://x.example", "HTTPS://x.example", "WWW.x.example", "a@x.example", "a＠b")),
    ("subject", "1234", "subject"),
    ("subject", "x" * 201, "subject"),
    ("message", "123456789", "message"),
    ("message", " " * 50, "message"),
    ("message", "x" * 1001, "message"),
    ("message", "NUL \x00 in the middle", "message"),
    ("name", "N\x00L", "name"),
    ("subject", "NUL \x00 here", "subject"),
    ("email", "a\x00@example.com", "email"),
    ("message", "a lone surrogate \ud800 here", "message"),
    ("name", "\udfff\udfff", "name"),
    ("subject", "half a pair \ud83d", "subject"),
    ("email", "a\ud800@example.com", "email"),
    *(
        ("email", value, "email")
        for value in (
            "ann", "ann@", "@example.com", "ann@intranet", "ann@example.com, ben@example.com",
            "Ann <ann@example.com>", "a b@example.com", "ann@example.com\nBcc: ben@example.com",
            "a" * 250 + "@example.com", "ann@exa_mple.com", "ann@" + "ü" * 60 + ".com",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "blamed"), BAD_FIELDS, ids=lambda v: repr(v)[:30])
def test_a_wrong_field_is_named_and_nothing_is_stored(name: str, value: Any, blamed: str, client: Client) -> None:
    before, values = counts(), fields()
    values.pop(name, None)
    if value is not ...:
        values[name] = value
    said = says(post(client, values), 422)
    assert blamed in {e["field"] for e in said["errors"]}
    assert counts() == before


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("name", "x", "Please write at least 2 characters."),
        ("name", "Win at www.evil.example", "Please write your name without links and addresses."),
        ("message", "too short", "Please write at least 10 characters."),
        ("message", "x" * 1001, "Please write at most 1000 characters."),
        ("email", "ann", "This is not a valid e-mail address."),
        ("message", "\x00 in it", "This contains characters that cannot be stored."),
    ],
)
def test_what_is_wrong_is_said_to_people(name: str, value: str, sentence: str, client: Client) -> None:
    assert says(post(client, fields(**{name: value})), 422)["errors"] == [{"field": name, "message": sentence}]


def test_all_wrong_fields_are_named_at_once(client: Client) -> None:
    said = says(post(client, {"name": "x", "priority": "now"}), 422)
    assert {e["field"] for e in said["errors"]} == {"name", "email", "subject", "message", "priority"}


VALID = json.dumps(fields())
BAD_BODIES: list[tuple[str, bytes, str, int]] = [
    ("3 MB of JSON", json.dumps(fields(message="x" * 3_000_000)).encode(), JSON, 413),
    ("300 KB of JSON", json.dumps(fields(message="x" * 300_000)).encode(), JSON, 413),
    ("empty", b"", JSON, 400),
    ("not JSON", b"name=Ann", JSON, 400),
    ("half of it", VALID.encode()[:-5], JSON, 400),
    ("an array", b"[1, 2]", JSON, 400),
    ("a string", b'"x"', JSON, 400),
    ("null", b"null", JSON, 400),
    ("a number", b"7", JSON, 400),
    ("a huge number", b'{"name": ' + b"9" * 10_000 + b"}", JSON, 400),
    ("deep arrays", b"[" * 100_000, JSON, 400),
    ("deep objects", b'{"a":' * 40_000 + b"1" + b"}" * 40_000, JSON, 400),
    ("UTF-16", VALID.encode("utf-16"), JSON, 400),
    ("UTF-16 that says so", VALID.encode("utf-16"), "application/json; charset=utf-16", 400),
    ("Latin-1", json.dumps(fields(name="Jürgen"), ensure_ascii=False).encode("latin-1"), JSON, 400),
    ("a raw surrogate", b'{"name": "\xed\xa0\x80"}', JSON, 400),
    ("text/plain", VALID.encode(), "text/plain", 415),
    ("no content type", VALID.encode(), "", 415),
    ("nonsense content type", VALID.encode(), ";;;=/", 415),
    ("urlencoded", b"name=Ann", "application/x-www-form-urlencoded", 415),
    ("multipart without a boundary", VALID.encode(), "multipart/form-data", 400),
    ("multipart with an odd boundary", VALID.encode(), "multipart/form-data; boundary=\xe9", 400),
    ("multipart that is none", b"garbage", "multipart/form-data; boundary=x", 422),
    ("an unfinished multipart", encode_multipart(BOUNDARY, fields())[:-200], MULTIPART_CONTENT, 422),
    (
        "a part in bad base64",
        b'--x\r\nContent-Disposition: form-data; name="name"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--',
        "multipart/form-data; boundary=x",
        422,
    ),
    ("3 MB in one field", encode_multipart(BOUNDARY, fields(message="x" * 3_000_000)), MULTIPART_CONTENT, 413),
    ("a NUL in a field", encode_multipart(BOUNDARY, fields(message="NUL \x00 in a message")), MULTIPART_CONTENT, 422),
    ("2,000 fields", encode_multipart(BOUNDARY, {f"f{n}": "x" for n in range(2000)}), MULTIPART_CONTENT, 413),
]


@pytest.mark.parametrize(
    ("body", "content_type", "status"), [b[1:] for b in BAD_BODIES], ids=[b[0] for b in BAD_BODIES]
)
def test_a_body_that_cannot_be_read_is_refused_with_a_sentence(
    body: bytes, content_type: str, status: int, client: Client
) -> None:
    before = counts()
    says(post(client, body, content_type), status)
    assert counts() == before


@pytest.mark.parametrize("length", ["abc", "-1", "1e9", "9" * 5000, "٣"])
def test_a_wrong_content_length_is_no_error_of_ours(length: str, client: Client) -> None:
    response = client.generic("POST", SUBMIT, VALID, content_type=JSON, CONTENT_LENGTH=length)
    assert 400 <= response.status_code < 500, response.content[:200]
    assert counts() == [0] * len(STORED)


@pytest.mark.parametrize(
    "files",
    [
        [a_file(f"{n}.txt", 1) for n in range(6)],
        [a_file(f"{n}.txt", 1) for n in range(150)],
        [a_file(size=settings.ATTACHMENT_MAX_BYTES + 1)],
        [a_file(f"{n}.bin", 11 * 1024 * 1024 - 1) for n in range(5)],
    ],
    ids=["six", "150", "one too large", "together too large"],
)
def test_too_many_or_too_large_files_are_refused(files: list[SimpleUploadedFile], client: Client) -> None:
    for file in files:
        file.seek(0)
    says(client.post(SUBMIT, {**fields(), "attachments": files}), 413)
    assert counts() == [0] * len(STORED)


def test_files_under_any_field_name_count(client: Client) -> None:
    files = {f"field{n}": a_file(f"{n}.txt", 1) for n in range(6)}
    says(client.post(SUBMIT, {**fields(), **files}), 413)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_store_nothing(method: str, client: Client) -> None:
    assert client.generic(method, SUBMIT, VALID, content_type=JSON).status_code == 405
    assert counts() == [0] * len(STORED)


# --- Again and again ---------------------------------------------------------------------------------------------


def test_a16_a_retry_with_the_same_key_gets_the_same_ticket(client: Client) -> None:
    answers = [post(client, fields(), **{"Idempotency-Key": "k"}) for _ in range(3)]
    assert [a.status_code for a in answers] == [201] * 3
    assert len({a.content for a in answers}) == 1
    assert Message.objects.count() == 1


def test_the_same_key_with_other_words_is_a_conflict(client: Client) -> None:
    post(client, fields(), **{"Idempotency-Key": "k"})
    said = says(post(client, fields(message="Other words, same key."), **{"Idempotency-Key": "k"}), 409)
    assert "Idempotency-Key" in said["detail"]
    assert Message.objects.count() == 1


def test_a_key_counts_within_its_endpoint(client: Client) -> None:
    token = post(client, fields(), **{"Idempotency-Key": "k"}).json()["token"]
    again = {"message": "More about it."}
    path = f"/api/support/ticket/{token}/messages"
    for _ in range(2):
        assert post(client, again, path=path, **{"Idempotency-Key": "k"}).status_code == 201
    assert Message.objects.count() == 2
    other = post(client, fields(**BEN)).json()["token"]
    assert post(client, again, path=path.replace(token, other), **{"Idempotency-Key": "k"}).status_code == 201
    assert Message.objects.count() == 4


def test_without_a_key_every_post_is_a_message(client: Client) -> None:
    for _ in range(2):
        post(client, fields())
    assert Message.objects.count() == 2


@pytest.mark.parametrize("key", ["x" * 201, "tab\tinside", "bell\x07", "\x85"])
def test_a_key_that_is_no_key_is_refused(key: str, client: Client) -> None:
    response = client.generic("POST", SUBMIT, VALID, content_type=JSON, HTTP_IDEMPOTENCY_KEY=key)
    assert "Idempotency-Key" in says(response, 400)["detail"]
    assert counts() == [0] * len(STORED)


def test_a_key_may_have_200_characters(client: Client) -> None:
    assert post(client, fields(), **{"Idempotency-Key": "k" * 200}).status_code == 201


# --- The ticket behind a link --------------------------------------------------------------------------------------


def test_the_holder_of_a_link_sees_this_ticket_and_nothing_internal(client: Client, sam: Any) -> None:
    mine, other = write(), write(**BEN, subject="Of somebody else", message="A secret of Ben's.")
    reply(mine.ticket, body="We are on it.", staff=sam)
    response = client.get(f"/api/support/ticket/{status_token(mine.ticket)}")
    view = response.json()
    assert response.status_code == 200
    facts = {"reference", "subject", "status", "category", "priority", "opened_at", "is_confirmed"}
    assert set(view) == {*facts, "messages"}
    assert [(m["author"], m["text"]) for m in view["messages"]] == [
        ("customer", fields()["message"]),
        ("staff", "We are on it."),
    ]
    said = response.content.decode()
    for secret in ("sam", "secret", "ann@example.com", "ben@", other.ticket.reference, "handler", "epoch"):
        assert secret not in said


def test_an_old_link_shows_its_own_ticket_only(client: Client) -> None:
    old = write().ticket
    Ticket.objects.update(status="closed")
    path = f"/api/support/ticket/{status_token(old)}"
    said = post(client, {"message": "A new matter."}, path=f"{path}/messages").json()
    new = Ticket.objects.exclude(pk=old.pk).get()
    assert (said["reference"], said["token"]) == (new.reference, status_token(new))
    assert [m["text"] for m in client.get(path).json()["messages"]] == [fields()["message"]]
    new_view = client.get(f"/api/support/ticket/{said['token']}").json()
    assert [m["text"] for m in new_view["messages"]] == ["A new matter."]


def test_a_follow_up_goes_to_the_same_conversation(client: Client) -> None:
    ticket = write().ticket
    path = f"/api/support/ticket/{status_token(ticket)}/messages"
    answer = post(client, {"message": "x", "email": "ben@example.com", "subject": "Ignored subject"}, path=path)
    assert answer.status_code == 201
    assert answer.json()["reference"] == ticket.reference
    assert list(Message.objects.values_list("conversation", flat=True)) == [ticket.conversation_id] * 2
    assert Customer.objects.count() == 1
    assert fresh(ticket).subject == ticket.subject


def test_a_follow_up_may_bring_files(client: Client) -> None:
    path = f"/api/support/ticket/{status_token(write().ticket)}/messages"
    assert client.post(path, {"message": "Look.", "attachments": a_file()}).status_code == 201
    assert Attachment.objects.get().message.body == "Look."


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", JSON, 422),
        (b'{"message": ""}', JSON, 422),
        (b'{"message": " \\n "}', JSON, 422),
        (b'{"message": "\\u0000 and words"}', JSON, 422),
        (b'{"message": "\\ud800 and words"}', JSON, 422),
        (json.dumps({"message": "x" * 4001}).encode(), JSON, 422),
        (b"[]", JSON, 400),
        (b"{", JSON, 400),
        (json.dumps({"message": "x" * 300_000}).encode(), JSON, 413),
        (b"hello", "text/plain", 415),
    ],
)
def test_a_wrong_follow_up_is_refused(body: bytes, content_type: str, status: int, client: Client) -> None:
    path = f"/api/support/ticket/{status_token(write().ticket)}/messages"
    before = counts()
    says(post(client, body, content_type, path), status)
    assert counts() == before


def test_unknown_expired_and_revoked_links_get_the_same_answer(client: Client) -> None:
    expired, revoked = write("a").ticket, write("b").ticket
    old = {"expired": status_token(expired), "revoked": status_token(revoked)}
    Ticket.objects.filter(pk=expired.pk).update(token_expires_at=Now() - timedelta(seconds=1))
    revoked.token_version += 1
    allow_status(revoked)
    revoked.save()
    tokens = {
        **old,
        "unknown": "0" * 27,
        "short": "x",
        "long": "x" * 5000,
        "NUL": "%00",
        "reference": revoked.reference,
    }
    before = counts()
    bodies = set()
    for token in tokens.values():
        for response in (
            client.get(f"/api/support/ticket/{token}"),
            post(client, {"message": "Hello?"}, path=f"/api/support/ticket/{token}/messages"),
        ):
            says(response, 404)
            bodies.add((response.content, tuple(sorted(response.headers.items()))))
    assert len(bodies) == 1
    assert counts() == before
    assert client.get(f"/api/support/ticket/{status_token(revoked)}").status_code == 200


# --- Faults and noise ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["connect", "server"])
def test_a_database_that_is_away_is_a_503_that_says_so(
    error: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Django meets it: every statement fails in the driver (a closed connection, a server that shuts down)."""
    token = status_token(write().ticket)
    kind = {"connect": psycopg.OperationalError, "server": psycopg.errors.AdminShutdown}[error]

    def away(*_: Any, **__: Any) -> Any:
        raise kind("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", away)
        responses = [
            post(client, fields()),
            client.post(SUBMIT, {**fields(), "attachments": a_file()}),
            client.get(f"/api/support/ticket/{token}"),
            post(client, {"message": "Hello?"}, path=f"/api/support/ticket/{token}/messages"),
        ]
    for response in responses:
        says(response, 503)
        assert int(response["Retry-After"]) > 0
        assert b"the database is away" not in response.content
    connection.close()


@pytest.fixture
def unlimited(settings: Any) -> None:
    """For what posts hundreds of forms within one test."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, (10_000, 600))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        name: ANY_JSON | st.text(max_size=1200) | st.just(value)
        for name, value in {**fields(), "category": "billing", "priority": "low"}.items()
    },
)


@pytest.mark.usefixtures("unlimited")
@hypothesis(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=ANY_JSON | NEARLY | st.binary(max_size=200), content_type=st.sampled_from([JSON] * 9 + ["text/plain"]))
def test_a14_whatever_is_posted_is_never_our_error(client: Client, body: Any, content_type: str) -> None:
    before = Message.objects.count()
    response = post(client, body, content_type)
    stored = Message.objects.count() - before
    if response.status_code == 201:
        assert stored == 1
    else:
        assert stored == 0
        says(response, response.status_code)
        assert response.status_code in {400, 413, 415, 422}


@pytest.mark.usefixtures("unlimited")
@hypothesis(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    values=st.dictionaries(
        st.sampled_from([*fields(), "category", "attachments", "x"]), st.text(max_size=60) | st.binary(max_size=60)
    ),
    key=st.text(st.characters(max_codepoint=255), max_size=20),
)
def test_a14_whatever_comes_as_multipart_is_never_our_error(client: Client, values: dict[str, Any], key: str) -> None:
    named = {
        name: a_file(size=3) if isinstance(v, bytes) and name == "attachments" else v for name, v in values.items()
    }
    response = client.post(SUBMIT, {**fields(), **named}, HTTP_IDEMPOTENCY_KEY=key)
    assert response.status_code in {201, 400, 409, 422}
    if response.status_code != 201:
        says(response, response.status_code)


@pytest.mark.django_db
def test_a_form_that_is_switched_off_says_so_and_stores_nothing(client: Client) -> None:
    ChannelSettings.objects.filter(channel="web_form").update(is_enabled=False)
    response = client.post("/api/support/submit", fields(), content_type="application/json")
    assert response.status_code == 503
    assert "switched off" in response.json()["detail"]
    assert "switched off" in client.post("/support/", fields()).content.decode()
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_a_body_without_a_length_has_the_same_limit(rf: RequestFactory) -> None:
    request = rf.post("/", b"x" * (settings.JSON_MAX_BYTES + 1), content_type="application/json")
    del request.META["CONTENT_LENGTH"]
    request._body = b"x" * (settings.JSON_MAX_BYTES + 1)  # as a chunked request arrives
    with pytest.raises(HttpError) as refused:
        read_body(request)
    assert refused.value.status_code == 413
