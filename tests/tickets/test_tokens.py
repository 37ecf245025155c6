"""The unguessable part of a status link."""

import hashlib
import hmac
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now

from tests.factories import fresh, write
from tickets.models import Ticket
from tickets.tokens import ALPHABET, allow_status, status_token, status_url, ticket_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket() -> Ticket:
    return write().ticket


def base62(number: int) -> str:
    return ("" if number < 62 else base62(number // 62)) + ALPHABET[number % 62]


def test_a_token_is_160_bits_of_hmac_in_base62(ticket: Ticket) -> None:
    said = ticket.public_id.bytes + b"1"
    digest = hmac.new(settings.STATUS_TOKEN_KEY.encode(), said, hashlib.sha256).digest()[:20]
    assert status_token(ticket) == base62(int.from_bytes(digest)).rjust(27, "0")
    assert len(status_token(ticket)) == 27


def test_a_token_opens_its_ticket_and_can_be_made_again(ticket: Ticket) -> None:
    other = write(email="ben@example.com").ticket
    assert ticket_of(status_token(fresh(ticket))) == ticket
    assert ticket_of(status_token(other)) == other
    assert status_url(ticket) == f"{settings.PUBLIC_BASE_URL}/support/t/{status_token(ticket)}"


def test_only_a_hash_is_stored(ticket: Ticket) -> None:
    token = status_token(ticket)
    stored = Ticket.objects.values().get(pk=ticket.pk)
    assert token not in str(stored)
    assert stored["token_sha256"] == hashlib.sha256(token.encode()).hexdigest()


def test_a_revoked_token_opens_nothing_and_the_new_one_does(ticket: Ticket) -> None:
    old = status_token(ticket)
    ticket.token_version += 1
    allow_status(ticket)
    ticket.save()
    assert status_token(ticket) != old
    assert ticket_of(status_token(ticket)) == ticket
    with pytest.raises(Ticket.DoesNotExist):
        ticket_of(old)


def test_an_expired_token_opens_nothing(ticket: Ticket) -> None:
    Ticket.objects.update(token_expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(Ticket.DoesNotExist):
        ticket_of(status_token(ticket))


def test_another_key_makes_other_tokens(ticket: Ticket, settings: pytest.FixtureRequest) -> None:
    token = status_token(ticket)
    settings.STATUS_TOKEN_KEY = "another key"
    assert status_token(ticket) != token


@pytest.mark.parametrize("token", ["", "0" * 27, "x" * 100_000, "\x00", "\ud800", "T-1001", "' OR 1=1 --", "é"])
def test_a_guess_opens_nothing(token: str, ticket: Ticket) -> None:
    for guess in (token, token + status_token(ticket), status_token(ticket) + token if token else "0"):
        with pytest.raises(Ticket.DoesNotExist):
            ticket_of(guess if guess != status_token(ticket) else "")


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase, lambda t: t[:-1], lambda t: t[::-1]])
def test_a_changed_token_opens_nothing(change: object, ticket: Ticket) -> None:
    with pytest.raises(Ticket.DoesNotExist):
        ticket_of(change(status_token(ticket)))


@pytest.mark.parametrize("reference", ["T-{}", "t-{}", " T-{} ", "{}"])
def test_people_find_a_ticket_by_its_reference(reference: str, ticket: Ticket) -> None:
    assert Ticket.objects.all().by_reference(reference.format(1000 + ticket.pk)) == ticket


@pytest.mark.parametrize(
    "reference", ["", "T-", "T-0", "T-1000", "T-999999999999", "T-1e3", "-1", "T-" + "9" * 99, "٣"]
)
def test_what_is_no_reference_finds_nothing(reference: str, ticket: Ticket) -> None:
    with pytest.raises(Ticket.DoesNotExist):
        Ticket.objects.all().by_reference(reference)
