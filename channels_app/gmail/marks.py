"""What tells our own mail for certain, whatever Gmail and mail programs change: signed ids in its headers.

One header carries the delivery. An id among the References, which mail programs send back, carries the conversation.
"""

import re
from collections.abc import Iterable

from django.conf import settings
from django.core.signing import BadSignature, Signer

DELIVERY_HEADER = "X-Desk-Delivery"
CONVERSATION = re.compile(r"<desk\.(\d{1,18}\.[\w-]{20,100})@")


def mark_of(delivery_id: int) -> str:
    """The header's value for a delivery."""
    return _signer("delivery").sign(str(delivery_id))


def delivery_of(mark: str) -> int | None:
    """The id of the delivery that was sent under this mark; None for one that is not ours."""
    return _number("delivery", mark.strip())


def conversation_mark(conversation_id: int) -> str:
    """A message id for References that names the conversation."""
    domain = settings.GMAIL_ADDRESS.rpartition("@")[2]
    return f"<desk.{_signer('conversation').sign(str(conversation_id))}@{domain}>"


def conversations_of(names: Iterable[str]) -> list[int]:
    """The conversations that our own ids among these message ids name."""
    marks = [found[1] for name in names if (found := CONVERSATION.match(name))]
    return [number for mark in marks if (number := _number("conversation", mark)) is not None]


def _number(what: str, signed: str) -> int | None:
    try:
        return int(_signer(what).unsign(signed))
    except BadSignature:
        return None


def _signer(what: str) -> Signer:
    return Signer(key=settings.STATUS_TOKEN_KEY, sep=".", salt=f"gmail-{what}", algorithm="sha256")
