"""Codes over the API and on the status page: what each door says, and that neither needs a script."""

import html
import re
import secrets
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core import mail as outbox
from django.db.models.functions import Now
from django.test import Client

from channels_app.delivery import deliver_one
from tests.customers.people import mail, owner
from tests.factories import fresh, make_staff, write
from tickets.codes import digits_of, send_code
from tickets.models import AddressCode, Conversation, Delivery, Ticket, Trust
from tickets.replies import reply
from tickets.tokens import ALPHABET, LENGTH, status_token, ticket_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket() -> Ticket:
    return write().ticket


def api(ticket: Ticket, path: str = "") -> str:
    return f"/api/support/ticket/{status_token(ticket)}/codes{path}"


def page(ticket: Ticket, path: str = "") -> str:
    return f"/support/t/{status_token(ticket)}{path}"


def posted(client: Client, path: str, **values: Any) -> Any:
    return client.post(path, values, content_type="application/json")


def mailed() -> str:
    """What the customer reads in the mail, through the whole delivery machinery."""
    for delivery in Delivery.objects.filter(status="queued", channel="email"):
        async_to_sync(deliver_one)(delivery.pk)
    found = re.search(r"^Your code is (\d{6})$", outbox.outbox[-1].body, re.MULTILINE)
    assert found
    return found[1]


def wrong() -> str:
    return f"{(int(digits_of(AddressCode.objects.latest('pk'))) + 1) % 10**6:06}"


# --- The API ---------------------------------------------------------------------------------------------------------


def test_over_the_api_a_code_is_mailed_and_confirms_the_address(client: Client, ticket: Ticket) -> None:
    said = posted(client, api(ticket))
    assert said.status_code == 202
    assert said.json()["sent_to"] == "a***@example.com"
    code = mailed()
    assert outbox.outbox[-1].to == ["ann@example.com"]
    refused = posted(client, api(ticket, "/confirm"), code=wrong())
    assert (refused.status_code, refused.json()["detail"]) == (422, "This code is not right. You can try twice more.")
    done = posted(client, api(ticket, "/confirm"), code=code)
    said = done.json()
    assert (done.status_code, said["address"], said["is_own"]) == (200, "a***@example.com", True)
    assert client.get(f"/api/support/ticket/{said['token']}").json()["is_confirmed"] is True
    assert said["status_url"].endswith(said["token"])


def test_e5_once_an_address_is_proven_the_link_of_who_claimed_it_opens_nothing(client: Client, ticket: Ticket) -> None:
    old = page(ticket)
    client.post(page(ticket, "/code"))
    done = client.post(page(ticket, "/confirm"), {"code": mailed()}, follow=True)
    assert done.status_code == 200
    assert "Thank you" in text_of(done)
    assert done.redirect_chain[0][0].split("?")[0] == page(fresh(ticket)) != old
    assert client.get(old).status_code == 404


def test_e2_over_the_api_another_address_is_linked_by_its_code(client: Client, ticket: Ticket) -> None:
    told = mail("ann@work.example").send()
    Conversation.objects.filter(pk=ticket.conversation_id).update(trust=Trust.CODE_VERIFIED)
    assert posted(client, api(ticket), address="ann@work.example").status_code == 202
    done = posted(client, api(ticket, "/confirm"), code=mailed())
    assert (done.json()["address"], done.json()["is_own"]) == ("a***@work.example", False)
    assert done.json()["token"] == status_token(ticket)
    assert owner(told) == owner(ticket)


@pytest.mark.parametrize(
    ("path", "values", "status"),
    [
        ("", {"address": "not an address"}, 422),
        ("", {"address": 7}, 422),
        ("", {"address": "x" * 300}, 422),
        ("", {"address": "nul\x00@example.com"}, 422),
        ("", {"address": "eve@evil.example"}, 422),
        ("/confirm", {}, 422),
        ("/confirm", {"code": None}, 422),
        ("/confirm", {"code": "1" * 41}, 422),
        ("/confirm", {"code": "123456"}, 422),
        ("/confirm", {"code": "\ud800"}, 422),
    ],
)
def test_what_the_api_refuses_it_says_in_words(
    path: str, values: dict[str, Any], status: int, client: Client, ticket: Ticket
) -> None:
    said = posted(client, api(ticket, path), **values)
    assert said.status_code == status
    assert said.json()["detail"].endswith(".")
    assert not AddressCode.objects.exists()


def test_an_unknown_link_opens_no_door(client: Client, ticket: Ticket) -> None:
    for path in ("codes", "codes/confirm"):
        for token in ("0" * 27, status_token(ticket)[::-1]):
            assert posted(client, f"/api/support/ticket/{token}/{path}", code="123456").status_code == 404
    for path in ("code", "confirm"):
        assert client.post(f"/support/t/{'0' * 27}/{path}").status_code == 404
    Ticket.objects.update(token_expires_at=Now() - timedelta(seconds=1))
    assert posted(client, api(ticket)).status_code == 404


def test_too_many_codes_hear_429_and_when_to_try_again(client: Client, ticket: Ticket) -> None:
    answers = [posted(client, api(ticket)) for _ in range(6)]
    assert [a.status_code for a in answers] == [202] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Too many codes" in answers[-1].json()["detail"]


def test_the_doors_are_in_the_openapi_document(client: Client) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    for path in ("codes", "codes/confirm"):
        described = paths[f"/api/support/ticket/{{token}}/{path}"]["post"]
        assert {"404", "422", "429"} <= set(described["responses"])
        assert described["requestBody"]["content"]["application/json"]["schema"]["properties"]


# --- The status page -------------------------------------------------------------------------------------------------


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def test_on_the_page_a_customer_confirms_their_address_step_by_step(client: Client, ticket: Ticket) -> None:
    first = text_of(client.get(page(ticket)))
    assert "Confirm your address" in first
    assert "Send a code to a***@example.com" in first
    assert 'name="code"' not in first
    sent = client.post(page(ticket, "/code"), follow=True)
    assert sent.redirect_chain[0][0].endswith("?said=sent#confirm")
    second = text_of(sent)
    assert "We have sent a code." in second
    assert 'autocomplete="one-time-code"' in second
    assert "A code was sent to a***@example.com." in second
    code = mailed()
    refused = client.post(page(ticket, "/confirm"), {"code": wrong()})
    assert refused.status_code == 422
    assert 'role="alert">This code is not right. You can try twice more.' in text_of(refused)
    done = text_of(client.post(page(ticket, "/confirm"), {"code": code}, follow=True))
    assert "Thank you, the address is confirmed." in done
    assert "Do you also write from another address?" in done
    assert code not in done


def test_on_the_page_a_refused_address_stays_in_its_box(client: Client, ticket: Ticket) -> None:
    Conversation.objects.update(trust=Trust.CODE_VERIFIED)
    refused = client.post(page(ticket, "/code"), {"address": "ann@"})
    assert refused.status_code == 422
    assert 'value="ann@"' in text_of(refused)
    assert "<details open>" in text_of(refused)


def test_a_page_on_which_a_code_is_typed_does_not_reload(client: Client, ticket: Ticket) -> None:
    assert 'http-equiv="refresh"' in text_of(client.get(page(ticket)))
    client.post(page(ticket, "/code"))
    shown = text_of(client.get(page(ticket)))
    assert 'http-equiv="refresh"' not in shown
    assert "We are reading your message." in shown, "a code is no answer"
    reply(fresh(ticket), body="Done.", staff=make_staff("sam", "agent"))
    assert "We are reading" not in text_of(client.get(page(ticket)))


def test_an_address_can_be_proven_on_a_closed_ticket_too(client: Client, ticket: Ticket) -> None:
    Ticket.objects.update(status="closed")
    assert posted(client, api(ticket)).status_code == 202
    assert posted(client, api(ticket, "/confirm"), code=mailed()).status_code == 200


def test_what_stands_in_the_address_is_never_shown(client: Client, ticket: Ticket) -> None:
    assert "evil" not in text_of(client.get(page(ticket), {"said": "evil"}))


def test_the_pages_doors_need_a_post_and_a_token_against_forgery(ticket: Ticket) -> None:
    strict = Client(enforce_csrf_checks=True)
    for path in ("/code", "/confirm"):
        assert strict.get(page(ticket, path)).status_code == 405
        assert strict.post(page(ticket, path), {"code": "123456"}).status_code == 403
    assert not AddressCode.objects.exists()


def test_while_gmail_sends_replies_codes_still_leave_through_the_mail_server(ticket: Ticket, settings: Any) -> None:
    """Its mails have a status link and stay in our own mailbox: neither is for a code."""
    settings.GMAIL_ADDRESS = "desk@example.com"
    send_code(ticket, network="192.0.2.1")
    mailed()
    copy = outbox.outbox[-1]
    assert copy.subject == f"[{ticket.reference}] Confirm your address for Tidewater"
    assert "/support/t/" not in copy.body


# --- Status links ----------------------------------------------------------------------------------------------------


def test_e5_no_guess_near_a_right_link_opens_anything_and_all_look_the_same(client: Client, ticket: Ticket) -> None:
    """Every link that differs in one character, and 1,000 at random: one body, nothing stored, nothing shown."""
    right = status_token(ticket)
    near = [right[:n] + c + right[n + 1 :] for n in range(LENGTH) for c in ALPHABET if c != right[n]]
    far = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(1000)]
    for guess in [*near, *far]:
        with pytest.raises(Ticket.DoesNotExist):
            ticket_of(guess)
    bodies = {client.get(f"/api/support/ticket/{guess}").content for guess in (*near[::40], *far[::50], "x", "T-1001")}
    bodies |= {client.post(f"/api/support/ticket/{far[0]}/messages", {"message": "x"}).content}
    assert bodies == {b'{"detail": "This link is not valid, or it has expired.", "errors": []}'}
    pages = {client.get(f"/support/t/{guess}").content for guess in (*near[::60], *far[::100])}
    assert len(pages) == 1
    assert Ticket.objects.get().messages.count() == 1
