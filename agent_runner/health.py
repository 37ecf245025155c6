"""Whether the assistant's model can be asked: what `doctor` says about it."""

from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from django.conf import settings

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
