"""Text as PostgreSQL and people can take it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fte_project.text import clean_line, clean_text, plain_error

ANY_TEXT = st.text(st.characters(exclude_categories=[]))  # surrogates, controls and all


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain", "plain"),
        ("  around \n", "around"),
        ("a\x00b", "ab"),
        ("a\ud800b", "ab"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("tab\tstays", "tab\tstays"),
        ("bell\x07 escape\x1b delete\x7f", "bell escape delete"),
        ("abc\u202ecba\u202c", "abccba"),
        ("\u2066isolated\u2069", "isolated"),
        ("e\u0301", "é"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("", ""),
    ],
)
def test_text_is_cleaned(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


def test_a_line_is_one_line() -> None:
    assert clean_line(" a\r\nBcc: x@example.com\t  b\u2028c ") == "a Bcc: x@example.com b c"


def test_a_limit_cuts() -> None:
    assert clean_text("abcdef", limit=3) == "abc"
    assert clean_line("a  bcdef", limit=3) == "a b"


@given(ANY_TEXT)
def test_clean_text_can_be_stored_and_cleaning_again_changes_nothing(raw: str) -> None:
    clean = clean_text(raw)
    clean.encode()
    assert "\x00" not in clean
    assert "\r" not in clean
    assert not {"\u202a", "\u202b", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068"} & set(clean)
    assert unicodedata.is_normalized("NFC", clean)
    assert clean_text(clean) == clean


@given(ANY_TEXT, st.integers(0, 20))
def test_a_clean_line_is_safe_as_a_mail_header(raw: str, limit: int) -> None:
    line = clean_line(raw)
    assert len(line.splitlines()) <= 1
    assert len(clean_line(raw, limit=limit)) <= limit


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("ConnectionError('away')", "away"),
        (
            "Unexpected error while sending: RuntimeError('our own mistake')",
            "Unexpected error while sending: our own mistake",
        ),
        ("It broke: ConnectionRefusedError(111, 'Connection refused')", "It broke: Connection refused"),
        ("gaierror(-2, 'Name or service not known')", "Name or service not known"),
        ("SMTPConnectError(421, b'busy')", "busy"),
        ("Refused: {'a@b.c': (550, b'5.1.1 no such user')}", "Refused: 550 5.1.1 no such user"),
        (
            "RateLimitError(\"429 - {'error': {'message': 'No quota.', 'code': 'x'}}\")",
            "429 - No quota.",
        ),
        ("TimeoutError()", "timeout"),
        ("MaxTurnsExceeded()", "max turns exceeded"),
        ("The mail server answered 552.", "The mail server answered 552."),
        ("Two\nlines\x00", "Two lines"),
        ("", ""),
    ],
)
def test_an_error_is_told_without_the_way_in_which_python_writes_it(error: str, words: str) -> None:
    assert plain_error(error) == words


def test_a_long_and_hostile_error_is_told_soon() -> None:
    assert plain_error("f('" * 1300 + "{'a': (550, b'" * 300)
