"""What nearness is worth: floors and confidence, shipped, measured here, or unknown."""

import json
import math
import random
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from knowledge.calibrating import Probe, calibrate, own_headings, probes
from knowledge.calibration import SHIPPED, CannotCalibrate, Thresholds, Tried, fitted, keep, thresholds
from knowledge.embeddings import LOCAL_MODEL_ID
from knowledge.evidence import learn
from knowledge.models import ActiveModel, Calibration, Chunk
from knowledge.question_files import read_offtopic, read_questions
from knowledge.search import search
from tests.factories import SAMPLE

QUESTION = "I forgot my password, how do I reset it?"
NEAR = [Tried(nearness=0.5 + n / 100, lead=0.1) for n in range(20)]
STRANGE = [Tried(nearness=0.1 + n / 100, lead=0.0) for n in range(20)]


def test_the_floor_lies_between_strange_questions_and_the_articles_own() -> None:
    found = fitted(NEAR, [], STRANGE)
    assert max(t.nearness for t in STRANGE) < found.floor < min(t.nearness for t in NEAR) + 0.05
    assert found.unit == pytest.approx(0.4)
    assert (found.top1, found.top3) == (Thresholds(floor=0, unit=1).top1, Thresholds(floor=0, unit=1).top3)


def test_enough_real_questions_take_the_headings_place() -> None:
    real = [Tried(nearness=0.35 + n / 200, lead=0.1) for n in range(60)]
    assert fitted(NEAR, real, STRANGE).floor < fitted(NEAR, real[:40], STRANGE).floor


def test_with_many_questions_the_lines_are_fitted_to_them() -> None:
    rng = random.Random(1)
    real = []
    for _ in range(2000):
        lead = rng.uniform(-0.1, 0.4)
        chance = 1 / (1 + math.exp(-(-1 + 8 * lead / 0.4)))
        real.append(Tried(nearness=0.6, lead=lead, first=rng.random() < chance, among3=True))
    found = fitted(NEAR, real, STRANGE)
    assert found.top1 == (pytest.approx(-1, abs=0.25), pytest.approx(8, abs=1.2))
    assert found.confidence_top3(0.2) > 0.99


@pytest.mark.parametrize(
    ("headings", "strange", "says"), [(NEAR[:9], STRANGE, "add articles"), (STRANGE, NEAR, "cannot tell")]
)
def test_what_cannot_be_told_apart_is_refused_with_what_to_do(
    headings: list[Tried], strange: list[Tried], says: str
) -> None:
    with pytest.raises(CannotCalibrate, match=says):
        fitted(headings, [], strange)


def test_more_lead_is_more_confidence_and_both_are_shares() -> None:
    known = SHIPPED[LOCAL_MODEL_ID]
    leads = [-9.0, -0.2, 0.0, 0.05, 0.1, 0.3, 9.0]
    sure = [known.confidence(lead) for lead in leads]
    assert sure == sorted(sure)
    assert all(0 <= c <= known.confidence_top3(lead) <= 1 for c, lead in zip(sure, leads, strict=True))


@pytest.mark.usefixtures("articles")
def test_the_local_model_ships_calibrated_and_another_one_is_not() -> None:
    found = search(QUESTION)
    assert found.is_calibrated
    assert found.is_near
    assert found.floor == SHIPPED[LOCAL_MODEL_ID].floor
    assert 0.5 < found.hits[0].confidence == found.confidence <= found.confidence_top3
    assert found.hits[0].confidence > found.hits[1].confidence > 0
    assert thresholds("another-model") is None


@pytest.mark.usefixtures("articles")
def test_below_the_floor_nothing_is_sure() -> None:
    found = search("When does the swimming pool in Oslo open on Sundays?")
    assert found.hits
    assert not found.is_near
    assert (found.confidence, found.confidence_top3, {hit.confidence for hit in found.hits}) == (0, 0, {0.0})


@pytest.mark.usefixtures("articles")
def test_an_installation_measures_its_own_numbers() -> None:
    learn(source="t:1", text=QUESTION, slugs=["reset-your-password"], approved_by="staff", asked_at=timezone.now())
    figures = calibrate(probes(read_questions(SAMPLE.parent / "sample_questions.jsonl")))
    assert (figures["questions"], figures["offtopic"]) == (61, 260)
    assert figures["offtopic_above_floor"] <= 0.05
    assert figures["questions_above_floor"] >= 0.85
    row = Calibration.objects.get()
    assert (row.model_id, row.floor, row.figures) == (LOCAL_MODEL_ID, figures["floor"], json.loads(json.dumps(figures)))
    assert search(QUESTION).floor == row.floor != SHIPPED[LOCAL_MODEL_ID].floor
    assert search(QUESTION).hits[0].confidence > 0.5


@pytest.mark.usefixtures("articles")
def test_headings_are_asked_without_their_trail_and_belong_to_their_article() -> None:
    found = own_headings()
    chunk = Chunk.objects.filter(section__contains=" › ").select_related("article").order_by("pk")[0]
    text = chunk.section.rpartition(" › ")[2]
    assert Probe(text=text, gold=frozenset({chunk.article.slug})) in found
    assert all(" › " not in probe.text for probe in found)


@pytest.mark.usefixtures("articles")
def test_numbers_of_a_file_are_kept_for_their_model_alone() -> None:
    keep("another-model", Thresholds(floor=0.2, unit=0.1, top1=(-1, 2), top3=(0, 3)), {"n": 1})
    assert thresholds("another-model") == Thresholds(floor=0.2, unit=0.1, top1=(-1, 2), top3=(0, 3))
    assert thresholds(LOCAL_MODEL_ID) == SHIPPED[LOCAL_MODEL_ID]


@pytest.mark.usefixtures("articles")
def test_the_command_prints_what_it_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    strange = tmp_path / "strange.jsonl"
    strange.write_text('{"body": "Is my parcel at the post office?", "kind": "other"}\n' * 5)
    call_command("calibrate", "--offtopic", str(strange))
    said = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (said["model_id"], said["offtopic"], said["questions"]) == (LOCAL_MODEL_ID, 5, 0)
    assert Calibration.objects.get().floor == said["floor"]


@pytest.mark.django_db
def test_the_command_refuses_bad_files_and_too_little(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("no json\n")
    with pytest.raises(CommandError, match=r"bad\.jsonl, line 1") as refused:
        call_command("calibrate", "--questions", str(bad))
    assert refused.value.returncode == 2
    ActiveModel.objects.create(model_id=LOCAL_MODEL_ID)
    with pytest.raises(CommandError, match="add articles") as short:
        call_command("calibrate")
    assert short.value.returncode == 1
    assert not Calibration.objects.exists()


def test_the_shipped_off_topic_set_is_whole() -> None:
    rows = read_offtopic(SAMPLE.parent / "data" / "offtopic.jsonl")
    assert len({row.text() for row in rows}) == len(rows) == 260
    assert {row.kind for row in rows} == {"bank", "spam", "small_talk", "elsewhere"}
