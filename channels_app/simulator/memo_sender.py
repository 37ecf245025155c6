"""The sender of the memo provider."""

import json
from collections.abc import Callable
from typing import Any

import requests
from django.conf import settings

from channels_app.posting import post_json
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
    url, data = f"{settings.MEMO_URL}/memos", json.dumps(memo).encode()
    answer = post_json(url, data, check, headers={}, seconds=TIMEOUT_SECONDS)
    try:
        return Sent(external_id=answer.json()["id"])
    except (ValueError, KeyError, TypeError) as error:
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
