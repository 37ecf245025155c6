"""The words around an answer: nothing that a stranger typed becomes a link or somebody else's name."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from agent_runner.frame import Frame, framed, framed_fixed
from agent_runner.history import Earlier, earlier_contact
from agent_runner.worker import answer
from fte_project.markup import links, to_html
from knowledge.search import Hit
from tests.factories import write
from tickets.models import Conversation, Message, Trust
from tickets.phrases import LANGUAGES
from tickets.replies import reply

HIT = Hit(
    chunk_id=1,
    article_id=1,
    slug="reset",
    title="Reset your password",
    url="/help/reset",
    section="",
    passage="Choose Forgot password?.",
    summary="How to reset it.",
    revision=1,
    similarity=0.9,
    nearness=0.9,
    words=0.9,
    evidence=0.0,
    score=0.9,
    confidence=0.9,
)
MAIL = Frame(channel="email", customer_name="Marianne Holt", reference="T-1042", signature="Tidewater\n+44 20")
FORM, CHAT = replace(MAIL, channel="web_form", signature=""), replace(MAIL, channel="whatsapp", signature="")


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Ann Lee", "Hello Ann,"),
        ("Jean-Luc", "Hello Jean-Luc,"),
        ("O'Neil Kim", "Hello O'Neil,"),
        ("Łukasz", "Hello Łukasz,"),
        ("", "Hello,"),
        ("[Click](https://evil.example) Bob", "Hello,"),
        ("evil.example/login", "Hello,"),
        ("**Bob**", "Hello,"),
        ("www.evil.example", "Hello,"),
    ],
)
def test_the_greeting_is_a_name_or_nothing(name: str, greeting: str) -> None:
    text = framed("The answer.", [], Frame(channel="web_form", customer_name=name))
    assert text.split("\n")[0] == greeting
    assert links(text) == []


def test_who_types_an_address_neither_reads_nor_sets_the_name_that_belongs_to_it(
    client: Client, articles: None
) -> None:
    write(name="Victoria Secretname")
    stranger = write(name="Xaver Other").ticket
    async_to_sync(answer)(stranger.conversation_id)
    text = stranger.messages.get(direction="outbound").body
    assert "Victoria" not in text
    assert text.startswith("Hello Xaver,")


def test_addresses_that_only_look_relative_are_no_links() -> None:
    assert "href" not in to_html("[Settings](//evil.example/x)")
    assert 'href="//' not in to_html("[b](/\\evil.example)")
    assert 'href="/help/a"' in to_html("[Help](/help/a)")


def test_a_mail_is_a_letter_with_its_sources_the_reference_and_a_signature(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "https://desk.example"
    assert framed("Choose it.", [HIT, HIT], MAIL) == (
        "Hello Marianne,\n\nChoose it.\n\nFrom our help articles:\n\n"
        "- [Reset your password](https://desk.example/help/reset)\n\n"
        'This answer was written by our AI assistant from our help articles. Reply "human" to reach a person. '
        "Your reference is T-1042.\n\nTidewater\n+44 20"
    )


def test_the_form_leaves_the_reference_to_its_page() -> None:
    text = framed("Choose it.", [HIT], FORM)
    assert "T-1042" not in text
    assert text.endswith("\n\nTidewater Support")


def test_a_chat_gets_the_words_one_line_of_links_and_one_about_the_ai(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "https://desk.example"
    other = replace(HIT, title="Sign in", url="/help/sign-in")
    assert framed("Choose it.", [HIT, other], CHAT).split("\n\n") == [
        "Hi Marianne!",
        "Choose it.",
        "More: [Reset your password](https://desk.example/help/reset) · [Sign in](https://desk.example/help/sign-in)",
        'Written by our AI assistant. Reply "HUMAN" to reach a person.',
    ]
    assert framed("Choose it.", [HIT], replace(CHAT, earlier=Earlier.MIDST)).startswith("Choose it.")


def test_what_stands_around_a_chat_answer_leaves_room_for_words() -> None:
    """300 characters are a good length there; the link is none of them on the customer's screen."""
    assert all(len(framed("", [], replace(CHAT, language=code))) < 150 for code in LANGUAGES)


@pytest.mark.parametrize("frame", [MAIL, FORM, CHAT])
@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_everything_around_an_answer_is_in_its_language(frame: Frame, language: str) -> None:
    for earlier in Earlier:
        text = framed("…", [HIT], replace(frame, language=language, earlier=earlier))
        for english in ("Hello", "Hi ", "Thank you", "Good to", "From our", "More:", "written by", "reach a person"):
            assert english not in text


def test_an_earlier_contact_is_acknowledged_in_an_answer_and_not_in_a_fixed_text() -> None:
    again, known = "Thank you for writing again.", "Good to hear from you again."
    for frame in (MAIL, FORM, CHAT):
        assert again in framed("…", [HIT], replace(frame, earlier=Earlier.HERE))
        assert known in framed("…", [HIT], replace(frame, earlier=Earlier.ELSEWHERE))
        assert again not in framed("…", [HIT], frame)
        assert again not in framed_fixed("…", replace(frame, earlier=Earlier.HERE))


def test_a_contact_is_acknowledged_once_in_an_exchange_and_again_after_a_day(db: None, sam: User) -> None:
    ticket = write().ticket
    here = ticket.conversation_id
    assert earlier_contact(here) == Earlier.NONE
    reply(ticket, body="Which one?", kind=Message.Kind.QUESTION)
    assert earlier_contact(here) == Earlier.NONE
    reply(ticket, body="The answer.", kind=Message.Kind.ANSWER)
    assert earlier_contact(here) == Earlier.HERE
    second = reply(ticket, body="Thank you for writing again. …", kind=Message.Kind.ANSWER)
    assert earlier_contact(here) == Earlier.MIDST
    Message.objects.filter(pk=second.pk).update(created_at=Now() - timedelta(days=2))
    assert earlier_contact(here) == Earlier.HERE


def test_only_a_verified_customer_is_known_from_elsewhere(db: None) -> None:
    write()
    here = write().ticket.conversation
    assert earlier_contact(here.pk) == Earlier.NONE
    Conversation.objects.filter(pk=here.pk).update(trust=Trust.CHANNEL_VERIFIED)
    assert earlier_contact(here.pk) == Earlier.NONE, "whoever wrote the other one may be somebody else"
    Conversation.objects.update(trust=Trust.CHANNEL_VERIFIED)
    assert earlier_contact(here.pk) == Earlier.ELSEWHERE


def test_a_second_answer_thanks_for_writing_again(articles: None) -> None:
    ticket = write().ticket
    reply(ticket, body="An earlier answer.", kind=Message.Kind.ANSWER)
    Message.objects.filter(ticket=ticket, direction="inbound").update(answered_by=None)
    Conversation.objects.update(work_due_at=Now())
    async_to_sync(answer)(ticket.conversation_id)
    assert "Hello Ann,\n\nThank you for writing again.\n\n" in ticket.messages.filter(kind="answer").last().body
