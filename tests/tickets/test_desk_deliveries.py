"""Deliveries on the desk: the ones that people must decide about, their pages and their doors."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fte_project.models import DeadLetter
from tests.factories import make_staff, write, write_by_mail
from tickets.escalations import resolve
from tickets.models import Delivery, Ticket, TicketEvent
from tickets.replies import reply

LIST = "/admin/tickets/delivery/"
DOORS = ["confirm", "send-again"]


def page_of(delivery: Delivery) -> str:
    return f"{LIST}{delivery.pk}/change/"


def door(delivery: Delivery, name: str) -> str:
    return f"{LIST}{delivery.pk}/{name}/"


def said(response: HttpResponse) -> str:
    return " ".join(str(m) for m in get_messages(response.wsgi_request))


def one(status: str, *, ticket: Ticket | None = None, error: str = "", **changes: Any) -> Delivery:
    """A reply whose mail is in this state."""
    message = reply(ticket or write_by_mail(), body="Press **Reset**.", kind="answer")
    delivery = message.deliveries.get(channel="email")
    Delivery.objects.filter(pk=delivery.pk).update(status=status, error=error, **changes)
    return now(delivery)


def now(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_related("reply__ticket").get(pk=delivery.pk)


def badge(client: Client) -> str:
    """The number beside "Deliveries" in the sidebar."""
    body = client.get("/admin/tickets/ticket/").content.decode()
    item = body.split(f'href="{LIST}"')[1].split("</a>")[0]
    numbers = re.findall(r">\s*(\d+)\s*<", item)
    return numbers[0] if numbers else ""


# --- The list


def test_c11_the_list_begins_with_what_a_person_must_decide_about(desk: Client, sam: User) -> None:
    rows = {
        "undecided": one("unknown"),
        "failed": one("failed"),
        "copy failed": one("failed", ticket=write().ticket),
        "looked up": one("unknown", look_up_at=Now() + timedelta(minutes=1)),
        "queued": one("queued"),
        "sent": one("sent"),
        "settled": one("failed"),
    }
    resolve(rows["settled"].reply.ticket, sam)

    def shown(**query: str) -> set[str]:
        body = desk.get(LIST, query).content.decode()
        return {name for name, row in rows.items() if page_of(row) in body}

    assert badge(desk) == "3"
    assert shown() == {"undecided", "failed", "copy failed"}
    assert shown(which="people") == shown(which="nonsense") == shown()
    assert shown(which="failed") == {"failed", "copy failed", "settled"}
    assert shown(which="unknown") == {"undecided", "looked up"}
    assert shown(which="under_way") == {"queued"}
    assert shown(which="all") == set(rows)
    reference = rows["sent"].reply.ticket.reference
    assert shown(which="all", q=reference) == {"sent"}
    assert shown(channel__exact="whatsapp") == set()


def test_the_list_says_where_to_what_was_wrong_and_since_when(desk: Client) -> None:
    error = "The mail server refused the address: {'ann@example.com': (550, b'no such <user>')}"
    delivery = one("failed", error=error, changed_at=Now() - timedelta(hours=5))
    copy = one("unknown", ticket=write().ticket)
    body = desk.get(LIST).content.decode()
    plain = html.unescape(body)
    for words in (delivery.reply.ticket.reference, "ann@example.com", "Failed", "E-mail, copy", "5\xa0hours ago"):
        assert words in plain
    assert "The mail server refused the address: 550 no such &lt;user&gt;" in body
    assert copy.reply.ticket.reference in body


def test_the_badge_goes_with_the_last_delivery_that_was_decided(desk: Client) -> None:
    delivery = one("unknown")
    assert badge(desk) == "1"
    desk.post(door(delivery, "confirm"))
    assert badge(desk) == ""


def test_the_list_takes_the_same_number_of_queries_however_long_it_is(desk: Client) -> None:
    one("failed")
    desk.get(LIST)
    with CaptureQueriesContext(connection) as few:
        desk.get(LIST)
    for n in range(8):
        one("failed" if n % 2 else "unknown")
    with CaptureQueriesContext(connection) as many:
        desk.get(LIST)
    assert len(many) == len(few)


@pytest.mark.parametrize("query", [{"q": "\x00"}, {"q": "'"}, {"q": "T-999999999999999"}, {"which": "9" * 40}])
def test_odd_queries_break_nothing(desk: Client, query: dict[str, str]) -> None:
    one("failed")
    assert desk.get(LIST, query).status_code == 200


def test_nobody_adds_changes_or_deletes_a_delivery_by_hand(admin_client: Client) -> None:
    delivery = one("failed")
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.get(f"{LIST}{delivery.pk}/delete/").status_code == 403
    assert admin_client.post(page_of(delivery), {"status": "sent"}).status_code == 405
    assert now(delivery).status == "failed"


# --- Its page


@pytest.mark.parametrize(
    ("make", "buttons", "words"),
    [
        (lambda: one("unknown"), DOORS, "It may have arrived, or not."),
        (lambda: one("failed"), ["send-again"], "It did not arrive."),
        (lambda: one("unknown", look_up_at=Now() + timedelta(minutes=1)), [], "It is being asked what became"),
        (lambda: one("queued"), [], "waits for its next try"),
        (lambda: one("sent", external_id="<1@x>"), [], "The provider accepted it."),
        (lambda: one("sent"), [], "A person found out that it arrived."),
        (lambda: one("failed", ticket=write().ticket), ["send-again"], "can read the reply on their status page"),
    ],
    ids=["undecided", "failed", "looked up", "queued", "sent", "confirmed", "copy"],
)
def test_the_page_says_what_became_of_it_and_offers_what_can_be_done(
    make: Callable[[], Delivery], buttons: list[str], words: str, desk: Client
) -> None:
    delivery = make()
    body = desk.get(page_of(delivery)).content.decode()
    assert [name for name in DOORS if door(delivery, name) in body] == buttons
    for text in (words, delivery.reply.ticket.reference, "ann@example.com", "Press <strong>Reset</strong>."):
        assert text in body


def test_the_page_of_a_closed_ticket_offers_no_second_sending_and_says_why(desk: Client) -> None:
    delivery = one("unknown")
    Ticket.objects.update(status="closed")
    body = desk.get(page_of(delivery)).content.decode()
    assert [name for name in DOORS if door(delivery, name) in body] == ["confirm"]
    Delivery.objects.update(status="failed")
    body = desk.get(page_of(delivery)).content.decode()
    assert "is closed: nothing is sent on it any more." in body
    assert "<form" not in body.split('<article class="desk"')[1].split("</article>")[0]


def test_the_page_warns_when_newer_replies_have_left(desk: Client) -> None:
    delivery = one("failed")
    later = "this one would come after them"
    assert later not in desk.get(page_of(delivery)).content.decode()
    one("sent", ticket=delivery.reply.ticket)
    assert later in desk.get(page_of(delivery)).content.decode()


def test_what_a_provider_says_is_shown_as_text(desk: Client) -> None:
    delivery = one("failed", error="RuntimeError('<script>alert(1)</script>')", address="<b>@example.com")
    body = desk.get(page_of(delivery)).content.decode()
    assert "<script>alert" not in body
    assert "<b>@" not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body


# --- Its doors


@pytest.mark.parametrize(
    ("name", "status", "after", "code", "words"),
    [
        ("confirm", "unknown", "sent", "delivery_confirmed", "Noted: the reply arrived."),
        ("send-again", "unknown", "queued", "sent_again", "will be sent again"),
        ("send-again", "failed", "queued", "sent_again", "will be sent again"),
    ],
)
def test_c11_a_decision_pressed_twice_has_one_effect(
    name: str, status: str, after: str, code: str, words: str, desk: Client, sam: User
) -> None:
    delivery = one(status)
    response = desk.post(door(delivery, name))
    assert response.status_code == 302
    assert response.headers["Location"] == page_of(delivery)
    assert words in said(response)
    decided = now(delivery)
    assert decided.status == after
    other = Client()
    other.force_login(make_staff("kim", "lead"))
    for client in (desk, other):
        assert "by now: there is nothing to decide." in said(client.post(door(delivery, name)))
    assert now(delivery).changed_at == decided.changed_at
    event = TicketEvent.objects.get(code=code)
    assert (event.ticket_id, event.actor) == (delivery.reply.ticket_id, f"staff:{sam.pk}")
    assert event.data == {"delivery": delivery.pk}
    ticket_page = desk.get(f"/admin/tickets/ticket/{delivery.reply.ticket_id}/change/").content.decode()
    assert f"sam {'confirmed that a reply arrived' if name == 'confirm' else 'had a reply sent again'}" in ticket_page


def test_b12_a_failed_delivery_that_is_sent_again_takes_its_dead_letter_along(desk: Client, sam: User) -> None:
    delivery = one("failed")
    conversation = delivery.reply.conversation_id
    letter, other, conversations = (
        DeadLetter.objects.create(kind=kind, conversation_id=conversation, subject_id=delivery.pk + n, error="x")
        for kind, n in (("delivery", 0), ("delivery", 1), ("conversation", 0))
    )
    desk.post(door(delivery, "send-again"))
    for row in (letter, other, conversations):
        row.refresh_from_db()
    assert (letter.replayed_by, other.replayed_at, conversations.replayed_at) == (sam, None, None)


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("group", ["agent", "lead"])
def test_agents_and_leads_decide(group: str, name: str, db: None) -> None:
    delivery, client = one("unknown"), Client()
    client.force_login(make_staff("pat", group))
    assert door(delivery, name) in client.get(page_of(delivery)).content.decode()
    client.post(door(delivery, name))
    assert now(delivery).status != "unknown"


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize(("group", "sees"), [("editor", False), ("auditor", True)])
def test_editors_and_auditors_decide_nothing(group: str, sees: bool, name: str, db: None) -> None:
    delivery, client = one("unknown"), Client()
    client.force_login(make_staff("pat", group))
    assert client.post(door(delivery, name)).status_code == 403
    for address in (LIST, page_of(delivery)):
        response = client.get(address)
        assert response.status_code == (200 if sees else 403)
        assert door(delivery, name) not in response.content.decode()
    assert now(delivery).status == "unknown"
    assert not TicketEvent.objects.filter(code__in=["sent_again", "delivery_confirmed"]).exists()


@pytest.mark.parametrize("name", DOORS)
def test_a_decision_needs_a_login_a_post_and_a_token(name: str, desk: Client, sam: User) -> None:
    delivery = one("unknown")
    for address in (LIST, page_of(delivery), door(delivery, name)):
        response = Client().post(address)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/")
    assert desk.get(door(delivery, name)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(sam)
    assert strict.post(door(delivery, name)).status_code == 403
    assert now(delivery).status == "unknown"
    assert desk.post(f"{LIST}999999/{name}/").status_code == 404


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 30, "abc", "1_2F"])
def test_a_delivery_that_is_not_there_is_not_found(desk: Client, pk: str) -> None:
    assert desk.get(f"{LIST}{pk}/change/").status_code == 404
