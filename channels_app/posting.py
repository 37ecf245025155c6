"""One HTTP POST of JSON, and what each way it can end means for the message."""

from collections.abc import Callable, Mapping
from ssl import SSLCertVerificationError
from typing import Any

import requests
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

from channels_app.registry import SendError

NO_ADDRESS = (InvalidSchema, InvalidURL, MissingSchema)


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
        # Its own words quote the address, which is a secret where chat programs are told; its reason does not.
        said = _reason_of(error) or type(error).__name__
        raise SendError(f"The connection broke: {said}"[:500], refused=_was_never_made(error)) from error
    if answer.status_code in {429, 503}:
        asked = asked_wait(answer.headers.get("Retry-After", ""))
        wait = 1.0 if asked is None else asked
        raise SendError(f"It is busy ({answer.status_code}).", refused=True, retry_after=wait)
    if 300 <= answer.status_code < 500:
        raise SendError(f"It answered {answer.status_code}.", refused=True, permanent=True)
    if not answer.ok:
        raise SendError(f"It answered {answer.status_code}.")
    return answer


def _reason_of(error: requests.RequestException) -> Any:
    return getattr(error.args[0], "reason", None) if error.args else None


def _was_never_made(error: requests.RequestException) -> bool:
    if isinstance(error, NO_ADDRESS):
        return True
    reason = _reason_of(error)
    if isinstance(reason, SSLError):  # a certificate is judged before anything is said
        return bool(reason.args) and isinstance(reason.args[0], SSLCertVerificationError)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def asked_wait(retry_after: str) -> float | None:
    """The seconds that a Retry-After header asks for; None for none, for a date, and for more than a day or so."""
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) < 6 else None
