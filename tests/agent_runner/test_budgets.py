"""How much a model is given to read, and what it costs."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.assistant import TOOLS, instructions, prepare
from agent_runner.budgets import CUT, SEARCH_CHARACTERS, both_ends, cut, fit
from agent_runner.history import as_lines
from agent_runner.metrics import meter_runs
from agent_runner.models import AgentRun, RunMetric
from agent_runner.spending import cost_usd, tokens_of_today
from agent_runner.worker import context_of
from knowledge.embeddings import tokenizer
from tests.agent_runner.with_openai import a_provider, run
from tests.factories import SAMPLE, write
from tests.fakes.openai import FakeOpenAI
from tickets.models import Conversation, Escalation, Message, Ticket, Trust

LONG = "This is a sentence of some words, and it goes on for a while. " * 40


@pytest.fixture
def openai(settings: Any, db: None) -> Iterator[FakeOpenAI]:
    with a_provider(settings, "responses") as server:
        yield server


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, round(share * len(values)))]


# --- Texts that are made to fit ------------------------------------------------------------------------------------


@given(st.text(), st.integers(20, 200))
def test_what_is_cut_is_a_beginning_with_a_mark(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short) <= limit
    assert short == text if len(text) <= limit else short.endswith(CUT)
    assert text.startswith(short.removesuffix(CUT).rstrip())


def test_a_cut_comes_at_the_end_of_a_sentence() -> None:
    assert cut(LONG, 100) == "This is a sentence of some words, and it goes on for a while. …"


def test_the_best_passage_stays_whole_and_the_others_share_the_rest() -> None:
    passages = [LONG[:1400], "Short.", *[LONG] * 3]
    fitting = fit(passages)
    assert fitting[:2] == passages[:2]
    assert all(passage.endswith(f". {CUT}") for passage in fitting[2:])
    assert 0.9 * SEARCH_CHARACTERS < sum(map(len, fitting)) <= SEARCH_CHARACTERS
    assert fit([LONG]) == [LONG]
    assert fit([]) == []


def test_of_a_very_long_message_the_beginning_and_the_end_are_read() -> None:
    said = both_ends("Hello. " + "x " * 9000 + "So how do I export it?", 4000)
    assert said.startswith("Hello.")
    assert said.endswith("So how do I export it?")
    assert "[18029 characters: the middle is left out here]" in said
    assert len(said) < 4100


def test_a_long_history_is_the_newest_messages_and_a_summary_of_the_others() -> None:
    texts = [f"Message {n}. " + "word " * 80 for n in range(12)]
    messages = [
        Message(author="customer" if n % 3 else "assistant", channel="email", body=text) for n, text in enumerate(texts)
    ]
    said = as_lines(messages)
    assert said.startswith("Before that, 9 messages (3 by assistant, 6 by customer); they began:\n- ")
    assert "- customer: Message 8. word" in said
    assert texts[11].strip() in said
    assert f"customer (email): {texts[10].strip()}" in said
    assert len(said) < 2600


# --- What a run reads ----------------------------------------------------------------------------------------------


def sizes(ticket: Ticket) -> tuple[int, int]:
    """The tokens of a first request, by characters and by the tokens of the local embedding model, which are more."""
    context = context_of(ticket, list(ticket.messages.all().unanswered()))
    items = async_to_sync(prepare)(context)

    class Wrapper:
        pass

    wrapper: Any = Wrapper()
    wrapper.context = context
    tools = [[tool.name, tool.description, tool.params_json_schema] for tool in TOOLS[2:]]
    said = " ".join(str(value) for item in items for value in item.values())
    parts = [instructions(wrapper, wrapper), json.dumps(tools), said]
    return sum(map(len, parts)) // 4, sum(len(tokenizer().encode(part).ids) for part in parts)


def test_f5_a_routine_run_reads_less_than_three_thousand_tokens(articles: None) -> None:
    rows = [json.loads(line) for line in (SAMPLE.parent / "sample_questions.jsonl").read_text().splitlines()]
    found = [
        sizes(
            write(
                email=f"c{n}@example.com",
                subject=f"{row['title'][:190]}    -",
                message=row["body"] or "How?  Please tell me.",
            ).ticket
        )
        for n, row in enumerate(rows[:60])
    ]
    by_characters, by_tokens = ([size[kind] for size in found] for kind in (0, 1))
    print([(percentile(found, 0.5), percentile(found, 0.95), max(found)) for found in (by_characters, by_tokens)])
    assert percentile(by_characters, 0.95) <= 3000
    assert percentile(by_tokens, 0.95) <= 3000  # of a tokenizer to which every brace is a token


def test_f5_whatever_a_customer_writes_a_request_stays_small(openai: FakeOpenAI) -> None:
    ticket = write().ticket
    ticket.messages.update(body="How do I reset my password? " * 3000)  # by mail
    run(ticket)
    (asked,) = openai.asked_model()
    assert len(json.dumps(asked)) / 4 < 3500
    assert "the middle is left out here" in str(asked)


# --- What it costs -------------------------------------------------------------------------------------------------


def test_without_prices_a_cost_is_not_known() -> None:
    assert cost_usd(input_tokens=1000, cached_tokens=0, output_tokens=10) is None


def test_a_run_knows_what_it_cost_and_the_metrics_add_it_up(openai: FakeOpenAI, settings: Any) -> None:
    settings.OPENAI_PRICE_INPUT, settings.OPENAI_PRICE_CACHED_INPUT, settings.OPENAI_PRICE_OUTPUT = 2.5, 1.25, 10.0
    assert cost_usd(input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000) == Decimal("3.0")
    for name in ("ann", "ben"):
        run(write(email=f"{name}@example.com").ticket)
    assert {record.cost_usd for record in AgentRun.objects.all()} == {Decimal("0.003050")}
    meter_runs()
    assert RunMetric.objects.get().cost_usd == Decimal("0.006100")


def test_f5_a_customer_who_used_up_the_tokens_of_a_day_is_handed_over(openai: FakeOpenAI, settings: Any) -> None:
    settings.CUSTOMER_TOKENS_PER_DAY = 1500
    first, second, third = (write(subject=f"A question, number {n}").ticket for n in range(3))
    run(first, second)
    assert not Escalation.objects.exists()
    run(third)
    assert len(openai.asked_model()) == 2
    escalation = Escalation.objects.get()
    assert (escalation.reason, escalation.ticket_id) == ("usage_limit", third.pk)
    assert "1500 tokens" in escalation.detail
    other = write(email="ben@example.com").ticket
    run(other)
    assert Escalation.objects.count() == 1, "others are not affected"


def test_f5_what_strangers_use_up_in_a_customers_name_does_not_count_against_them(openai: FakeOpenAI) -> None:
    claimed = write().ticket
    run(claimed)
    proven = write(subject="Another question").ticket
    Conversation.objects.filter(pk=proven.conversation_id).update(trust=Trust.CHANNEL_VERIFIED)
    assert tokens_of_today(claimed.conversation_id) == 980
    assert tokens_of_today(proven.conversation_id) == 0
    AgentRun.objects.update(started_at="2020-01-01T00:00Z")
    assert tokens_of_today(claimed.conversation_id) == 0
