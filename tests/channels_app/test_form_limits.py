"""Floods of the form: refused with a sentence and a time, and never at the cost of what is stored already."""

import contextlib
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.http import HttpResponse
from django.test import Client

from fte_project import limits
from fte_project.embedded import free_port
from fte_project.models import RateCount
from tests.concurrency import at_once, real_commits
from tests.factories import BEN, fields, write
from tests.processes import Processes, processes
from tickets.models import Conversation, Message, Ticket
from tickets.tokens import status_token

__all__ = ["processes"]
SUBMIT, FORM = "/api/support/submit", "/support/"
JSON = "application/json"
PEER = "203.0.113.9"
IP, EMAIL, TICKET, FOLLOW_UPS, GLOBAL = (
    configured.RATE_LIMITS[kind][0] for kind in ("ip", "email", "ticket", "follow_ups", "global")
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def post(client: Client, n: int = 0, *, ip: str = PEER, forwarded: str = "", key: str = "", **values: Any) -> Any:
    """The n-th customer's form, from one address unless another is given."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    if forwarded:
        headers["X-Forwarded-For"] = forwarded
    sent = fields(**{"email": f"c{n}@example.com", **values})
    return client.post(SUBMIT, sent, content_type=JSON, headers=headers, REMOTE_ADDR=ip)


def again(client: Client, ticket: Ticket, *, ip: str = PEER, key: str = "") -> Any:
    path = f"/api/support/ticket/{status_token(ticket)}/messages"
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return client.post(path, {"message": "More."}, content_type=JSON, headers=headers, REMOTE_ADDR=ip)


def refuses(response: HttpResponse) -> None:
    """429 as the API speaks, with the time to wait."""
    assert response.status_code == 429, response.content[:300]
    said = response.json()
    assert said["errors"] == []
    assert "too many messages" in said["detail"]
    assert 1 <= int(response["Retry-After"]) <= 3600


def let_windows_pass() -> None:
    past = timedelta(hours=1)
    RateCount.objects.update(started_at=F("started_at") - past, expires_at=F("expires_at") - past)


def use_up(kind: str, value: str) -> None:
    """As if the limit of `kind` had been reached by others."""
    with contextlib.suppress(limits.TooMany):
        while True:
            limits.count({kind: value})


def flooded(client: Client, times: int, **values: Any) -> list[int]:
    return [post(client, n, **values).status_code for n in range(times)]


# --- What is limited ----------------------------------------------------------------------------------------------


def test_a15_a_flood_from_one_address_is_refused_after_the_limit_and_others_are_not(client: Client) -> None:
    assert flooded(client, IP + 3) == [201] * IP + [429] * 3
    refuses(post(client))
    assert Message.objects.count() == Ticket.objects.count() == IP
    assert post(client, 999, ip="203.0.113.10").status_code == 201


@pytest.mark.parametrize("trusted", [0, 1, 2])
def test_a15_an_invented_x_forwarded_for_does_not_get_around_the_limit(
    trusted: int, client: Client, settings: Any
) -> None:
    """What the sender writes stands before what our proxies append."""
    settings.TRUSTED_PROXIES = trusted
    ours = ", ".join([PEER, "198.51.100.7"][:trusted])
    found = [
        post(client, n, ip="192.0.2.1", forwarded=", ".join(filter(None, [f"10.9.{n}.1", ours]))).status_code
        for n in range(IP + 3)
    ]
    assert found == [201] * IP + [429] * 3


def test_a15_behind_a_trusted_proxy_each_customer_has_a_limit_of_their_own(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    found = [post(client, n, ip="192.0.2.1", forwarded=f"198.51.100.{n}").status_code for n in range(IP + 3)]
    assert found == [201] * (IP + 3)


def test_a15_a_network_of_ipv6_addresses_is_one_sender(client: Client) -> None:
    assert [post(client, n, ip=f"2001:db8:1:2::{n:x}").status_code for n in range(IP + 3)] == [201] * IP + [429] * 3


def test_a15_one_mailbox_from_many_addresses_is_refused_after_the_limit(client: Client) -> None:
    spellings = ["ann@example.com", "ANN@Example.com", "ann+news@example.com"]
    found = [post(client, ip=f"198.51.100.{n}", email=spellings[n % 3]).status_code for n in range(EMAIL + 3)]
    assert found == [201] * EMAIL + [429] * 3
    assert post(client, ip="198.51.100.200", **BEN).status_code == 201


def test_a15_all_posts_together_have_a_limit(client: Client) -> None:
    use_up("global", "")
    refuses(post(client, ip="198.51.100.200"))
    ticket = write().ticket
    refuses(again(client, ticket))
    assert Message.objects.count() == 1


def test_a15_further_messages_on_one_ticket_have_a_limit(client: Client) -> None:
    mine, other = write().ticket, write(**BEN).ticket
    found = [again(client, mine, ip=f"198.51.100.{n}").status_code for n in range(TICKET + 2)]
    assert found == [201] * TICKET + [429] * 2
    assert mine.messages.count() == TICKET + 1
    assert again(client, other).status_code == 201


def test_a15_many_tickets_in_the_name_of_one_mailbox_do_not_make_many_more_mails(client: Client) -> None:
    tickets = [write(email=f"ann+{n}@example.com").ticket for n in range(5)]
    found = [again(client, tickets[n % 5], ip=f"198.51.100.{n}").status_code for n in range(FOLLOW_UPS + 3)]
    assert found == [201] * FOLLOW_UPS + [429] * 3
    assert again(client, write(**BEN).ticket).status_code == 201


def test_a15_a_flood_in_the_name_of_a_mailbox_does_not_silence_its_verified_owner(client: Client) -> None:
    claimed, verified = write().ticket, write().ticket
    Conversation.objects.filter(pk=verified.conversation_id).update(trust="code_verified")
    use_up("follow_ups", "ann@example.com")
    refuses(again(client, claimed))
    assert again(client, verified).status_code == 201


def test_a15_an_old_link_does_not_get_around_the_limit_of_the_ticket(client: Client) -> None:
    old = write().ticket
    Ticket.objects.update(status="closed")
    assert again(client, old).status_code == 201
    new = Ticket.objects.exclude(pk=old.pk).get()
    found = [again(client, [old, new][n % 2], ip=f"198.51.100.{n}").status_code for n in range(TICKET + 1)]
    assert found == [201] * (TICKET - 1) + [429] * 2


def test_a15_further_messages_count_for_their_address_too(client: Client) -> None:
    ticket = write().ticket
    use_up("ip", PEER)
    refuses(again(client, ticket))
    assert again(client, ticket, ip="203.0.113.10").status_code == 201


def test_a15_what_is_not_valid_uses_up_nothing(client: Client) -> None:
    for _ in range(IP + 3):
        assert post(client, message="short").status_code == 422
    assert not RateCount.objects.exists()
    assert post(client).status_code == 201


@real_commits
def test_a15_of_many_posts_at_once_no_more_than_the_limit_are_stored(settings: Any) -> None:
    settings.RATE_LIMITS = {kind: (7 if kind == "ip" else 1000, 10**9) for kind in settings.RATE_LIMITS}
    found = at_once(20, lambda n: post(Client(), n).status_code)
    assert sorted(found, key=str) == [201] * 7 + [429] * 13
    assert Message.objects.count() == 7


@real_commits
def test_a15_two_web_servers_count_together_whatever_x_forwarded_for_says(processes: Processes) -> None:
    ports = [free_port(), free_port()]
    for port in ports:
        processes.start_web(port, RATE_LIMIT_IP="5/99999999")
    found = [
        requests.post(
            f"http://127.0.0.1:{ports[n % 2]}{SUBMIT}",
            json=fields(email=f"c{n}@example.com"),
            headers={"X-Forwarded-For": f"198.51.100.{n}"},
            timeout=20,
        ).status_code
        for n in range(9)
    ]
    assert found == [201] * 5 + [429] * 4
    assert Message.objects.count() == 5


# --- Nothing is lost by it ------------------------------------------------------------------------------------------


def test_a15_after_the_time_to_wait_the_same_post_is_stored_once(client: Client) -> None:
    use_up("ip", PEER)
    refuses(post(client, key="k"))
    assert not Message.objects.exists()
    let_windows_pass()
    first, second = post(client, key="k"), post(client, key="k")
    assert (first.status_code, first.content) == (201, second.content)
    assert Message.objects.count() == 1


def test_a15_a_retry_of_what_is_stored_gets_its_ticket_also_when_every_limit_is_reached(client: Client) -> None:
    first = post(client, key="k")
    ticket = Ticket.objects.get()
    more = again(client, ticket, key="k")
    used = {"ip": PEER, "email": "c0@example.com", "ticket": str(ticket.conversation_id), "global": ""}
    for kind, value in {**used, "follow_ups": "c0@example.com"}.items():
        RateCount.objects.all().delete()
        use_up(kind, value)
        assert (post(client, key="k").status_code, post(client, key="k").content) == (201, first.content)
        assert (again(client, ticket, key="k").status_code, again(client, ticket, key="k").content) == (
            201,
            more.content,
        )
    refuses(again(client, ticket))
    assert Message.objects.count() == 2


def test_a15_a_retry_of_what_is_stored_uses_up_nothing(client: Client) -> None:
    assert [post(client, key="k").status_code for _ in range(IP + 3)] == [201] * (IP + 3)
    assert set(RateCount.objects.values_list("count", flat=True)) == {1}


@contextlib.contextmanager
def broken_counting() -> Iterator[None]:
    """The database gives up a lock that the counting waits for."""
    inner = CursorWrapper.execute

    def execute(self: Any, statement: Any, parameters: Any = None) -> Any:
        if statement is limits.COUNT:
            raise OperationalError("canceling statement due to lock timeout")
        return inner(self, statement, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", execute)
        yield


def test_a15_when_the_counting_fails_the_post_hears_that_nothing_was_stored(client: Client) -> None:
    ticket = write().ticket
    with broken_counting():
        answers = [post(client), again(client, ticket)]
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
    assert Message.objects.count() == 1


# --- On the pages -------------------------------------------------------------------------------------------------


def shown(response: HttpResponse) -> str:
    return response.content.decode()


def test_a15_the_form_page_says_so_and_keeps_what_was_typed(client: Client) -> None:
    use_up("email", "ann@example.com")
    typed = {**fields(), "category": "billing", "key": "k"}
    response = client.post(FORM, {**typed, "attachments": SimpleUploadedFile("a.txt", b"x")})
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 3600
    assert not Message.objects.exists()
    page = shown(response)
    assert "too many messages" in page
    assert [value for value in fields().values() if value not in page] == []
    assert 'name="key" value="k"' in page, "a double click must stay one message"
    assert re.search(r'value="billing" selected', page)
    let_windows_pass()
    assert [client.post(FORM, typed).status_code for _ in range(2)] == [302, 302]
    assert Message.objects.count() == 1


def test_a15_the_status_page_says_so_and_keeps_what_was_typed(client: Client) -> None:
    ticket = write().ticket
    page = f"/support/t/{status_token(ticket)}"
    use_up("ticket", str(ticket.conversation_id))
    response = client.post(page, {"message": "One more thing.", "key": "k"})
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 3600
    assert response["Cache-Control"] == "no-store"
    assert "too many messages" in shown(response)
    assert "One more thing.</textarea>" in shown(response)
    assert 'name="key" value="k"' in shown(response)
    let_windows_pass()
    assert [client.post(page, {"message": "One more thing.", "key": "k"}).status_code for _ in range(2)] == [302, 302]
    assert ticket.messages.count() == 2


def test_a15_a_flood_of_the_pages_is_refused_too(client: Client) -> None:
    def page(n: int) -> int:
        forwarded = {"X-Forwarded-For": f"198.51.100.{n}"}
        return client.post(FORM, fields(email=f"c{n}@example.com"), headers=forwarded, REMOTE_ADDR=PEER).status_code

    assert [page(n) for n in range(IP + 2)] == [302] * IP + [429] * 2
    assert client.post(FORM, {**fields(), "key": "k"}, REMOTE_ADDR="203.0.113.10").status_code == 302
    use_up("email", "ann@example.com")
    assert client.post(FORM, {**fields(), "key": "k"}, REMOTE_ADDR=PEER).status_code == 302, "stored already"
