"""Many messages at once, two workers, and a provider that allows thirty thousand tokens a minute."""

import os

import pytest

from agent_runner.models import AgentRun
from tests.factories import ANSWERABLE, sample_articles, write
from tests.fakes.openai import fake_openai
from tests.fakes.token_bucket import TokenBucket
from tests.processes import Processes, processes, wait_for
from tickets.models import Conversation, Escalation, Message

__all__ = ["processes"]

pytestmark = pytest.mark.timeout(1200)  # which broker rings says nothing about the pace: not run for each of them
MESSAGES = int(os.environ.get("PACE_MESSAGES", "50"))
SPEED = float(os.environ.get("PACE_SPEED", "3"))  # of the provider's clock; PACE_SPEED=1 with 100 takes eight minutes


@pytest.mark.parametrize("names_limits", [False, True], ids=["Retry-After only", "x-ratelimit headers"])
def test_f7_two_workers_use_a_limited_provider_well_and_nobody_is_handed_over(
    names_limits: bool, processes: Processes
) -> None:
    sample_articles()
    given = {"citations": ["h1"], "sentiment": 0.6, "confidence": 0.95, "language": "en"}
    with fake_openai("send_response", **given) as provider:
        provider.quotes = True
        env = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": provider.url}
        for role in ("relay_messages", "run_schedule", "run_agent", "run_agent"):
            processes.start(role, **env)
        write(email="first@example.com")
        wait_for(Message.objects.filter(direction="outbound").exists)  # the workers are up
        provider.limit = limit = TokenBucket(speed=SPEED, names_limits=names_limits)
        for number in range(MESSAGES):
            write(email=f"c{number}@example.com", subject=f"{ANSWERABLE['subject']} ({number})")
        wait_for(lambda: Message.objects.filter(direction="outbound").count() == MESSAGES + 1, 120 + 700 / SPEED)
    tokens = sum(tokens for _, tokens in limit.granted)
    print(
        f"{len(limit.granted)} granted, {limit.refused} refused, {tokens / len(limit.granted):.0f} tokens each, "
        f"{limit.used():.3f} of what was to be had, {limit.used_by_the_clock():.3f} of limit × minutes"
    )
    assert not Escalation.objects.exists()
    assert len(limit.granted) == MESSAGES
    assert limit.used_by_the_clock() >= 0.9
    # In so short a time what is left over at the end weighs much: at the true rate, with a hundred, it is 0.96.
    assert limit.used() >= 0.75
    assert set(AgentRun.objects.values_list("outcome", flat=True)) <= {"stored", "postponed"}
    assert set(AgentRun.objects.values_list("attempt", flat=True)) == {1}
    assert not Conversation.objects.exclude(attempts=0).exists()
    wait_for(lambda: not Conversation.objects.exclude(work_due_at=None, lease_token=None).exists())
