"""What travels over Kafka: eight topics, ids only, and nothing from outside that can harm."""

import contextlib
import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fte_project import events
from fte_project.events import (
    KINDS,
    BadEvent,
    DeadLettered,
    DeliveryQueued,
    EscalationOpened,
    Event,
    MessageReceived,
    RunFinished,
    parse,
)

TOPICS = [
    "fte.channels.email.inbound",
    "fte.channels.whatsapp.inbound",
    "fte.channels.web_form.inbound",
    "fte.channels.email.outbound",
    "fte.channels.whatsapp.outbound",
    "fte.escalations",
    "fte.metrics",
    "fte.dlq",
]
EXAMPLES: list[tuple[Event, str]] = [
    (MessageReceived(conversation_id=7, channel="email", message_id=1), "fte.channels.email.inbound"),
    (MessageReceived(conversation_id=7, channel="web_form", message_id=1), "fte.channels.web_form.inbound"),
    (DeliveryQueued(conversation_id=7, channel="whatsapp", delivery_id=1), "fte.channels.whatsapp.outbound"),
    (EscalationOpened(conversation_id=7, escalation_id=1), "fte.escalations"),
    (RunFinished(conversation_id=7, run_id=1), "fte.metrics"),
    (DeadLettered(conversation_id=7, dead_letter_id=1), "fte.dlq"),
]
GOOD = {"v": 1, "kind": "message_received", "conversation_id": 7, "channel": "email", "message_id": 1}


def test_there_are_eight_topics() -> None:
    assert events.all_topics() == TOPICS


def test_a_prefix_comes_before_every_topic(settings: Any) -> None:
    settings.KAFKA_TOPIC_PREFIX = "mine."
    assert events.all_topics() == [f"mine.{t}" for t in TOPICS]
    assert EXAMPLES[0][0].topic() == "mine.fte.channels.email.inbound"


@pytest.mark.parametrize(("event", "topic"), EXAMPLES)
def test_an_event_goes_to_its_topic_and_comes_back_the_same(event: Event, topic: str) -> None:
    assert event.topic() == topic
    assert topic in TOPICS
    assert parse(json.dumps(event.payload()).encode()) == event


def test_every_kind_has_an_example() -> None:
    assert {type(event) for event, _ in EXAMPLES} == set(KINDS.values())


def test_events_carry_numbers_and_codes_only() -> None:
    for kind in KINDS.values():
        assert {f.name for f in fields(kind) if f.type in {"str", str}} <= {"channel"}


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"null", b"[]", b'"x"', b"1", b"\xff\xfe", b"{}", b'{"kind": []}', b"[" * 100_000,
        *(
            json.dumps({**GOOD, **change}).encode()
            for change in (
                {"v": 2}, {"v": None}, {"v": "\ud800"}, {"kind": "other"}, {"kind": None}, {"kind": {}},
                {"conversation_id": "7"}, {"conversation_id": 7.0}, {"conversation_id": True},
                {"conversation_id": None}, {"message_id": [1]}, {"channel": 1}, {"channel": None},
            )
        ),
        *(json.dumps({k: v for k, v in GOOD.items() if k != name}).encode() for name in GOOD),
        b'{"v": 1, "kind": "message_received", "conversation_id": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_in_one_way(raw: bytes) -> None:
    with pytest.raises(BadEvent) as refused:
        parse(raw)
    assert 0 < len(str(refused.value)) <= 300
    str(refused.value).encode()


def test_unknown_fields_are_ignored() -> None:
    assert parse(json.dumps({**GOOD, "more": 1}).encode()) == EXAMPLES[0][0]


@given(
    st.binary()
    | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(repr).map(str.encode)
)
def test_any_bytes_are_an_event_or_refused(raw: bytes) -> None:
    with contextlib.suppress(BadEvent):
        parse(raw)


@given(
    st.dictionaries(st.sampled_from([*GOOD, "x"]), st.none() | st.booleans() | st.integers() | st.text() | st.floats())
)
def test_any_object_is_an_event_or_refused(changes: dict[str, Any]) -> None:
    try:
        event = parse(json.dumps({**GOOD, **changes}).encode())
    except BadEvent:
        return
    assert type(event.conversation_id) is int
