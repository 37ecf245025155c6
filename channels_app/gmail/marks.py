"""What tells our own mail for certain: a header with the delivery's id, signed. Gmail may change the Message-ID."""

from django.conf import settings
from django.core.signing import BadSignature, Signer

DELIVERY_HEADER = "X-Desk-Delivery"


def mark_of(delivery_id: int) -> str:
    """The header's value for a delivery."""
    return _signer().sign(str(delivery_id))


def delivery_of(mark: str) -> int | None:
    """The id of the delivery that was sent under this mark; None for one that is not ours."""
    try:
        return int(_signer().unsign(mark.strip()))
    except BadSignature:
        return None


def _signer() -> Signer:
    return Signer(key=settings.STATUS_TOKEN_KEY, sep=".", salt="gmail-delivery", algorithm="sha256")
