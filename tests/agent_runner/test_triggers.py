"""The fixed rules: what goes to people before any model is asked, and what must not."""

import json
import unicodedata
from pathlib import Path

import pytest

from agent_runner.escalation_evaluation import escalation_figures, wants_human_figures
from agent_runner.triggers import RULES, find_trigger
from knowledge.question_files import BadQuestion
from tests.agent_runner.trigger_examples import ABROAD, INNOCENT_ABROAD
from tickets.reasons import Reason, Urgency

SHARED = Path(__file__).parents[3] / "shared" / "data"
OWN = Path(__file__).parents[2] / "agent_runner" / "data" / "escalation.jsonl"
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


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"../shared/data/{name} is not here")
    return path


@pytest.mark.parametrize(
    ("reason", "text"),
    [(reason, text) for language in ABROAD.values() for reason, texts in language.items() for text in texts],
)
def test_a_rule_finds_its_words_abroad_with_and_without_accents(reason: Reason, text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    for spelling in (text, bare, decomposed, f"Tidewater\n\n{text}\n\nAnna"):
        found = find_trigger(spelling)
        assert found is not None, spelling
        assert found.reason == reason, found


@pytest.mark.parametrize("text", INNOCENT_ABROAD)
def test_a_rule_leaves_what_only_looks_like_its_words_abroad(text: str) -> None:
    assert find_trigger(text) is None


def test_every_language_has_every_rule_and_examples_of_it() -> None:
    for language in ABROAD.values():
        assert set(language) == {reason for reason, _, _ in RULES}


def test_what_was_found_is_shown_as_it_was_written() -> None:
    found = find_trigger("Grüße, ich möchte eine Rückerstattung für März")
    assert found is not None
    assert found.words == "Rückerstattung"


REPEATED = [
    "third time I write",
    "still not fixed after three answers",
    "This is the 4th time I'm reporting this bug",
    "I have asked you four times now",
    "How many times must I explain it?",
    "you keep sending me the same article",
]


@pytest.mark.parametrize("text", REPEATED)
def test_repeated_failure_is_an_unhappy_customer(text: str) -> None:
    found = find_trigger(text)
    assert found is not None
    assert found.reason == Reason.NEGATIVE_SENTIMENT


MORE_INNOCENT = [
    "The third time I save the rule the page reloads.",
    "After several requests to the API it still shows 429",
    "How do I copy the lawyer template?",
    'Where is the "refund" column?',
    "the column called pricing is gone",
    "We are lawyers and need private projects.",
    "Does the invoice show the price of each seat?",
    "How do I transfer the ownership of the workspace?",
    "How do I turn off my two-step verification?",
    "Delete my account\nHow do I do that myself?",
    "We have a support team, how do I invite them?",
    "Which page documents the close account panel?",
    "I hate dark mode, how do I turn it off?",
]


@pytest.mark.parametrize("text", MORE_INNOCENT)
def test_other_senses_ask_for_nobody(text: str) -> None:
    assert find_trigger(text) is None


@pytest.mark.parametrize("name", ["own", "escalation/dev.jsonl"])
def test_both_sets_are_met(name: str) -> None:
    figures, _ = escalation_figures(OWN if name == "own" else shared(name))
    assert figures["recall"] >= 0.99, figures["misses"]
    assert figures["over_escalation"] <= 0.05, figures["misses"]
    assert figures["reason_accuracy"] >= 0.90, figures["misses"]


def test_our_own_set_is_large_and_half_of_it_only_looks_like_a_reason() -> None:
    rows = [json.loads(line) for line in OWN.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 220
    assert len({row["text"] for row in rows}) == len(rows)
    assert 0.45 <= sum(row["must_escalate"] for row in rows) / len(rows) <= 0.55
    assert {row["reason"] for row in rows} == {"", *(reason for reason, _, _ in RULES)}
    assert {row["channel"] for row in rows} == {"email", "web_form", "whatsapp"}


def test_who_asks_for_a_person_is_understood() -> None:
    figures, _ = wants_human_figures(shared("escalation/wants_human_dev.jsonl"))
    assert figures["precision"] >= 0.95
    for source in ("nlupp", "bitext"):
        assert figures["per_source"][source]["recall"] >= 0.70


@pytest.mark.parametrize("name", ["thunderbird/questions_dev.jsonl", "aws/questions_dev.jsonl"])
def test_real_questions_rarely_meet_a_rule(name: str) -> None:
    rows = [json.loads(line) for line in shared(name).read_text(encoding="utf-8").splitlines()]
    caught = [found for row in rows if (found := find_trigger(f"{row.get('title') or ''}\n{row['body']}"))]
    assert len(caught) <= 0.02 * len(rows), caught


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"channel": "email", "text": "", "must_escalate": true, "reason": "legal"}', "line 2 has no text"),
        ('{"channel": "fax", "text": "x", "must_escalate": true, "reason": "legal"}', "channel must be"),
        ('{"channel": "email", "text": "x", "must_escalate": 1, "reason": "legal"}', "must be true or false"),
        ('{"channel": "email", "text": "x", "must_escalate": true, "reason": "bad"}', "reason must be"),
        ('{"channel": "email", "text": "x", "must_escalate": false, "reason": "legal"}', "has no reason"),
        ("[]", "line 2"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    good = '{"channel": "email", "text": "hello", "must_escalate": false, "reason": null}'
    path.write_text(f"{good}\n{line}\n")
    with pytest.raises(BadQuestion, match=message) as refused:
        escalation_figures(path)
    assert "rows.jsonl" in str(refused.value)
