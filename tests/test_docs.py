"""What the documents say is true of the code."""

import re
from pathlib import Path

import pytest

BASE = Path(__file__).parent.parent
README = (BASE / "README.md").read_text()
SETTINGS = (BASE / "fte_project" / "settings.py").read_text()
VARIABLES = sorted(set(re.findall(r"(?:env\.\w+|required|rate|google)\(\s*\"([A-Z_]+)\"", SETTINGS)))
# Set by the demo and by tests for the processes they start, not by people.
INTERNAL = {"FTE_DEMO", "FTE_CRASH_AT", "MEMO_URL", "MAIL_DIR"}


@pytest.mark.parametrize("name", [v for v in VARIABLES if v not in INTERNAL])
def test_every_variable_is_in_the_example_file(name: str) -> None:
    example = (BASE / ".env.example").read_text()
    assert re.search(rf"^#? ?{name}=", example, re.MULTILINE)


def test_every_place_in_follow_one_message_exists() -> None:
    table = README.partition("## Follow one message")[2].partition("\n\nWhat happens")[0]
    places = re.findall(r"`([\w/{},]+\.py)(?:: (\w+)\(\))?`", table)
    assert len(places) >= 10
    for path, function in places:
        before, _, after = path.partition("{")
        names = [before + n + after.partition("}")[2] for n in after.partition("}")[0].split(",")] if after else [path]
        for name in names:
            text = (BASE / name).read_text()
            assert not function or f"def {function}(" in text, f"{name} has no {function}()"


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (BASE / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE)) <= targets


def test_every_test_in_the_matrix_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (BASE / "tests" / "MATRIX.md").read_text()))
    written = {
        name
        for path in (BASE / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert named - written == set()
    matrix_rows = {name for name in written if re.match(r"test_[abcef]\d+_", name)}
    assert matrix_rows - named == set(), "a test of a row that the matrix does not name"
