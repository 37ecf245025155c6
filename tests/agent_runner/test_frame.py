"""The words around an answer: nothing that a stranger typed becomes a link or somebody else's name."""

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from agent_runner.frame import Frame, framed
from agent_runner.worker import answer
from fte_project.markup import links, to_html
from tests.factories import write


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
