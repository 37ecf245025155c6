"""The checker finds each anomaly in a history made by hand, and none in a good one."""

from typing import Any

import pytest

from tests.chaos.checker import ANOMALIES, check


def sent(external_id: str, conversation: str = "a", n: int = 0) -> dict[str, Any]:
    return {"kind": "sent", "channel": "web_form", "conversation": conversation, "external_id": external_id,
            "n": n, "t": n}  # fmt: skip


def delivered(*answers: str, conversation: str = "a", t: float = 10.0) -> dict[str, Any]:
    return {"kind": "delivered", "channel": "email", "conversation": conversation, "answers": list(answers),
            "provider_id": f"p{t}", "t": t}  # fmt: skip


TALK = [sent("1", n=0), sent("2", n=1), sent("3", n=2), sent("x", "b")]
GOOD = [*TALK, delivered("1", t=3), delivered("2", "3", t=4), delivered("x", conversation="b", t=2)]
CASES = {
    "lost": [*TALK, delivered("1", t=3), delivered("2", t=4), delivered("x", conversation="b")],
    "duplicates": [*GOOD, delivered("2", "3", t=5)],
    "phantom": [*GOOD, delivered(t=6)],
    "inversions": [*TALK, delivered("2", "3", t=3), delivered("1", t=4), delivered("x", conversation="b")],
    "cross_talk": [*TALK, delivered("1", "2", "3", t=3), delivered("x", conversation="a", t=4)],
}


def test_a_good_history_has_no_anomaly() -> None:
    assert check(GOOD) == dict.fromkeys(ANOMALIES, 0)


@pytest.mark.parametrize("anomaly", ANOMALIES)
def test_each_anomaly_is_found_and_no_other(anomaly: str) -> None:
    found = check(CASES[anomaly])
    assert {name for name, count in found.items() if count} == {anomaly}


def test_an_answer_to_a_message_that_nobody_sent_is_a_phantom() -> None:
    assert check([*GOOD, delivered("nobody", t=6)])["phantom"] == 1


def test_the_same_message_accepted_twice_in_one_go_is_a_duplicate() -> None:
    assert check([sent("1"), delivered("1", "1")])["duplicates"] == 1


def test_what_people_hold_is_not_lost() -> None:
    assert check([{**sent("1"), "with_people": True}])["lost"] == 0
