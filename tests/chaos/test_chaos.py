"""A short cut of `make chaos`, through the same code."""

import json
import os
import subprocess
import sys

import pytest

from tests.processes import BASE


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_b2_under_kills_nothing_is_lost_doubled_or_overtaken() -> None:
    env = {k: v for k, v in os.environ.items() if k != "FTE_TEST_SERVICES"}
    # By itself on the machine (make test-kafka) it is longer, has processes stopped too, and recovery is judged.
    is_alone = os.environ.get("FTE_TEST_KAFKA") == "apache"
    messages, kills, channels = (80, 5, "web_form") if is_alone else (40, 3, "web_form,email")
    command = [sys.executable, "-m", "tests.chaos", "--messages", str(messages), "--kills", str(kills)]
    command += ["--channels", channels]
    done = subprocess.run(command, cwd=BASE, env=env, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["naive_duplicates"] > 0
    anomalies = ("lost", "duplicates", "phantom", "inversions", "cross_talk", "stuck")
    assert {name: found[name] for name in anomalies} == dict.fromkeys(anomalies, 0), found
    assert (found["messages"], found["kills"], found["db_kills"], found["broker_wipes"]) == (messages, kills, 1, 1)
    assert set(found["by_channel"]) == set(channels.split(","))
    assert done.returncode == 0 or not is_alone, found
