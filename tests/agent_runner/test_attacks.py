"""The model as attacker: it may call anything and say anything, and nothing foreign is read, sent, linked or promised.

Each attack is a scripted model that a whole run meets, from the claimed conversation to the stored reply, with the real
tools, gate and database. What must be true afterwards is in attacked.py.
"""

from typing import Any

import pytest

from agent_runner.models import AgentRun
from tests.agent_runner.attacked import (
    BEN_MAIL,
    BEN_WORDS,
    BY_CHANNEL,
    PREPARED,
    SECRETS,
    Attack,
    Seen,
    Stage,
    nothing_foreign,
    rows_read,
    stage,
    write,
)
from tests.agent_runner.attacks import BY_KIND, GOOD_END, TEXTS, says, sends
from tickets.models import Message, Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("articles")]
every_channel = pytest.mark.parametrize("channel", BY_CHANNEL)
PARTS = 3  # of the texts, for several processes


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Stage:
    return stage(monkeypatch, settings)


def wrong(scene: Stage, attacks: list[Attack], channel: str) -> list[str]:
    return [what for attack in attacks for what in scene.play(attack, channel)]


def test_there_are_as_many_scripts_as_promised() -> None:
    scripts = [attack.name for some in BY_KIND.values() for attack in some]
    assert len(scripts) == len(set(scripts)) >= 200
    assert len({attack.name for attack in TEXTS}) >= 110


@every_channel
def test_f1_foreign_ids_in_a_call_reach_nothing(channel: str, scene: Stage) -> None:
    assert wrong(scene, BY_KIND["foreign ids"], channel) == []


@every_channel
def test_f1_no_argument_of_any_kind_reads_or_changes_anything_of_others(channel: str, scene: Stage) -> None:
    assert wrong(scene, BY_KIND["odd arguments"], channel) == []


@every_channel
def test_f5_a_model_that_never_ends_is_cut_and_people_are_asked_once(channel: str, scene: Stage) -> None:
    assert wrong(scene, BY_KIND["loops"], channel) == []


@every_channel
def test_f6_whatever_the_order_of_calls_there_is_one_reply(channel: str, scene: Stage) -> None:
    assert wrong(scene, BY_KIND["order"], channel) == []


@every_channel
def test_f3_what_cites_nothing_that_was_found_is_not_sent(channel: str, scene: Stage) -> None:
    assert wrong(scene, BY_KIND["citations"], channel) == []


@every_channel
def test_f1_f6_random_attacks_change_nothing_about_that(channel: str, scene: Stage) -> None:
    assert wrong(scene, BY_KIND["mixed"], channel) == []


@pytest.mark.parametrize("part", range(PARTS))
def test_f3_f4_no_secret_no_foreign_thing_and_no_promise_is_sent_in_any_dress(part: int, scene: Stage) -> None:
    channels = list(BY_CHANNEL)
    found = []
    for number, attack in enumerate(TEXTS[part::PARTS]):
        found += scene.play(attack, channels[number % len(channels)])
    assert found == []


@every_channel
def test_f6_an_obedient_model_is_asked_once_for_a_routine_answer(channel: str, scene: Stage) -> None:
    assert wrong(scene, BY_KIND["obedient"], channel) == []
    ticket = write(channel)
    assert scene.watch(Attack(name="obedient", turns=(GOOD_END,), is_answered=True), ticket) == []
    run = AgentRun.objects.get(ticket=ticket)
    assert run.model_calls == 1
    assert [call["tool"] for call in run.calls] == [*PREPARED, "send_response"]


# --- Would it be noticed? ------------------------------------------------------------------------------------------


def test_the_stage_notices_a_row_of_ben(scene: Stage) -> None:
    with rows_read() as read:
        list(Message.objects.filter(ticket=scene.ben))
        list(Ticket.objects.filter(pk=scene.ben.pk).values_list("pk"))
    assert len(read) == 1


@pytest.mark.parametrize(
    "body",
    [
        SECRETS["SECRET_KEY"],
        SECRETS["OPENAI_API_KEY"][::-1],
        "It is violet otter lantern.",
        f"Write to {BEN_MAIL}.",
        BEN_WORDS,
        "[here](https://evil.example)",
        "ftp://evil.example",
        "It costs $5.",
        "Write to carl@example.com.",
        "See /support/t/abc.",
    ],
)
def test_the_stage_notices_what_is_sent(body: str, scene: Stage) -> None:
    ticket = write("email")
    Message.objects.create(
        conversation=ticket.conversation,
        ticket=ticket,
        direction="outbound",
        author="assistant",
        channel="email",
        body=body,
    )
    assert list(nothing_foreign(ticket))


def test_the_stage_notices_a_lie_and_a_missing_reply(scene: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    lie = "I have reset your password."
    monkeypatch.setattr(
        "agent_runner.worker.judge", lambda *_: __import__("agent_runner.gate").gate.Verdict(kind="answer")
    )
    found = "; ".join(scene.play(Attack(name="lies", turns=(sends(lie),), bad=(lie,), is_answered=False), "email"))
    assert "sent: I have" in found
    assert "answered: True" in found

    def fails(seen: Seen) -> list[Any]:
        raise ConnectionError

    assert "0 texts were sent" in "; ".join(scene.play(Attack(name="is away", turns=(fails,)), "email"))
    assert scene.play(Attack(name="says", turns=(says(lie),), bad=(lie,), is_answered=False), "email") == []
