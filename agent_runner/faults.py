"""What went wrong when a model was asked, and what the provider's headers say about how fast it may be asked."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from agents import AgentsException
from django.conf import settings
from openai import APIConnectionError, APIStatusError, OpenAIError

from agent_runner.provider import SAYS

NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
UNSUPPORTED = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
PASSING = {408, 409, 425}
TIME_PARTS = re.compile(r"([\d.]+)(ms|s|m|h|d)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
HINTS = {
    "temperature": "set OPENAI_TEMPERATURE=none",
    "max_tokens": "use OPENAI_API_MODE=responses",
}
Headers = Mapping[str, str]


class Fault(Enum):
    """What an error means for us."""

    BUSY = "asked too much: later"
    SETUP = "it will not work as it is set up"
    AWAY = "it may work in a moment"
    REJECTED = "this request will never work"
    MODEL = "the provider answered; the model misbehaved"


class Rejected(Exception):
    """The provider is there and refuses this one request: to ask the same again ends the same."""


def fault_of(error: Exception) -> Fault:
    """What `error`, raised by asking a model, means."""
    if isinstance(error, AgentsException):
        return Fault.MODEL
    if not isinstance(error, APIStatusError):
        # No connection, too late, or an answer that makes no sense.
        return Fault.AWAY
    status = error.status_code
    if status == 429:
        return Fault.SETUP if error.code in NO_MONEY or error.type in NO_MONEY else Fault.BUSY
    if status in {401, 402, 403, 404} or unsupported(error):
        return Fault.SETUP
    if status in PASSING or status >= 500:
        return Fault.AWAY
    return Fault.REJECTED


def unsupported(error: APIStatusError) -> str:
    """The parameter of ours that the model does not take; empty when it is something else."""
    says_so = error.code in UNSUPPORTED or re.search(
        r"unsupported (parameter|value)|not supported", error.message, re.I
    )
    return str(error.param or "") if error.status_code in {400, 422} and says_so else ""


def problem_of(error: Exception) -> str:
    """The error in a sentence for staff."""
    if isinstance(error, APIStatusError):
        if parameter := unsupported(error):
            hint = HINTS.get(parameter, "choose another OPENAI_MODEL or OPENAI_API_MODE")
            return f"The model does not take the parameter {parameter}: {hint}."
        if error.status_code in {401, 403}:
            return f"OPENAI_API_KEY is refused (status {error.status_code})."
        if error.status_code == 404:
            return "The provider has no such OPENAI_MODEL, or OPENAI_BASE_URL is wrong (status 404)."
        if fault_of(error) is Fault.SETUP and error.status_code in {402, 429}:
            return "The account at the provider has no credit left."
        return f"Status {error.status_code}.{SAYS}{_without_key(error.message)[:300]}"
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)) or "Timeout" in type(error).__name__:
        return "It did not answer in time."
    if isinstance(error, APIConnectionError):
        return "There is no connection to it."
    if isinstance(error, OpenAIError):
        return f"{type(error).__name__}.{SAYS}{_without_key(str(error))[:300]}"
    return f"Its answer makes no sense ({type(error).__name__})."


def _without_key(words: str) -> str:
    """What the provider said: it may quote the key with which it was asked."""
    return words.replace(settings.OPENAI_API_KEY or "\0", "…")


def words_of(error: Exception) -> str:
    """The error for the record of the run, without our key when it is the provider that speaks."""
    return problem_of(error) if isinstance(error, OpenAIError) else repr(error)


def named_seconds(headers: Headers) -> float | None:
    """How long the provider asks us to wait; None when it does not say."""
    if milliseconds := _number(headers.get("retry-after-ms")):
        return milliseconds / 1000
    if (after := headers.get("retry-after", "")) and (seconds := _after(after)) is not None:
        return seconds
    waits = [
        span(headers.get(f"x-ratelimit-reset-{kind}", ""))
        for kind in ("tokens", "requests")
        if _number(headers.get(f"x-ratelimit-remaining-{kind}")) is not None or kind == "tokens"
    ]
    return max((wait for wait in waits if wait), default=None)


def _after(written: str) -> float | None:
    """Retry-After: seconds, or a date (RFC 9110, 10.2.3)."""
    if (seconds := _number(written)) is not None:
        return max(0.0, seconds)
    try:
        return max(0.0, (parsedate_to_datetime(written) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def pace_in(headers: Headers, cost: float) -> float | None:
    """Tokens a second that the limits in the headers come to for requests of this cost; None without such headers."""
    paces = [
        pace * weight
        for kind, weight in (("tokens", 1.0), ("requests", cost))
        if (pace := _refill(headers, kind)) is not None
    ]
    return min(paces, default=None)


def _refill(headers: Headers, kind: str) -> float | None:
    """How fast a limit fills up again: what is missing, in the time after which nothing is missing."""
    limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
    remaining = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
    reset = span(headers.get(f"x-ratelimit-reset-{kind}", ""))
    if not limit or remaining is None:
        return None
    return (limit - remaining) / reset if reset and limit > remaining else limit / 60


def span(written: str) -> float:
    """Seconds in `6m0s`, `1.5s`, `120ms` or `7`; 0 for anything else."""
    if (number := _number(written)) is not None:
        return number
    parts = TIME_PARTS.findall(written)
    return sum(float(value) * UNITS[unit] for value, unit in parts) if parts else 0.0


def _number(written: str | None) -> float | None:
    try:
        return float(written) if written else None
    except ValueError:
        return None
