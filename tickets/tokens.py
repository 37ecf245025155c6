"""The unguessable part of a status link: 160 bits of HMAC, so it can be shown again while only its hash is stored."""

import hashlib
import hmac
import string
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from tickets.models import Ticket

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
FIRST_VERSION = 1
LENGTH = 27  # base62 digits of 160 bits


def status_token(ticket: Ticket, version: int | None = None) -> str:
    """The ticket's current token, or that of an earlier version: base62 of HMAC(STATUS_TOKEN_KEY, public_id ‖ version),
    cut to 160 bits."""
    said = ticket.public_id.bytes + str(version or ticket.token_version).encode()
    number = int.from_bytes(hmac.digest(settings.STATUS_TOKEN_KEY.encode(), said, hashlib.sha256)[:20])
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def allow_status(ticket: Ticket) -> None:
    """Set what makes the ticket's current token valid (not saved)."""
    ticket.token_sha256 = sha256(status_token(ticket))
    ticket.token_expires_at = timezone.now() + timedelta(days=settings.STATUS_TOKEN_DAYS)


def ticket_of(token: str) -> Ticket:
    """The ticket a token opens. Raises Ticket.DoesNotExist alike for unknown, expired and revoked ones."""
    return (
        Ticket.objects.select_related("conversation__customer")
        .filter(Q(token_expires_at__gt=Now()))
        .get(token_sha256=sha256(token))
    )


def status_url(ticket: Ticket, version: int | None = None) -> str:
    """The status page's full address."""
    return f"{settings.PUBLIC_BASE_URL}/support/t/{status_token(ticket, version)}"
