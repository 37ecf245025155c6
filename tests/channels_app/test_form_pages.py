"""The form and the status page as a person without JavaScript meets them."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from tests.factories import fields, write
from tickets.escalations import HandOver, escalate
from tickets.models import Attachment, Message, Ticket
from tickets.reasons import Reason
from tickets.replies import reply
from tickets.tokens import status_token

pytestmark = pytest.mark.django_db
FORM = "/support/"


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def page_of(ticket: Ticket) -> str:
    return f"/support/t/{status_token(ticket)}"


def shown(response: HttpResponse) -> str:
    return response.content.decode()


def test_the_form_is_a_page_that_loads_nothing_from_elsewhere(client: Client) -> None:
    response = client.get(FORM)
    assert response.status_code == 200
    assert not re.search(r'(?:src|href)="(?:https?:)?//', shown(response))
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_post_needs_the_token_of_the_page() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(FORM, fields()).status_code == 403
    assert not Message.objects.exists()


def test_sending_the_form_leads_to_the_status_page(client: Client) -> None:
    file = SimpleUploadedFile("screen.png", b"pixels", "image/png")
    response = client.post(FORM, {**fields(), "key": "k", "attachments": file})
    ticket = Ticket.objects.get()
    assert response.status_code == 302
    assert response["Location"].endswith(page_of(ticket))
    page = client.get(page_of(ticket))
    assert page.status_code == 200
    for expected in (ticket.reference, fields()["subject"], fields()["message"].split(".")[0], "screen.png"):
        assert expected in shown(page)
    assert Attachment.objects.count() == 1


def test_a_double_click_is_one_message(client: Client) -> None:
    answers = [client.post(FORM, {**fields(), "key": "k"}) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Message.objects.count() == 1


def test_a_changed_message_with_an_old_key_is_shown_again_with_a_new_key(client: Client) -> None:
    client.post(FORM, {**fields(), "key": "k"})
    response = client.post(FORM, {**fields(message="Changed in the meantime."), "key": "k"})
    assert response.status_code == 422
    assert "Changed in the meantime." in shown(response)
    assert 'name="key" value="k"' not in shown(response)
    assert Message.objects.count() == 1


@pytest.mark.parametrize("field", ["name", "email", "subject", "message"])
def test_what_was_typed_stays_when_a_field_is_wrong(field: str, client: Client) -> None:
    response = client.post(FORM, {**fields(), field: "x", "key": "k"})
    assert response.status_code == 422
    assert f'href="#{field}"' in shown(response)
    assert shown(response).count('aria-invalid="true"') == 1
    for name, value in fields().items():
        assert (value in shown(response)) == (name != field)
    assert not Message.objects.exists()


def test_what_was_typed_is_shown_as_text(client: Client) -> None:
    response = client.post(
        FORM, {**fields(email="x"), "name": '"><script>alert(1)</script>', "message": "</textarea><b>"}
    )
    assert response.status_code == 422
    assert "<script>alert" not in shown(response)
    assert "</textarea><b>" not in shown(response)


@pytest.mark.parametrize("key", ["\x00", "x" * 5000, "\x07", "é", "\u202e", " "])
def test_an_odd_key_is_no_error_of_ours(key: str, client: Client) -> None:
    """The hidden field is ours, but anybody can send anything in it."""
    assert client.post(FORM, {**fields(), "key": key}).status_code == 302
    ticket = Ticket.objects.get()
    assert client.post(page_of(ticket), {"message": "More.", "key": key}).status_code == 302
    assert Message.objects.count() == 2


@pytest.mark.parametrize("name", ["name", "email", "subject", "message", "category", "priority"])
def test_text_that_cannot_be_stored_is_refused(name: str, client: Client) -> None:
    response = client.post(FORM, {**fields(), name: "NUL \x00 in it, somewhere"})
    assert response.status_code == 422
    assert not Message.objects.exists()


def test_too_many_files_are_a_problem_beside_the_form(client: Client) -> None:
    files = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(6)]
    response = client.post(FORM, {**fields(), "attachments": files})
    assert response.status_code == 413
    assert "At most 5 attachments" in shown(response)
    response = client.post(page_of(write().ticket), {"message": "Look.", "attachments": files})
    assert response.status_code == 413
    assert "At most 5 attachments" in shown(response)


def test_the_status_page_looks_again_until_there_is_an_answer(client: Client) -> None:
    ticket = write().ticket
    assert 'http-equiv="refresh"' in shown(client.get(page_of(ticket)))
    reply(ticket, body="Choose **Forgot password**.", kind=Message.Kind.ANSWER)
    page = client.get(page_of(ticket))
    assert 'http-equiv="refresh"' not in shown(page)
    assert "<strong>Forgot password</strong>" in shown(page)
    assert "Assistant (AI)" in shown(page)


def test_a_handed_over_ticket_says_that_a_person_will_answer(client: Client) -> None:
    ticket = write().ticket
    escalate(ticket, HandOver(reason=Reason.LEGAL, detail="internal words", draft="a secret draft"))
    page = shown(client.get(page_of(ticket)))
    assert "A person from our team" in page
    assert "internal words" not in page
    assert "secret draft" not in page


def test_nobodys_words_become_html(client: Client) -> None:
    ticket = write(message="<script>alert(1)</script> **not bold**").ticket
    reply(ticket, body="<img src=x onerror=alert(1)> [x](javascript:alert(1)) ![t](http://evil.example/p.png)")
    page = shown(client.get(page_of(ticket)))
    assert "&lt;script&gt;" in page
    assert "<strong>not bold" not in page
    assert not re.search(r"<img|<script>alert|href=\"javascript", page)


def test_a_status_page_is_kept_by_no_cache_and_told_to_nobody(client: Client) -> None:
    response = client.get(page_of(write().ticket))
    assert response["Cache-Control"] == "no-store"
    # Never to other sites; not `no-referrer`, which makes browsers post with `Origin: null`, and CSRF refuses that.
    assert response["Referrer-Policy"] == "same-origin"


def test_an_answer_on_the_status_page_goes_to_the_ticket(client: Client) -> None:
    ticket = write().ticket
    response = client.post(page_of(ticket), {"message": "One more thing.", "key": "k"})
    assert response.status_code == 302
    assert list(ticket.messages.values_list("body", flat=True)) == [fields()["message"], "One more thing."]


def test_an_answer_to_a_closed_ticket_leads_to_the_new_one(client: Client) -> None:
    old = write().ticket
    Ticket.objects.update(status="closed")
    response = client.post(page_of(old), {"message": "One more thing."})
    new = Ticket.objects.exclude(pk=old.pk).get()
    assert response["Location"].endswith(page_of(new))


@pytest.mark.parametrize("values", [{}, {"message": ""}, {"message": "\x00x"}, {"message": "x" * 4001}])
def test_a_wrong_answer_is_a_problem_on_the_page(values: dict[str, Any], client: Client) -> None:
    ticket = write().ticket
    response = client.post(page_of(ticket), values)
    assert response.status_code == 422
    assert 'role="alert"' in shown(response)
    assert ticket.messages.count() == 1


@pytest.mark.parametrize("token", ["0" * 27, "x", "x" * 3000, "%00", "%ff"])
def test_an_unknown_link_is_a_page_with_the_way_out(token: str, client: Client) -> None:
    for response in (client.get(f"/support/t/{token}"), client.post(f"/support/t/{token}", {"message": "Hello?"})):
        assert response.status_code == 404
        assert "This link is not valid" in shown(response)
    assert not Message.objects.exists()
