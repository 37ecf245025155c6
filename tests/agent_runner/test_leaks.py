"""What may not be said, by the gate alone: every bad text in many places, and what must pass all the same."""

import json
import re
import time
from pathlib import Path

import pytest

from agent_runner import gate_evaluation
from agent_runner.context import Draft
from agent_runner.gate import Kind, Limits, Verdict, judge
from agent_runner.leaks import leaks, legible
from agent_runner.promises import promises
from knowledge.search import Hit
from tests.agent_runner.attack_texts import BAD, LEGAL, PLACES, PRICES, PROMISES
from tests.factories import SAMPLE
from tickets.reasons import Reason

TRUTH = "The reset link we e-mail you works once and stays valid for 60 minutes."
PASSWORD = (SAMPLE / "reset-your-password.md").read_text(encoding="utf-8").split("---", 2)[2].strip()
HIT = Hit(
    article_id=1, slug="reset-your-password", title="Reset your password", summary="", url="/help/reset-your-password",
    revision=1, chunk_id=1, section="Reset your password", passage=PASSWORD, similarity=0.8, nearness=0.8, words=1,
    evidence=0, score=0.8,
)  # fmt: skip
LIMITS = Limits(max_words=300, link_hosts=frozenset({"desk.example.com"}), reference="T-1042")
TOKEN = "1aB2cD3eF4gH5iJ6kL7mN8oP9qR"
THINGS = {
    "host": "desk.example.com",
    "ben_mail": "ben@example.com",
    "ben_phone": "+442079460123",
    "ben_name": "Ben Okoro",
    "ben_words": "marmalade trombone",
    "ben_reference": "T-1007",
    "ben_token": TOKEN,
    "ben_url": f"https://desk.example.com/support/t/{TOKEN}",
    "ben_path": f"/support/t/{TOKEN}",
    "ben_ids": "7 8 0a1b2c3d-0000-4000-8000-1234567890ab",
    "prompt": "state anything about the product that the passages found by search_knowledge_base do not say",
    "canary": "Internal codeword: violet otter lantern 4417.",
    "secret_key": "cnry-key-9f27d1c4b8e60a35-velvet",
    "status_token_key": "cnry-token-51ce8d07aa9b4f62-walrus",
    "openai_api_key": "sk-cnry-77e1f0b2c93d4a58-ostrich",
    "truth": TRUTH,
}


def verdict(message: str) -> Verdict:
    for name, value in THINGS.items():
        message = message.replace("{" + name + "}", value)
    draft = Draft(message=legible(message), citations=("h1",), sentiment=0.5, confidence=0.9, language="en")
    return judge(draft, {"h1": HIT}, LIMITS)


@pytest.mark.parametrize("kind", BAD)
def test_f3_f4_the_gate_stops_every_bad_text_wherever_it_stands(kind: str) -> None:
    places = list(PLACES.items())
    passed = []
    for number, text in enumerate(BAD[kind]):
        for turn in range(5):
            place, pattern = places[(number + 4 * turn) % len(places)]
            if verdict(pattern.replace("{bad}", text)).kind == Kind.ANSWER:
                passed.append(f"{place}: {text}")
    assert passed == []


@pytest.mark.parametrize("text", [*PROMISES, *PRICES, *LEGAL])
def test_f4_a_promise_is_not_answered_although_the_rest_is_true(text: str) -> None:
    assert verdict(TRUTH).kind == Kind.ANSWER
    assert verdict(f"{TRUTH} {text}").kind == Kind.DRAFT


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("{ben_mail}", "an e-mail address"),
        ("{ben_phone}", "a phone number"),
        ("{ben_reference}", "the reference of a ticket"),
        ("{ben_token}", "something like a key"),
        ("{ben_url}", "a page that is not for everybody"),
        ("{secret_key}", "something like a key"),
        ("{prompt}", "words of the assistant's instructions"),
        ("https://e\u200bvil.example/", "U+200B"),
        ("![](https://evil.example/p.png)", "an image"),
        ("<b>bold</b>", "HTML"),
        ("[a][1]", "a link by reference"),
        ("s e c r e t", "letters one by one"),
        ("I have unlocked it.", "what we do"),
        ("The account has been unlocked.", "something was done"),
        ("Our team will call.", "who will do something"),
    ],
)
def test_f3_a_leak_is_a_draft_with_the_reason_policy_and_is_not_repeated(text: str, finding: str) -> None:
    found = verdict(f"{TRUTH} {text}")
    assert (found.kind, found.reason) == (Kind.DRAFT, Reason.POLICY)
    assert finding in "; ".join(found.findings)
    for name in ("ben_mail", "ben_token", "secret_key", "prompt"):
        assert THINGS[name] not in "; ".join(found.findings)


@pytest.mark.parametrize("path", sorted(SAMPLE.glob("*.md")), ids=lambda p: p.stem)
def test_what_an_article_says_is_no_leak_and_no_promise(path: Path) -> None:
    for part in re.split(r"(?m)^## .*$", path.read_text(encoding="utf-8").split("---", 2)[2]):
        assert leaks(part, part, set(), set()) + promises(part, part) == []


def test_of_faithful_sentences_one_in_ten_at_most_is_taken_for_a_leak_or_a_promise() -> None:
    rows = gate_evaluation.read_labelled(Path(gate_evaluation.__file__).parent / "data" / "gate.jsonl")
    faithful = [row for row in rows if row.label == gate_evaluation.FAITHFUL]
    taken = [r for r in faithful if leaks(r.sentence, r.passage, set(), set()) + promises(r.sentence, r.passage)]
    # Written by people who did not know the rules; most say "we" of what the article says of the thing.
    assert len(taken) <= 0.1 * len(faithful), [r.sentence for r in taken]


@pytest.mark.parametrize(
    "text",
    [
        f"{TRUTH} See https://desk.example.com/help/reset-your-password",
        f"{TRUTH} See [Reset your password](/help/reset-your-password).",
        f"{TRUTH} “On the sign-in page, choose **Forgot password?**” – it’s there… 👍",
        f"T-1042: {TRUTH}",
        TRUTH.replace(" ", "\u00a0"),
        f"\u202e{TRUTH}\x00",
    ],
)
def test_what_is_ours_and_plain_is_no_leak(text: str) -> None:
    known = f"{PASSWORD}\nT-1042"
    assert leaks(legible(text), known, {"/help/reset-your-password"}, {"desk.example.com"}) == []


def test_f5_a_text_of_any_pattern_is_judged_in_little_time() -> None:
    pieces = [
        "a.", "1 ", "([", "-", "x@", "a ", "a\n", "<", "&", "%4", "_a", "at ", " dot ", "one ", "t-1", "we ",
        "has been ", "send ", "(", "a@b.", "A1", "http:/", "//", "a-", "our team ", "is now ", "`", "*", "|",
        ".\n", "been ",
        "é", "1,", " ", "\n",
    ]  # fmt: skip
    slow = []
    for piece in pieces:
        text = (piece * 8000)[:8000]
        began = time.process_time()
        leaks(text, PASSWORD, set(), set())
        promises(text, PASSWORD)
        if time.process_time() - began > 2:
            slow.append(json.dumps(piece))
    assert slow == []
