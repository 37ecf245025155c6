"""The sender of the memo provider: what each of its answers means."""

from collections.abc import Callable
from typing import Any

import requests
from django.conf import settings

from channels_app.registry import Provider, SendError, Sent
from tickets.models import Delivery

TIMEOUT_SECONDS = 4.0


def send(delivery: Delivery, check: Callable[[], None]) -> Sent:
    """Hand the reply over under the delivery's number. Raises SendError."""
    reply = delivery.reply
    memo = {
        "reference": str(delivery.pk),
        "conversation": reply.conversation_id,
        "to": delivery.address,
        "body": reply.body,
        "answers": list(reply.answers.order_by("id").values_list("external_id", flat=True)),
    }
    check()
    try:
        answer = requests.post(f"{settings.MEMO_URL}/memos", json=memo, timeout=TIMEOUT_SECONDS)
    except requests.ConnectionError as error:
        # Nothing listens: nothing was said. Any other broken connection may have carried it.
        is_refused = "Connection refused" in str(error)
        raise SendError(f"The memo provider cannot be reached: {error}"[:500], refused=is_refused) from error
    except requests.RequestException as error:
        raise SendError(f"The memo provider broke off: {error}"[:500]) from error
    if answer.status_code in {429, 503}:
        wait = float(answer.headers.get("Retry-After", 1))
        raise SendError("The memo provider is busy.", refused=True, retry_after=wait)
    if 400 <= answer.status_code < 500:
        raise SendError(f"The memo provider answered {answer.status_code}.", refused=True, permanent=True)
    try:
        answer.raise_for_status()
        return Sent(external_id=answer.json()["id"])
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise SendError(f"The memo provider answered {answer.status_code} without sense.") from error


def look_up(delivery: Delivery) -> Sent | None:
    """What the provider accepted under the delivery's number. Raises SendError when it does not say."""
    try:
        answer = requests.get(
            f"{settings.MEMO_URL}/memos", params={"reference": str(delivery.pk)}, timeout=TIMEOUT_SECONDS
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise SendError(f"The memo provider cannot be asked: {error}"[:500]) from error
    return Sent(external_id=str(found[0]["id"])) if found else None


MEMO = Provider(send=send, look_up=look_up)
