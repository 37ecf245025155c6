"""With a key, nothing goes anywhere but to the provider that the settings name."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from agents.tracing import get_trace_provider
from agents.tracing.traces import NoOpTrace

from tests.agent_runner.with_openai import a_provider, run
from tests.factories import write
from tests.fakes.openai import FakeOpenAI, Step

_watching: list[list[tuple[str, Any]]] = []  # who wants to know


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo"}:
        for seen in _watching:
            seen.append((event, arguments[1] if event == "socket.connect" else arguments[:2]))


sys.addaudithook(_listen)  # cannot be taken away again, so it listens only within the fixture


@pytest.fixture
def connections() -> Iterator[list[tuple[str, Any]]]:
    """Every connection that this process makes, and every name that it looks up."""
    seen: list[tuple[str, Any]] = []
    _watching.append(seen)
    yield seen
    _watching.remove(seen)


@pytest.fixture(params=["responses", "chat_completions"])
def openai(request: pytest.FixtureRequest, settings: Any, db: None) -> Iterator[FakeOpenAI]:
    with a_provider(settings, request.param) as server:
        yield server


def test_f10_runs_with_a_key_connect_only_to_the_provider_of_the_settings(
    openai: FakeOpenAI, connections: list[tuple[str, Any]]
) -> None:
    openai.plan = [Step(), Step(text="An answer in plain text."), Step(raw=b"garbage")]
    run(*(write(email=f"c{n}@example.com").ticket for n in range(4)))
    assert len(openai.asked_model()) >= 4
    port = openai.server_address[1]
    reached = {
        address[:2] for event, address in connections if event == "socket.connect" and isinstance(address, tuple)
    }
    assert reached == {("127.0.0.1", port)}
    names = {host for event, (host, _) in connections if event == "socket.getaddrinfo"}
    assert names <= {"127.0.0.1", b"127.0.0.1"}


def test_f10_traces_are_made_of_nothing(db: None) -> None:
    assert isinstance(get_trace_provider().create_trace("a run"), NoOpTrace)
