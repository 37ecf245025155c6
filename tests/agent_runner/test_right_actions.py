"""Does the assistant do the right thing? Every labelled case through intake and worker, on the sample articles.

The figures of the whole are what counts: single cases may go either way when the search changes.
"""

import json

import pytest
from django.contrib.auth.models import User

from knowledge.calibrating import calibrate, probes
from knowledge.question_files import read_questions
from tests.agent_runner.acting import act, cases
from tests.factories import SAMPLE


@pytest.mark.timeout(600)  # 230 conversations
@pytest.mark.usefixtures("articles")
def test_the_right_action_is_taken_and_few_answerable_questions_go_to_people(sam: User) -> None:
    calibrate(probes(read_questions(SAMPLE.parent / "sample_questions.jsonl")))
    acted = [act(row, sam) for row in cases()]
    wrong = [str(one) for one in acted if not one.is_right]
    answerable = [one for one in acted if "answer" in one.row["actions"]]
    handed_over = [one for one in answerable if one.action in {"hand_over", "draft"}]
    print(json.dumps({"cases": len(acted), "wrong": len(wrong), "handed_over": len(handed_over) / len(answerable)}))
    assert len(wrong) <= 0.15 * len(acted), "\n".join(wrong)
    assert len(handed_over) <= 0.20 * len(answerable), "\n".join(map(str, handed_over))
