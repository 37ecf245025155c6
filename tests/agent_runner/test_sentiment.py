"""Sentiment without a key: clear cases, the trend, the shipped weights, and false alarms on real people's questions."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from agent_runner import sentiment
from agent_runner.sentiment import (
    Feeling,
    exemplars,
    feel,
    fit,
    fit_heads,
    is_falling,
    is_negative,
    most_telling,
    split,
)
from agent_runner.sentiment_words import words_of
from knowledge.embeddings import EmbeddingFailed

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")

UNHAPPY = [
    "I am furious, your technician never showed up and nobody called me.",
    "This is the worst software I have ever used.",
    "What a complete waste of my time.",
    "I'm so disappointed in you, I will close all my accounts.",
    "You have ignored me for a month. Disgraceful.",
    "I am fed up with your excuses!!",
    "Absolutely disgusting behaviour by your manager.",
    "thanks for nothing",
    "your support is useless and rude",
    "It is outrageous that you keep my money.",
    "I am very unhappy with the way I was treated and I expected far better.",
    "never buying from you again, terrible company",
    "Hello,\n\nmy calendar does not sync. I wrote about it in May. This is a disgrace and I am livid.\n\nRegards, Tom",
    "I feel completely let down by your bank.",
    "You people are incompetent. How can you lose the same parcel twice?",
    "We are not happy with your service, not at all, and we are thinking of leaving.",
]
CALM = [
    "The import does not work.",
    "I get error 500 when I save.",
    "I can no longer log in on my tablet.",
    "How do I add a signature?",
    "My parcel is three days late. Where is it?",
    "The search is broken since the update, it shows no results.",
    "Unfortunately the same problem came back after the restart.",
    "I tried all of the steps and it still fails.",
    "please cancel my booking for june",
    "My wallet was stolen, please block both cards.",
    "Where do I find the worst-case delivery time in the contract?",
    "I'm not angry, I would only like to know when it will be fixed.",
    "The screen is cracked and the charger is missing.",
    "Two mails have disappeared from my inbox. Can they be brought back?",
    "No rush, whenever you find the time.",
    "hi, is the shop open on sunday",
    "The invoice is wrong: it lists nine licences and we have seven.",
    "I hate to bother you, could you tell me my customer number?",
    "URGENT: printer in room 12 shows PAPER JAM",
    "ok",
    "It does not print.\nIt does not scan.\nIt does not fax.",
    "Our terminal declined three cards today, what does code 51 mean?",
]
HAPPY = [
    "Thank you so much, everything works again!",
    "You were really helpful, I am delighted.",
    "What an excellent answer, thanks a lot.",
    "I love the new calendar view.",
    "great job, works perfectly",
    "We are very happy with your quick help.",
]


def test_own_sentences_are_enough_and_differ() -> None:
    rows = exemplars()
    counts = Counter(label for _, label in rows)
    bare = {re.sub(r"\W+", " ", text.casefold()).strip() for text, _ in rows}
    assert len(rows) >= 640
    assert set(counts) == set(sentiment.SENTIMENTS)
    assert counts["negative"] >= 250
    assert counts["neutral"] >= 250
    assert counts["positive"] >= 110
    assert len(bare) == len(rows)
    assert not {text for text, _ in rows} & {*UNHAPPY, *HAPPY, *(set(CALM) - {"ok"})}


@pytest.mark.parametrize("text", UNHAPPY)
def test_an_unhappy_message_is_negative(text: str) -> None:
    assert is_negative(feel(text)), feel(text)


@pytest.mark.parametrize("text", CALM)
def test_a_plain_problem_or_question_is_not_negative(text: str) -> None:
    assert not is_negative(feel(text)), feel(text)


@pytest.mark.parametrize("text", HAPPY)
def test_praise_is_above_neutral(text: str) -> None:
    assert feel(text).score > 0.65, feel(text)


def test_a_furious_sentence_counts_in_a_long_message_too() -> None:
    plain = "I updated the program on Monday. Since then two folders are missing. I restarted it. "
    assert not is_negative(feel(plain))
    assert is_negative(feel(plain + "I am furious and disgusted, this is the worst service ever. " + plain))


@pytest.mark.parametrize("text", ["", "   ", "?!", "12345", "🙂"])
def test_without_words_nothing_is_felt(text: str) -> None:
    assert feel(text) == Feeling(0.5, 0.0)


def test_links_handles_and_quoted_lines_are_not_the_customers_words() -> None:
    quoted = "How do I print? @desk https://example.org/worst-ever\n> I am furious, this is disgusting."
    assert split(quoted) == ["How do I print?"]


def test_only_the_beginning_of_a_message_is_read() -> None:
    assert split("One two. Three four!\nfive six") == ["One two.", "Three four!", "five six"]
    assert len(split("Some words. " * 1000)) == sentiment.MOST_SENTENCES
    assert sum(map(len, split("word " * 100_000))) <= sentiment.LONGEST


@pytest.mark.parametrize(
    ("text", "negative", "positive"),
    [
        ("I am furious", 1, 0),
        ("I am FURIOUS and DISGUSTED!!", 1, -1),
        ("I am not angry", -1, 0),
        ("I was never disappointed", -1, 0),
        ("I am not satisfied", 1, -1),
        ("It isn't very helpful", 1, -1),
        ("You were very helpful", -1, 1),
        ("We could not be happier", -1, 1),
        ("I have never been so disappointed", 1, -1),
        ("I have no complaints", -1, 1),
        ("THE PRINTER SHOWS ERROR!!", 0, 0),
        ("I hate to ask", -1, 0),
        ("thanks for nothing", 1, -1),
        ("I am frustrated", -1, 0),
        ("I am frustrated with your support", 1, -1),
        ("You hung up on me", 1, -1),
        ("HELP! I AM STUCK!!", -1, 0),
    ],
)
def test_words_and_their_negation(text: str, negative: int, positive: int) -> None:
    found = words_of(text)
    assert np.sign(found.negative) == negative
    assert np.sign(found.positive) == positive or (positive == 0 and found.positive <= 0)


def test_only_the_most_telling_sentences_cost_a_vector() -> None:
    steps = ["The dialogue opens after the program was started and shows a list of seven accounts."] * 50
    chosen = most_telling([*steps, "Disgraceful.", *steps], [words_of(s) for s in [*steps, "Disgraceful.", *steps]])
    assert chosen == [50], "steps name nobody and have no strong words"
    personal = [f"I wrote to you about number {n} and nobody has answered me so far." for n in range(50)]
    assert len(most_telling(personal, [words_of(s) for s in personal])) == sentiment.EMBEDDED
    endless = ["you " * 500] * 9
    chosen = most_telling(endless, [words_of(s) for s in endless])
    assert len(chosen) * sentiment.LONGEST_SENTENCE <= sentiment.EMBEDDED_CHARACTERS
    assert chosen


def test_capitals_and_exclamation_marks_make_anger_louder() -> None:
    assert words_of("THIS IS RIDICULOUS!!").negative > words_of("this is ridiculous").negative


@pytest.mark.parametrize(
    ("scores", "falls"),
    [
        ([], False),
        ([0.2], False),
        ([0.5, 0.3], False),
        ([0.7, 0.5, 0.35], True),
        ([0.9, 0.1, 0.7, 0.5, 0.35], True),
        ([0.7, 0.5, 0.35, 0.36], False),
        ([0.9, 0.8, 0.6], False),
        ([0.5, 0.48, 0.46], False),
        ([0.7, 0.35, 0.5], False),
        ([0.35, 0.5, 0.7], False),
        ([0.5, 0.5, 0.2], False),
    ],
)
def test_falling_over_the_last_three(scores: list[float], falls: bool) -> None:
    assert is_falling(scores) is falls


def test_negative_needs_confidence() -> None:
    assert is_negative(Feeling(0.1, 0.9))
    assert not is_negative(Feeling(0.1, sentiment.NEGATIVE_CONFIDENCE - 0.01))
    assert not is_negative(Feeling(0.3, 0.9))


def test_words_alone_when_the_embedder_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_model_id: str) -> None:
        raise EmbeddingFailed("not here")

    monkeypatch.setattr(sentiment, "embedder", away)
    angry, calm, happy = feel("I am furious."), feel("It does not work."), feel("Thank you so much!")
    assert angry.score < 0.3
    assert happy.score > 0.7
    assert calm == Feeling(0.5, 0.0)
    assert max(angry.confidence, happy.confidence) < 0.5
    assert not is_negative(angry)


def test_the_shipped_weights_are_those_of_the_shipped_sentences() -> None:
    stored, made = json.loads(sentiment.WEIGHTS.read_text(encoding="utf-8")), fit()
    again = "the sentences changed: write fit() into sentiment_weights.json"
    assert stored["model_id"] == made["model_id"]
    assert stored["sentences_sha256"] == made["sentences_sha256"], again
    # A processor with other instructions rounds the int8 model a little differently.
    for name in ("weights", "intercepts"):
        np.testing.assert_allclose(np.array(stored[name]), np.array(made[name]), atol=0.25, err_msg=again)


def test_sentences_that_were_held_out() -> None:
    rows = exemplars()
    vectors, labels = sentiment._vectors([text for text, _ in rows]), [label for _, label in rows]
    fold = np.arange(len(rows)) % 5
    wrong = caught = calm = unhappy = 0
    for held in range(5):
        heads = fit_heads(vectors[fold != held], [labels[i] for i in np.flatnonzero(fold != held)])
        for i in np.flatnonzero(fold == held):
            odds = vectors[i] @ heads.weights.T + heads.intercepts
            felt = is_negative(sentiment._combined([sentiment._mood(odds[0], odds[1], words_of(rows[i][0]))]))
            unhappy += labels[i] == "negative"
            calm += labels[i] != "negative"
            caught += felt and labels[i] == "negative"
            wrong += felt and labels[i] != "negative"
    assert wrong / calm <= 0.02
    assert caught / unhappy >= 0.65


@needs_data
def test_false_alarms_on_real_peoples_problems() -> None:
    lines = (SHARED / "thunderbird" / "questions_dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    alarms = [row["title"] for row in rows if is_negative(feel(f"{row['title']}\n{row['body']}"))]
    assert len(alarms) <= 0.02 * len(rows), alarms


@needs_data
def test_false_alarms_on_the_shared_set(capsys: pytest.CaptureFixture[str]) -> None:
    figures = _evaluated(SHARED / "sentiment" / "dev.jsonl", capsys)
    print(f"negative recall {figures['negative_recall']}")
    assert figures["n"] == 1500
    assert figures["negative_false_positive"] <= 0.03


def test_the_command_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"text": UNHAPPY[0], "sentiment": "negative"},
        {"text": "How do I print?", "sentiment": "negative"},
        {"text": CALM[0], "sentiment": "neutral"},
        {"text": HAPPY[0], "sentiment": "positive"},
        {"text": UNHAPPY[1], "sentiment": "positive"},
    ]
    data, out = tmp_path / "s.jsonl", tmp_path / "out.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    figures = _evaluated(data, capsys, "--out", str(out))
    assert figures == {"n": 5, "accuracy": 0.6, "negative_recall": 0.5, "negative_false_positive": 0.3333}
    told = [json.loads(line)["got"] for line in out.read_text(encoding="utf-8").splitlines()]
    assert told == ["negative", "neutral", "neutral", "positive", "negative"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            '{"text": "a b", "sentiment": "neutral"}\n{"text": "a b", "sentiment": "sad"}\n',
            "s.jsonl, line 2: sentiment",
        ),
        ('{"text": " ", "sentiment": "neutral"}\n', "s.jsonl, line 1 has no text"),
        ('{"text": 3, "sentiment": "neutral"}\n', "s.jsonl, line 1 has no text"),
        ('{"text": "a", "sentiment": ["neutral"]}\n', "s.jsonl, line 1: sentiment"),
        ("\nnonsense\n", "s.jsonl, line 2 is not valid JSON"),
        ("[1]\n", "s.jsonl, line 1 is not a JSON object"),
        ("\n", "s.jsonl holds no rows"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, content: str, said: str) -> None:
    data = tmp_path / "s.jsonl"
    data.write_text(content, encoding="utf-8")
    with pytest.raises(CommandError, match=said) as caught:
        call_command("evaluate", "sentiment", "--data", str(data))
    assert caught.value.returncode == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("evaluate", "sentiment", "--data", str(tmp_path / "none.jsonl"))


def _evaluated(data: Path, capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    call_command("evaluate", "sentiment", "--data", str(data), "--json", *more)
    return json.loads(capsys.readouterr().out.splitlines()[-1])
