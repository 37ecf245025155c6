"""Staff choose who else gets a reply by mail; the form has no copies."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import write, write_by_mail
from tickets.copies import NoAddress, copies
from tickets.models import Message, Ticket
from tickets.timeline import newest_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket() -> Ticket:
    """Ann has written by mail, with a copy to her boss."""
    ticket = write_by_mail()
    Message.objects.update(cc=["boss@example.com"])
    return ticket


def send(desk: Client, ticket: Ticket, cc: list[str]) -> Any:
    values = {"body": "We have mended it.", "last_message": newest_message(ticket), "cc": cc}
    return desk.post(f"/admin/tickets/ticket/{ticket.pk}/reply/", values)


def test_nobody_gets_a_copy_unless_it_is_ticked(ticket: Ticket, desk: Client) -> None:
    page = desk.get(f"/admin/tickets/ticket/{ticket.pk}/change/").content.decode()
    assert "Cc: boss@example.com" in page
    assert '<input type="checkbox" name="cc" value="boss@example.com">' in page
    send(desk, ticket, [""])
    assert ticket.messages.last().cc == []


def test_whom_staff_choose_gets_a_copy(ticket: Ticket, desk: Client) -> None:
    assert send(desk, ticket, ["boss@example.com", "Cara@Example.com; ann@example.com"]).status_code == 302
    assert ticket.messages.last().cc == ["boss@example.com", "cara@example.com"]


def test_what_is_no_address_is_refused_and_the_words_are_kept(ticket: Ticket, desk: Client, sam: User) -> None:
    answer = send(desk, ticket, ["boss@example.com", "cara"])
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "cara is not an e-mail address" in page
    assert "We have mended it." in page
    assert 'value="boss@example.com" checked' in page
    assert ticket.messages.count() == 1


def test_a_hundred_addresses_are_too_many(ticket: Ticket) -> None:
    with pytest.raises(NoAddress, match="at most 20"):
        copies(ticket, [f"a{n}@example.com" for n in range(100)])


@pytest.mark.parametrize("typed", ["a@example.com\r\nBcc: b@example.com", "a@b", "<script>"])
def test_c12_no_header_is_made_of_what_is_typed(typed: str, ticket: Ticket) -> None:
    with pytest.raises(NoAddress):
        copies(ticket, [typed])


def test_a_reply_to_the_form_has_no_copies(desk: Client) -> None:
    ticket = write().ticket
    assert "Copy to" not in desk.get(f"/admin/tickets/ticket/{ticket.pk}/change/").content.decode()
    send(desk, ticket, ["boss@example.com"])
    assert ticket.messages.last().cc == []
