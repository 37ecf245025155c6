"""What travels over Kafka: topic names, events (ids only, never text), and `publish()`."""

import json
from dataclasses import asdict, dataclass, fields
from typing import ClassVar

from django.conf import settings
from django.db import models

VERSION = 1
OUTBOX_BELL = "fte_outbox"  # the NOTIFY channel that wakes the relay


class Channel(models.TextChoices):
    """How words come in and go out. Shared by models, events, tools and MCP."""

    EMAIL = "email", "E-mail"
    WHATSAPP = "whatsapp", "WhatsApp"
    WEB_FORM = "web_form", "Web form"


# A reply to the form shows on its status page; what is delivered is its mail copy.
OUTBOUND_CHANNELS = (Channel.EMAIL, Channel.WHATSAPP)


def topic(name: str) -> str:
    """The full name of one of our topics, with the installation's prefix."""
    return f"{settings.KAFKA_TOPIC_PREFIX}{name}"


def inbound_topics() -> list[str]:
    return [topic(f"fte.channels.{channel.value}.inbound") for channel in Channel]


def outbound_topics() -> list[str]:
    return [topic(f"fte.channels.{channel.value}.outbound") for channel in OUTBOUND_CHANNELS]


def all_topics() -> list[str]:
    """The eight topics of this installation."""
    return [
        *inbound_topics(),
        *outbound_topics(),
        topic("fte.escalations"),
        topic("fte.metrics"),
        topic("fte.dlq"),
    ]


class BadEvent(ValueError):
    """A record on one of our topics that is not an event we know."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something happened to a conversation. The key keeps one conversation on one partition."""

    conversation_id: int
    kind: ClassVar[str]

    def topic(self) -> str:
        raise NotImplementedError

    def payload(self) -> dict[str, object]:
        return {"v": VERSION, "kind": self.kind, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Event):
    kind = "message_received"
    channel: str
    message_id: int

    def topic(self) -> str:
        return topic(f"fte.channels.{self.channel}.inbound")


@dataclass(frozen=True, kw_only=True)
class DeliveryQueued(Event):
    kind = "delivery_queued"
    channel: str
    delivery_id: int

    def topic(self) -> str:
        return topic(f"fte.channels.{self.channel}.outbound")


@dataclass(frozen=True, kw_only=True)
class EscalationOpened(Event):
    kind = "escalation_opened"
    escalation_id: int

    def topic(self) -> str:
        return topic("fte.escalations")


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    kind = "run_finished"
    run_id: int

    def topic(self) -> str:
        return topic("fte.metrics")


@dataclass(frozen=True, kw_only=True)
class DeadLettered(Event):
    kind = "dead_lettered"
    dead_letter_id: int

    def topic(self) -> str:
        return topic("fte.dlq")


KINDS: dict[str, type[Event]] = {
    event.kind: event for event in (MessageReceived, DeliveryQueued, EscalationOpened, RunFinished, DeadLettered)
}


def publish(event: Event) -> None:
    """Put the event into the outbox, in the caller's transaction; the relay takes it to Kafka after the commit."""
    from fte_project.models import OutboxEvent
    from fte_project.notify import notify

    OutboxEvent.objects.create(topic=event.topic(), key=str(event.conversation_id), payload=event.payload())
    notify(OUTBOX_BELL)


def parse(raw: bytes) -> Event:
    """The event in a Kafka record's value. Raises BadEvent for anything else, whatever the bytes."""
    try:
        found = json.loads(raw)
        kind = KINDS[found["kind"]]
        is_ours = found["v"] == VERSION
        event = kind(**{field.name: found[field.name] for field in fields(kind)}) if is_ours else None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        # The words of the error quote the record, and nobody knows what that says.
        raise BadEvent(f"no event of ours ({type(error).__name__})") from error
    if event is None:
        raise BadEvent(f"another version than {VERSION}")
    for field in fields(kind):
        if type(getattr(event, field.name)) is not (str if field.name == "channel" else int):  # true is no id
            raise BadEvent(f"{field.name} has the wrong type")
    return event
