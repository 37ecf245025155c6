"""The same thing for several systems: the customer is asked which, once, and then answered."""

import pytest
from asgiref.sync import async_to_sync

from agent_runner.models import AgentRun
from agent_runner.worker import answer
from channels_app.web_form.parsing import FollowUpIn, follow_up
from knowledge.indexing import index_waiting
from knowledge.models import Article
from tests.factories import fresh, write
from tickets.intake import receive
from tickets.lifecycle import Status
from tickets.models import Ticket

BODY = """\
How the desktop app of Tidewater gets onto your computer.

## Install the desktop app on Windows

1. Download the installer for the desktop app and open it.
2. Choose **Install for me only**.
3. Start the desktop app from the Start menu.

## Install the desktop app on macOS

1. Download the disk image of the desktop app and open it.
2. Drag the icon to **Applications**.
3. Start the desktop app from Launchpad.
"""
QUESTION = {"subject": "Install the desktop app", "message": "How do I install the desktop app on my computer?"}


@pytest.fixture
def article(articles: None) -> None:
    Article.objects.create(
        slug="desktop-app",
        title="Install the desktop app",
        summary="How to install the desktop app.",
        status=Article.Status.PUBLISHED,
        body_md=BODY,
    )
    index_waiting()


def run(ticket: Ticket) -> str:
    async_to_sync(answer)(ticket.conversation_id)
    return ticket.messages.filter(direction="outbound").latest("id").body


def says(ticket: Ticket, text: str) -> str:
    receive(follow_up(FollowUpIn(message=text), ticket, key=text), about=ticket)
    return run(ticket)


def kinds(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").order_by("id").values_list("kind", flat=True))


@pytest.mark.usefixtures("article")
def test_who_does_not_say_which_system_is_asked_once_and_then_gets_the_steps_for_it() -> None:
    ticket = write(**QUESTION).ticket
    assert "Which of these is yours: Windows / macOS?" in run(ticket)
    assert fresh(ticket).status == Status.PENDING
    assert AgentRun.objects.get().findings == ["asks which: Windows, macOS"]
    text = says(ticket, "macOS")
    assert kinds(ticket) == ["question", "answer"]
    assert "Launchpad" in text
    assert "Start menu" not in text


@pytest.mark.usefixtures("article")
def test_who_has_said_it_is_not_asked() -> None:
    ticket = write(subject=QUESTION["subject"], message="How do I install the desktop app on my Mac?").ticket
    assert "Launchpad" in run(ticket)
    assert kinds(ticket) == ["answer"]


@pytest.mark.usefixtures("article")
def test_nobody_is_asked_twice() -> None:
    ticket = write(**QUESTION).ticket
    run(ticket)
    says(ticket, "On my computer, the one in the office. How do I install the desktop app there?")
    assert kinds(ticket)[0] == "question"
    assert kinds(ticket)[1] != "question"
