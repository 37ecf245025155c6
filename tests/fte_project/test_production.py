"""What production refuses to start with."""

import os
import re
import subprocess
import sys

import pytest

from tests.processes import BASE

SHAPES = re.search(r"PRODUCTION := ((?:.*\\\n)*.*)", (BASE / "Makefile").read_text())


def production(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command with the production settings that `make check` reads, and these."""
    assert SHAPES is not None
    shapes = dict(pair.split("=", 1) for pair in SHAPES.group(1).replace("\\\n", " ").split())
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=BASE,
        env={**os.environ, **shapes, **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["GMAIL_API_URL", "GOOGLE_KEYS_URL"])
def test_production_refuses_a_simulated_google(name: str) -> None:
    assert production("check").returncode == 0
    done = production("check", **{name: "http://127.0.0.1:8025"})
    assert done.returncode != 0
    assert f"{name} names a simulated Google: it must not be set when FTE_MODE=production." in done.stderr


def test_the_simulated_gmail_does_not_run_in_production() -> None:
    done = production("simulate_gmail", GMAIL_ADDRESS="support@example.com", GMAIL_SERVICE_ACCOUNT="{}")
    assert done.returncode != 0
    assert "do not run with FTE_MODE=production" in done.stderr
