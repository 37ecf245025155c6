"""One HTTP POST of JSON, and what each way it can end means for the message."""

from collections.abc import Callable, Mapping
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from channels_app.registry import SendError


def post_json(
    url: str, data: bytes, check: Callable[[], None], *, headers: Mapping[str, str], seconds: float
) -> requests.Response:
    """Post `data` after `check` and give back the answer when it is a success. Raises SendError.

    Redirects are not followed: the host is the one that was configured.
    """
    check()
    try:
        answer = requests.post(
            url,
            data=data,
            headers={"Content-Type": "application/json", **headers},
            timeout=seconds,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise SendError(f"The connection broke: {error}"[:500], refused=_was_never_made(error)) from error
    if answer.status_code in {429, 503}:
        raise SendError(f"It is busy ({answer.status_code}).", refused=True, retry_after=_seconds(answer))
    if 300 <= answer.status_code < 500:
        raise SendError(f"It answered {answer.status_code}.", refused=True, permanent=True)
    if not answer.ok:
        raise SendError(f"It answered {answer.status_code}.")
    return answer


def _was_never_made(error: requests.RequestException) -> bool:
    reason: Any = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _seconds(answer: requests.Response) -> float:
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() and len(asked) < 6 else 1.0
