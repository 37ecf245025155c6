"""Whether the assistant's model can be asked: what `doctor` says about it."""

from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from django.conf import settings

from agent_runner import provider
from fte_project.health import Finding, State

OPENAI_URL = "https://api.openai.com/v1"
PROVIDER_SECONDS = 3
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def assistant_model() -> Finding:
    """The local model, or whether the provider answers and takes the key. The key itself is never shown."""
    if not settings.OPENAI_API_KEY:
        return State.OK, "A local model that quotes the articles; OPENAI_API_KEY is not set."
    base = settings.OPENAI_BASE_URL or OPENAI_URL
    host = urlsplit(base).netloc.rpartition("@")[2]
    try:
        status = requests.get(
            f"{base.rstrip('/')}/models",
            headers={"Authorization": f"Bearer {settings.OPENAI_API_KEY}"},
            timeout=PROVIDER_SECONDS,
            allow_redirects=False,
        ).status_code
    except (requests.RequestException, ValueError) as error:
        return State.FAILED, f"{host} does not answer ({type(error).__name__}); meanwhile people get the questions."
    if status in REFUSED:
        return State.FAILED, f"{host} refuses OPENAI_API_KEY (status {status})."
    # Any other answer proves that somebody is there: compatible servers need not list their models.
    return State.OK, f"{settings.OPENAI_MODEL} at {host}; OPENAI_API_KEY is set."


def model_pace() -> Finding:
    """What the workers know of the provider: whether it is asked at all, and how fast it lets itself be asked."""
    if not settings.OPENAI_API_KEY:
        return State.OK, "The local model is not limited."
    row = provider.look()
    if row.probe_at is not None:
        when = f"at {row.probe_at:%H:%M:%S} UTC" if row.probe_at > row.now else "by the next question"
        return State.FAILED, f"The model is not asked, people get the questions; it is tried {when}. {row.own_words()}"
    if row.failures:
        return State.OK, f"The last {row.failures} requests failed: {row.own_words()}"
    if row.is_limited():
        return State.OK, f"The provider limits us: we ask for about {provider.tokens_a_minute(row):,} tokens a minute."
    return State.OK, "No limit is known, and nothing failed lately."
