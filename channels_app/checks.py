"""Misconfiguration speaks: Django's system checks for the channels."""

import json
import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from customers.identifiers import normal_email

TOPIC = re.compile(r"projects/[\w.:-]+/topics/[\w.~+%-]+")


@register()
def gmail(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """What is set for Gmail fits together; nothing while it is off."""
    if not settings.GMAIL_ADDRESS:
        return []
    found: list[CheckMessage] = []
    if bad := [address for address in [settings.GMAIL_ADDRESS, *settings.GMAIL_GROUPS] if not _is_address(address)]:
        found.append(Error(f"These are no e-mail addresses: {', '.join(bad)}.", id="channels.E001"))
    if settings.GMAIL_ADDRESS in settings.GMAIL_GROUPS:
        hint = "GMAIL_GROUPS are Google Groups that forward to our mailbox; its own mail would be taken for a group's."
        found.append(Error("GMAIL_ADDRESS is among GMAIL_GROUPS.", hint=hint, id="channels.E002"))
    if settings.GMAIL_SERVICE_ACCOUNT and not _is_key(settings.GMAIL_SERVICE_ACCOUNT):
        hint = "Give the whole JSON file that Google made, or its path in GMAIL_SERVICE_ACCOUNT_FILE."
        found.append(Error("GMAIL_SERVICE_ACCOUNT is no service account key.", hint=hint, id="channels.E003"))
    if settings.GMAIL_SERVICE_ACCOUNT and settings.GMAIL_OAUTH_CLIENT_ID:
        hint = "The consent is used. Unset the one that is not wanted."
        words = "Both a service account and an OAuth client are set for Gmail."
        found.append(Warning(words, hint=hint, id="channels.W001"))
    return [*found, *_pushes()]


def _pushes() -> list[CheckMessage]:
    if settings.GMAIL_PUSH_TOPIC and not TOPIC.fullmatch(settings.GMAIL_PUSH_TOPIC):
        hint = "It is written projects/PROJECT/topics/TOPIC."
        return [Error("GMAIL_PUSH_TOPIC is no Pub/Sub topic.", hint=hint, id="channels.E004")]
    if settings.GMAIL_PUSH_TOPIC and not settings.GMAIL_PUSH_AUDIENCE:
        hint = "Set GMAIL_PUSH_AUDIENCE and GMAIL_PUSH_ACCOUNT as in the push subscription; until then mail is polled."
        return [Warning("Gmail is watched, and its pushes are refused.", hint=hint, id="channels.W002")]
    if settings.GMAIL_PUSH_AUDIENCE and not settings.GMAIL_PUSH_TOPIC:
        hint = "Set GMAIL_PUSH_TOPIC, or renew the watch elsewhere at least once a week."
        return [Warning("Pushes are accepted, and nobody watches Gmail.", hint=hint, id="channels.W003")]
    return []


def _is_address(value: str) -> bool:
    try:
        return normal_email(value) == value
    except ValueError:
        return False


def _is_key(value: str) -> bool:
    try:
        key = json.loads(value)
        return bool(key["client_email"] and key["private_key"] and key["token_uri"])
    except (ValueError, KeyError, TypeError):
        return False
