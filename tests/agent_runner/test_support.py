"""Whether a passage carries a sentence: one example of each claim, and the bar over the labelled set."""

import re
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from agent_runner import gate_evaluation, support
from agent_runner.entailment import NET
from agent_runner.gate_fitting import read_rows, sha256
from agent_runner.likeness import SENTENCE_END
from agent_runner.support import unsupported
from agent_runner.wording import content
from knowledge.embeddings import EmbeddingFailed

SET = Path(gate_evaluation.__file__).parent / "data" / "gate.jsonl"
SAMPLE = Path(gate_evaluation.__file__).parent.parent / "knowledge" / "sample"
PASSAGE = """\
Open Yard > Gates and choose **Lock**. A gate stays locked for 24 hours. Wardens can unlock it, guests cannot.
Lists are saved as .csv files of at most 20 MB. The alarm is disabled before the first visit."""

CARRIED = [
    "A gate remains locked for one day.",
    "In Yard > Gates, click Lock.",
    "Guests are unable to unlock it.",
    "Lists get saved as .csv files with a maximum of 20 MB.",
    "The alarm is not enabled before the first visit.",
    "Wardens can unlock it.",
    "",
    "Here you are!",
]
NOT_CARRIED = [
    ("A gate stays locked for 12 hours.", "number"),
    ("A gate stays locked for 24 days.", "number"),
    ("Lists are saved as .csv files of at least 20 MB.", "limit"),
    ("Lists are saved as .xml files.", "name"),
    ("In Yard > Fences, click Lock.", "name"),
    ("Wardens cannot unlock it.", ""),
    ("The alarm is enabled before the first visit.", "opposite"),
    ("The alarm is disabled after the first visit.", "opposite"),
    ("Open Yard > Gates, choose Lock and inform the police.", "police"),
    ("Sheep may graze there overnight.", "nothing says"),
]


@pytest.mark.xfail(strict=True, reason="the networks do not know that twenty is 20")
def test_a_number_in_words_is_the_number_in_digits() -> None:
    assert unsupported("Lists get saved as .csv files with a maximum of twenty MB.", [PASSAGE]) is None


@pytest.mark.parametrize("sentence", CARRIED)
def test_what_the_passage_says_in_other_words_is_carried(sentence: str) -> None:
    assert unsupported(sentence, [PASSAGE]) is None


@pytest.mark.parametrize(("sentence", "why"), NOT_CARRIED)
def test_each_changed_claim_is_found_and_named(sentence: str, why: str) -> None:
    found = unsupported(sentence, [PASSAGE])
    assert found is not None
    assert why in found


def test_one_passage_of_several_is_enough_and_none_is_not() -> None:
    assert unsupported("Guests are unable to unlock it.", ["Something else.", PASSAGE]) is None
    assert unsupported("Guests are unable to unlock it.", []) is not None


@pytest.mark.parametrize(
    "sentence", ["https://desk.example.com/help/gates", "**https://desk.example.com/help/gates**", "* "]
)
def test_a_link_alone_says_nothing(sentence: str) -> None:
    assert unsupported(sentence, [PASSAGE]) is None


def test_a_claim_is_not_hidden_behind_a_long_sentence_or_a_link() -> None:
    long = "Wardens can unlock a gate that is locked, " * 8
    assert "too long" in (unsupported(f"{long}and guests can unlock it, too.", [PASSAGE]) or "")
    assert unsupported("Wardens (https://desk.example.com/x)cannot unlock it.", [PASSAGE]) is not None


def test_without_a_word_in_the_passage_nothing_is_carried() -> None:
    assert unsupported("Wardens can unlock it.", ["**"]) is not None


def test_when_the_local_model_does_not_load_the_finding_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(sentence: str, passage: str) -> None:
        raise EmbeddingFailed("It is not the model that it should be.")

    monkeypatch.setattr(support, "compare", damaged)
    assert "does not load" in (unsupported("Guests are unable to unlock it.", [PASSAGE]) or "")


def test_the_labelled_set_is_large_enough_and_holds_the_bar() -> None:
    # No network is fitted with these rows; the limit from which a sentence is kept back was chosen with them.
    rows = gate_evaluation.read_labelled(SET)
    figures = gate_evaluation.summary(gate_evaluation.judge_rows(rows))
    assert figures["n"] >= 1200
    assert len({row.passage for row in rows}) >= 100
    assert figures["caught"] >= 0.93
    assert figures["passed"] >= 0.83


def test_the_stored_networks_are_those_of_the_pairs_and_none_of_them_is_in_the_labelled_set() -> None:
    with np.load(NET) as stored:
        assert str(stored["rows"]) == sha256(), "run agent_runner.gate_fitting.main"
    assert not {row.passage for row in read_rows()} & {row.passage for row in gate_evaluation.read_labelled(SET)}


def sections() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(SAMPLE.glob("*.md"))]
    return [part for text in texts for part in re.split(r"^#+ .*$", text, flags=re.MULTILINE) if part.strip()]


def test_every_sentence_of_an_article_is_carried_by_its_section_and_hardly_one_by_another() -> None:
    parts = sections()
    foreign = []
    for at, part in enumerate(parts):
        other = parts[(at + 7) % len(parts)]
        for sentence in filter(content, SENTENCE_END.split(part)):
            assert unsupported(sentence, [part]) is None, sentence
            foreign.append(unsupported(sentence, [other]) is None)
    assert len(foreign) > 200
    assert sum(foreign) <= 0.1 * len(foreign)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no rows"),
        ("{", "line 1"),
        ('\n{"passage": "a", "sentence": "b", "label": "odd"}', "line 2: label must be one of"),
        ('{"passage": "a", "label": "name"}', "line 1: sentence must be a text"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError, match=r"rows\.jsonl") as raised:
        call_command("evaluate", "gate", data=path, out=None, json=True)
    assert says in str(raised.value)
    assert raised.value.returncode == 2
