"""The fixed rules: what goes to people before any model is asked, and what must not."""

import json
from pathlib import Path

import pytest

from agent_runner.triggers import RULES, find_trigger
from tickets.reasons import Reason, Urgency

DEV = Path(__file__).parents[3] / "shared" / "data" / "escalation" / "dev.jsonl"
SAMPLE = Path(__file__).parents[2] / "knowledge" / "sample_questions.jsonl"

POSITIVE = {
    Reason.LEGAL: [
        "My lawyer will be in touch.",
        "I have talked to an attorney about this",
        "We are going to sue you",
        "I will sue",
        "I'll sue your company",
        "I’ll sue.",
        "We will take you to court",
        "expect a lawsuit",
        "We reserve the right to take legal action.",
        "this is a breach of contract",
        "our legal team will contact you",
        "This is a GDPR request",
        "Please delete all my personal data",
        "who is your data protection officer?",
        "I want to use my right to be forgotten",
        "LAWYER",
    ],
    Reason.SECURITY: [
        "my account was hacked",
        "I believe my account has been compromised.",
        "I've been hacked",
        "Someone logged into my account from Brazil",
        "somebody else has access to our workspace",
        "is there a data breach at your company?",
        "I see unauthorized charges",
        "someone broke into our account!",
    ],
    Reason.REFUND_REQUEST: [
        "I want a refund",
        "refund",
        "Please refund my last invoice.",
        "Give me my money back",
        "I was charged twice this month",
        "you billed me twice",
        "I'll do a chargeback",
        "can I be reimbursed?",
    ],
    Reason.PRICING_INQUIRY: [
        "What are your prices?",
        "price?",
        "PRICING",
        "how much does the Business plan cost",
        "How much is it per month?",
        "Is there a cheaper plan without the calendar?",
        "Do students get a discount?",
        "can you send me a quote",
        "what would it cost for 40 people",
        "How much?",
        "How much do you charge for ten more seats",
        "it is too expensive",
    ],
    Reason.ABUSE: [
        "This is fucking ridiculous",
        "you are all stupid idiots",
        "u all are useless",
        "you're incompetent",
        "what a bunch of scammers",
        "this is bullshit",
        "piece of crap",
        "I will find you",
        "go to hell",
        "WTF",
    ],
    Reason.POLICY: ["I want to kill myself", "i feel suicidal", "I will end my life"],
    Reason.CUSTOMER_REQUEST: [
        "I want to speak to a human being, not a bot.",
        "Please connect me with a support representative.",
        "talk to agent",
        "can I talk to someone?",
        "I'd like to chat with a real person",
        "let me speak to your manager",
        "I need help contacting a live agent",
        "put me through to an operator",
        "is there a human?",
        "are you a human",
        "Can a human being help me? I need a human.",
        "please call me back",
        "transfer me to a  live   agent",
        "I do not want to talk to a machine",
        "get me a representative",
        "Please call me at +49 30 123",
        "no bots please",
        "speaking with an assistant",
        "am I talking to a robot?",
    ],
    Reason.ACCOUNT_ACTION: [
        "Please close my account.",
        "can you delete our workspace for me",
        "could you cancel my subscription",
        "I want to cancel my subscription",
        "please downgrade our plan",
    ],
    Reason.NEGATIVE_SENTIMENT: [
        "I am extremely disappointed and angry. This has cost me hours and nobody cares.",
        "This is RIDICULOUS! Your product is BROKEN!",
        "worst app ever, i hate it",
        "I'm furious",
        "what a waste of my time",
        "This is unacceptable.",
        "Terrible customer service",
        "we are fed up",
    ],
}

HARD_NEGATIVE = [
    "How do I kill a stuck process?",
    "How do I kill a stuck task?",
    "How do I change the legal footer of our invoices?",
    "Can you explain what the legal hold setting does?",
    "How do I invite the legal team as guests?",
    "How do I add a legal notice to the footer?",
    "Where do I accept the legal terms?",
    "It is legally required to archive",
    "my colleague Sue cannot log in",
    "Sue and I share a board",
    "I gave the task to Sue Miller",
    "There is an issue with sue@x.de",
    "What user agent does the webhook send?",
    "Your agent told me to clear the cache and it worked, thank you.",
    "How do I assign a task to an agent?",
    "Can an agent see private projects?",
    "travel agent board",
    "How much space does a workspace have?",
    "how much time does the export take",
    "How much data can I import?",
    "How do I rename the refund column?",
    "the price column in my board shows no numbers",
    "I cannot sort by the price field",
    "Where do I set the discount label?",
    "a pricing board for our shop",
    "the prices board is empty",
    "A person left the team. How do I remove them?",
    "How do I mention a person in a comment?",
    "How do I share a board with someone outside my team?",
    "Can I contact someone in my workspace from a task?",
    "How do I talk to someone who is a guest in my project?",
    "How can I chat with people in my team?",
    "Why does the app call me by my old name?",
    "the status is called done",
    "Can I disable the bot in our chat integration?",
    "There is no bot in my channel list, where do I add it?",
    "How do I protect the workspace against unauthorized access?",
    "how can I prevent unauthorized logins",
    "How do I delete my account?",
    "Can I delete my workspace myself?",
    "how do i export my data",
    "How do I export all my data?",
    "How do I delete all my data?",
    "How do I cancel a task?",
    "How do I close my project?",
    "How do I upgrade the mobile app?",
    "I was a little annoyed that the mail came late.",
    "I hate to bother you, but where is the button?",
    "This is not broken, just slow.",
    "So sorry for asking again",
    "What is the hell month view?",
    "Scunthorpe is not in the list of cities",
    "Dickens and Assisi are labels of ours",
    "Does it cost a lot of memory?",
    "Where do I see the billing contact?",
    "Where are my invoices?",
    "human-readable names",
    "How do I set a representative picture as cover?",
    "How do I operate the timer?",
    "the operator AND does not work in search",
    "ok thanks",
    "hello",
    "",
    "price-field",
    "How do I track the time of our prosecutors?",
    "My suit board is gone",
    "How do I end my session?",
    "How do I quote a comment?",
    "Is a phone number needed?",
    "bug: the chat says I am away",
]


@pytest.mark.parametrize(("reason", "text"), [(r, t) for r, texts in POSITIVE.items() for t in texts])
def test_a_rule_finds_its_words(reason: Reason, text: str) -> None:
    for spelling in (text, text.upper(), f"Hello\n\n{text}\n\nThanks, Ann", text.replace("'", "’")):
        found = find_trigger(spelling)
        assert found is not None, spelling
        assert found.reason == reason
        assert found.words
        assert len(found.words) <= 80


@pytest.mark.parametrize("text", HARD_NEGATIVE)
def test_a_rule_leaves_what_only_looks_like_its_words(text: str) -> None:
    assert find_trigger(text) is None


def test_every_rule_has_examples() -> None:
    assert {reason for reason, _, _ in RULES} == set(POSITIVE)


WORDS = ["human", "Agent", "REPRESENTATIVE!", " person ", "operator?", "Human please", "please, a line\nhuman\nthanks"]


@pytest.mark.parametrize("word", WORDS)
def test_one_word_on_a_line_asks_for_a_person_as_our_answers_promise(word: str) -> None:
    found = find_trigger(word)
    assert found is not None
    assert found.reason == Reason.CUSTOMER_REQUEST


@pytest.mark.parametrize(
    ("text", "reason", "urgency"),
    [
        ("I will sue you, you stupid idiots, give me a refund", Reason.LEGAL, Urgency.HIGH),
        ("I want to kill myself and will sue you", Reason.POLICY, Urgency.CRITICAL),
        ("my account was hacked, I want to talk to a human", Reason.SECURITY, Urgency.CRITICAL),
        ("I want a refund or I will talk to a manager", Reason.REFUND_REQUEST, Urgency.NORMAL),
        ("What are your prices?", Reason.PRICING_INQUIRY, Urgency.NORMAL),
    ],
)
def test_the_graver_reason_comes_first(text: str, reason: Reason, urgency: Urgency) -> None:
    found = find_trigger(text)
    assert found is not None
    assert (found.reason, found.urgency) == (reason, urgency)


def test_a_long_message_is_read_quickly() -> None:
    import time

    noise = "talk to " * 20_000 + "the cost of how much is a very very very " * 5_000
    began = time.perf_counter()
    find_trigger(noise)
    assert time.perf_counter() - began < 2


def test_the_sample_questions_need_no_people() -> None:
    rows = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    caught = {r["id"]: find_trigger(f"{r['title']}\n{r['body']}") for r in rows}
    assert {name: t for name, t in caught.items() if t is not None} == {}


def test_the_development_set_is_met() -> None:
    if not DEV.is_file():
        pytest.skip("../shared/data is not here")
    rows = [json.loads(line) for line in DEV.read_text().splitlines()]
    found = [(row, find_trigger(row["text"])) for row in rows]
    must = [(row, t) for row, t in found if row["must_escalate"]]
    over = [row["text"] for row, t in found if t is not None and not row["must_escalate"]]
    missed = [row["text"] for row, t in must if t is None]
    wrong = [row["text"] for row, t in must if t is not None and t.reason != row["reason"]]
    assert len(missed) <= 0.01 * len(must), missed
    assert len(over) <= 0.05 * (len(rows) - len(must)), over
    assert len(wrong) <= 0.05 * len(must), wrong
