"""Steps for another system, provider or version only look right."""

import pytest

from agent_runner.agreement import conflicts, facet_of
from tests.agent_runner.hits import hit


@pytest.mark.parametrize(
    ("question", "changes"),
    [
        ("How do I add an account on my Mac?", {"section": "T › Windows"}),
        ("How do I add an account?", {"title": "Install it on Linux"}),
        ("I use macOS 14, where is the menu?", {"passage": "On Windows, press Alt."}),
        ("My Gmail password is refused.", {"title": "Yahoo and the app"}),
        ("Yahoo mail does not arrive.", {"passage": "Ask Google for an app password."}),
        ("It does not start since version 128.", {"title": "News of version 115"}),
        ("The app on my desktop is slow.", {"title": "Clean up Thunderbird 102"}),
        ("In Safari the page stays white.", {"passage": "In Firefox, empty the cache."}),
    ],
)
def test_what_is_for_another_one_is_found(question: str, changes: dict[str, str]) -> None:
    assert conflicts(question, hit(**changes))


@pytest.mark.parametrize(
    ("question", "changes"),
    [
        ("How do I add an account?", {"section": "T › Add an account"}),
        ("How do I add an account on Windows 10?", {"section": "T › Windows"}),
        ("I use a Mac and Windows.", {"passage": "On Windows, press Alt."}),
        ("On my phone nothing happens.", {"title": "The Android app"}),
        ("It happens on my Windows laptop.", {"passage": "Choose **Settings**."}),
        ("My mail comes from Gmail.", {"passage": "Check the account in **Settings**."}),
        ("We get status 401.", {"title": "Status 401"}),
        ("Our calls fail.", {"title": "Error 429"}),
        ("Gmail asks for a password. What now?", {"passage": "For Gmail, choose OAuth2."}),
        ("since 115.4.1 it is slow", {"title": "News of version 115"}),
        ("I made a macro, it is fine.", {"passage": "Choose **Settings**."}),
        ("We have 115 members.", {"passage": "A workspace has at most 500 members."}),
    ],
)
def test_what_fits_or_says_nothing_of_it_is_left_alone(question: str, changes: dict[str, str]) -> None:
    assert conflicts(question, hit(**changes)) == []


def test_the_finding_says_what_does_not_fit() -> None:
    (found,) = conflicts("How do I do it on my Mac?", hit(section="T › Windows"))
    assert found == "it is about Windows, which the customer does not mention"


SECTIONS = ["T", "T › Install", "T › Install › Windows", "T › Install › macOS", "T › Install › Linux", "T › Roles"]


@pytest.mark.parametrize(
    ("section", "asked", "choices"),
    [
        ("T › Install › Windows", "How do I install it?", ("Linux", "Windows", "macOS")),
        ("T › Install › Windows", "How do I install it on my Mac?", ()),
        ("T › Install › Windows", "How do I install it on my phone?", ()),
        ("T › Install", "How do I install it?", ()),
        ("T", "How do I install it?", ()),
        ("T › Roles", "How do I install it?", ()),
    ],
)
def test_what_tells_a_section_from_its_neighbours_is_asked_when_it_is_open(
    section: str, asked: str, choices: tuple[str, ...]
) -> None:
    assert facet_of(SECTIONS, section, asked) == choices


def test_a_section_without_neighbours_for_others_is_for_everybody() -> None:
    assert facet_of(["T › Windows", "T › Other things"], "T › Windows", "How?") == ()
    assert facet_of(["T › A › Windows", "T › B › macOS"], "T › A › Windows", "How?") == ()
    assert facet_of(["T › Windows and macOS", "T › Linux"], "T › Windows and macOS", "How?") == ()


def test_kinds_of_accounts_and_roles_are_asked_for_as_well() -> None:
    assert facet_of(["T › For owners", "T › For guests"], "T › For owners", "How do I leave?") == ("guest", "owner")
    assert facet_of(["T › IMAP", "T › POP"], "T › POP", "Where is my mail?") == ("IMAP", "POP")
