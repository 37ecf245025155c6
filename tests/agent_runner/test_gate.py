"""The gate as a table: what of a draft may reach a customer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runner.context import Draft
from agent_runner.gate import MODEL_SURE_FROM, NEGATIVE_BELOW, Kind, Limits, Verdict, judge
from tests.agent_runner.hits import hit
from tickets.reasons import Reason

PASSWORD = """\
1. On the sign-in page, choose **Forgot password?**
2. Enter the e-mail address of your account and choose **Send link**.
3. Open the mail and follow the link. It is valid for 60 minutes and works only once.

You can ask for a link at most 3 times an hour. See https://status.example.net/mail for delays."""
GUESTS = """\
Guests cannot create projects. A Starter workspace can have 10 active projects; archived ones do not count. \
The export costs $5 per workspace. We refund unused months within 14 days."""


HITS = {
    "h1": hit(
        url="/help/reset-your-password", title="Reset your password", section="Reset your password", passage=PASSWORD
    ),
    "h2": hit(article_id=2, slug="create-a-project", title="Create a project", section="", passage=GUESTS),
}
LIMITS = Limits(max_words=60, link_hosts=frozenset({"desk.example.com"}))
GOOD = Draft(
    message="Choose Forgot password on the sign-in page.",
    citations=("h1",),
    sentiment=0.5,
    confidence=0.9,
    language="en",
)


def verdict(**changes: object) -> Verdict:
    return judge(replace(GOOD, **changes), HITS, LIMITS)  # type: ignore[arg-type]


ANSWERS = {
    "word for word": PASSWORD,
    "one sentence of it": "Enter the e-mail address of your account and choose **Send link**.",
    "a paraphrase": "On the sign-in page choose Forgot password, then enter the e-mail address of your account.",
    "in steps": "1. Choose **Forgot password?** on the sign-in page.\n2. Enter your e-mail address.",
    "the same number": "Follow the link in the mail, which is valid for 60 minutes.",
    "with small talk": "Here you are! Choose Forgot password on the sign-in page.",
    "a link to ourselves": "Choose Forgot password on the sign-in page: https://desk.example.com/help/reset-your-password",
    "a link of the article": "You can ask 3 times an hour. See https://status.example.net/mail for delays.",
    "the title's words": "To reset your password, choose Forgot password on the sign-in page.",
    "capitals": "CHOOSE FORGOT PASSWORD ON THE SIGN-IN PAGE.",
    "white space": "  Enter the e-mail address\n of your account  and choose **Send link**. ",
}


@pytest.mark.xfail(strict=True, reason="the networks do not carry over what is said of “it” in the next sentence")
def test_what_the_article_says_of_it_is_said_of_the_thing() -> None:
    assert verdict(message="The link is valid for 60 minutes.").kind == Kind.ANSWER


@pytest.mark.parametrize("message", ANSWERS.values(), ids=ANSWERS.keys())
def test_what_an_article_says_is_answered(message: str) -> None:
    assert verdict(message=message) == Verdict(kind=Kind.ANSWER)


@pytest.mark.parametrize(
    "message",
    [
        "Guests cannot create projects.",
        "Projects cannot be created by guests, who create none.",
        "A Starter workspace can have 10 active projects.",
        "Guests cannot create projects, but a Starter workspace can have 10 active projects.",
        "The export costs $5 per workspace.",
        "We refund unused months within 14 days.",
    ],
)
def test_a_denial_and_even_a_price_may_be_said_when_the_article_says_it(message: str) -> None:
    assert verdict(message=message, citations=("h2",)).kind == Kind.ANSWER


# What is wrong with it, the draft, a word of the finding.
DOUBTS = [
    ("a changed number", "The link is valid for 90 minutes.", "not in the cited"),
    ("another changed number", "You can ask for a link at most 5 times an hour.", "not in the cited"),
    ("an added number", "The link is valid for 60 minutes and works only once in 24 hours.", "not in the cited"),
    ("an added negation", "The link does not work on the sign-in page of your account.", "not in the cited"),
    ("never for once", "Never enter the e-mail address of your account.", "not in the cited"),
    ("another name", "Open Outlook preferences and press Synchronise folders.", "not in the cited"),
    ("an added step", "Choose Forgot password. Then restart the router and clear browser cookies.", "not in the cited"),
    ("one good sentence of two", f"{GOOD.message} Our servers stand in Iceland near volcanoes.", "Iceland"),
    ("a second line", f"{GOOD.message}\nBring printed identification papers to headquarters.", "identification"),
    ("knowledge of the model", "Passwords need eight characters, including uppercase symbols.", "not in the cited"),
    (
        "from another article",
        "Archived projects do not count towards the limit of active projects.",
        "not in the cited",
    ),
]


@pytest.mark.parametrize(("message", "finding"), [d[1:] for d in DOUBTS], ids=[d[0] for d in DOUBTS])
def test_what_no_passage_carries_is_a_draft_for_staff(message: str, finding: str) -> None:
    found = verdict(message=message)
    assert (found.kind, found.reason) == (Kind.DRAFT, Reason.LOW_CONFIDENCE)
    assert finding in "; ".join(found.findings)


# A sentence that the passage carries word for word except for the one thing that turns it round.
TURNED_ROUND = [
    ("Guests can create projects.", ("h2",)),
    ("Archived ones count.", ("h2",)),
    ("A Starter workspace cannot have 10 active projects.", ("h2",)),
    ("The link is not valid for 60 minutes.", ("h1",)),
]


@pytest.mark.parametrize(("message", "citations"), TURNED_ROUND)
def test_a_sentence_that_is_turned_round_is_not_answered(message: str, citations: tuple[str, ...]) -> None:
    assert verdict(message=message, citations=citations).kind == Kind.DRAFT


FORBIDDEN = [
    ("a price", "It costs $12.", "a price: $1"),
    ("a price in words", "That is 30 euros.", "a price"),
    ("another price than the article's", "The export costs $7 per workspace.", "a price"),
    ("a discount", "Enter the e-mail address and you get a discount.", "discount"),
    ("a promise", "We will call you tomorrow about the link.", "We will call"),
    ("a promise, shorter", "I'll open the mail for you.", "I'll open"),
    ("a false deed", "I have reset your password.", "I have reset"),
    ("a false deed of us", "We've deleted your account.", "We've deleted"),
    ("a guarantee", "This is guaranteed to work only once.", "guaranteed"),
    ("a refund", "You get a refund for the link.", "refund"),
    ("law", "Ask a lawyer to open the mail.", "lawyer"),
    ("a foreign link", "Choose Forgot password on https://evil.example/reset.", "a link to evil.example"),
    ("a foreign link in Markdown", "Choose [Forgot password](http://evil.example/?q=1).", "evil.example"),
    ("a bare foreign link", "Open www.evil.example and follow the link.", "an address"),
    ("a host that only begins like ours", "Open https://desk.example.com.evil.example/ and follow.", "evil.example"),
    ("our host as a user name", "Open https://desk.example.com@evil.example/ and follow.", "evil.example"),
    ("our host in the query", "Open https://evil.example/?desk.example.com and follow.", "evil.example"),
    ("a part of the article's link", "See https://status.example.net/mail/other for delays.", "status.example.net"),
]


@pytest.mark.parametrize(("message", "finding"), [f[1:] for f in FORBIDDEN], ids=[f[0] for f in FORBIDDEN])
def test_what_must_never_be_said_is_a_draft_with_the_reason_policy(message: str, finding: str) -> None:
    found = verdict(message=message, citations=("h1", "h2") if "export" in message else ("h1",))
    assert (found.kind, found.reason) == (Kind.DRAFT, Reason.POLICY)
    assert finding.lower() in "; ".join(found.findings).lower()


@pytest.mark.parametrize(("confidence", "is_sure"), [(1.0, True), (0.7, True), (0.69, False), (0.0, False)])
@pytest.mark.parametrize("may_suggest", [True, False])
def test_confidence_decides_between_answer_suggestion_and_people(
    confidence: float, is_sure: bool, may_suggest: bool
) -> None:
    limits = replace(LIMITS, answer_from=0.7, may_suggest=may_suggest)
    found = judge(replace(GOOD, confidence=confidence), HITS, limits)
    assert found.kind == (Kind.ANSWER if is_sure else Kind.SUGGEST if may_suggest else Kind.HAND_OVER)
    assert (found.reason is None) == is_sure
    assert bool(found.findings) != is_sure


def test_without_limits_of_the_search_a_model_must_be_sure_itself() -> None:
    assert verdict(confidence=MODEL_SURE_FROM).kind == Kind.ANSWER
    assert verdict(confidence=MODEL_SURE_FROM - 0.01).kind == Kind.SUGGEST


@pytest.mark.parametrize(
    ("limits", "finding"),
    [
        (replace(LIMITS, is_clear=False), "not near enough"),
        (replace(LIMITS, max_words=6), "longer than 6 words"),
        (replace(LIMITS, question="On my Mac?"), "it speaks of Windows, the customer of macOS"),
    ],
)
def test_what_is_right_but_perhaps_not_for_this_customer_is_only_suggested(limits: Limits, finding: str) -> None:
    steps = f"{PASSWORD}\n\nOn Windows, press Alt."
    hits = {"h1": replace(HITS["h1"], passage=steps)}
    found = judge(GOOD, hits, limits)
    assert (found.kind, found.reason) == (Kind.SUGGEST, Reason.LOW_CONFIDENCE)
    assert finding in "; ".join(found.findings)


def test_a_section_that_is_not_quoted_whole_is_only_suggested() -> None:
    found = judge(GOOD, {"h1": replace(HITS["h1"], is_whole=False)}, LIMITS)
    assert found.kind == Kind.SUGGEST
    assert "too long" in found.findings[0]


@pytest.mark.parametrize("confidence", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("message", ["I have reset your password.", "Our servers stand in Iceland near volcanoes."])
def test_confidence_excuses_nothing(confidence: float, message: str) -> None:
    assert verdict(message=message, confidence=confidence).kind == Kind.DRAFT


@pytest.mark.parametrize("message", [GOOD.message, "I have reset your password.", ""])
def test_a_very_unhappy_customer_gets_a_person_whatever_the_draft_says(message: str) -> None:
    found = verdict(message=message, sentiment=NEGATIVE_BELOW - 0.01)
    assert (found.kind, found.reason) == (Kind.HAND_OVER, Reason.NEGATIVE_SENTIMENT)
    assert verdict(sentiment=NEGATIVE_BELOW).kind == Kind.ANSWER


@pytest.mark.parametrize(
    "changes",
    [{"citations": ()}, {"citations": ("h9",)}, {"citations": ("", "1", "H1")}, {"message": ""}, {"message": " \n "}],
)
def test_without_words_or_a_source_people_answer(changes: dict[str, object]) -> None:
    found = verdict(**changes)
    assert (found.kind, found.reason) == (Kind.HAND_OVER, Reason.MISSING_KNOWLEDGE)


def test_an_invented_citation_beside_a_real_one_is_a_doubt() -> None:
    found = verdict(citations=("h1", "h9"))
    assert (found.kind, found.reason) == (Kind.DRAFT, Reason.LOW_CONFIDENCE)
    assert "not found" in found.findings[0]


@pytest.mark.parametrize("language", ["de", "", "xx", "fr-FR"])
def test_a_language_the_articles_are_not_written_in_is_a_doubt(language: str) -> None:
    assert verdict(language=language).kind == Kind.DRAFT


@pytest.mark.parametrize("language", ["en", "EN", "en-US"])
def test_our_language_in_any_spelling_is_fine(language: str) -> None:
    assert verdict(language=language).kind == Kind.ANSWER


def test_each_sentence_needs_one_passage_that_carries_it_whole() -> None:
    both = "Choose Forgot password on the sign-in page. Guests cannot create projects."
    assert verdict(message=both, citations=("h1", "h2")).kind == Kind.ANSWER
    mixed = "Guests choose Forgot password and create archived Starter projects within 60 minutes."
    assert verdict(message=mixed, citations=("h1", "h2")).kind == Kind.DRAFT


@given(st.text(), st.floats(0, 1), st.floats(0, 1), st.lists(st.sampled_from(["h1", "h2", "h3", ""]), max_size=3))
def test_any_draft_has_a_verdict_with_a_reason(
    message: str, sentiment: float, confidence: float, citations: list[str]
) -> None:
    found = verdict(message=message, sentiment=sentiment, confidence=confidence, citations=tuple(citations))
    assert (found.reason is None) == (found.kind == Kind.ANSWER)
    assert found.kind == Kind.ANSWER or all(found.findings)


@pytest.mark.parametrize(
    "link", ["Open evil-login.com, choose Security.", "[Settings](//evil.example/x)", "[a](https://evil.example)"]
)
def test_the_gate_sees_every_link_that_the_page_would_make(link: str) -> None:
    found = verdict(message=link)
    assert (found.kind, found.reason) == (Kind.DRAFT, Reason.POLICY)
    assert any("a link to" in finding for finding in found.findings)


def test_what_was_found_by_words_alone_is_only_a_draft() -> None:
    assert judge(GOOD, HITS, LIMITS).kind == Kind.ANSWER
    assert judge(GOOD, HITS, replace(LIMITS, is_certain=False)).kind == Kind.DRAFT


def test_a_model_that_nobody_calibrated_only_drafts_and_says_what_to_do() -> None:
    found = judge(GOOD, HITS, replace(LIMITS, is_calibrated=False))
    assert found.kind == Kind.DRAFT
    assert "manage.py calibrate" in found.findings[0]
