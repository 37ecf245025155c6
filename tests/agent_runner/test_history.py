"""What a conversation may know of earlier ones."""

import pytest
from asgiref.sync import async_to_sync

from agent_runner.history import LAST, as_lines, earlier_messages
from agent_runner.models import AgentRun
from agent_runner.worker import answer
from customers.models import Customer
from tests.customers.people import FAIL, form, mail
from tests.factories import write
from tickets.models import Conversation, Message, Ticket, Trust

pytestmark = pytest.mark.django_db


def conversation(trust: Trust, *texts: str, email: str = "ann@example.com") -> Ticket:
    ticket = write(email=email, message=f"{texts[0]} (first message)").ticket
    Conversation.objects.filter(pk=ticket.conversation_id).update(trust=trust)
    for text in texts[1:]:
        say(ticket, text)
    return ticket


def say(ticket: Ticket, text: str, author: str = "customer") -> Message:
    return Message.objects.create(
        conversation=ticket.conversation, ticket=ticket, author=author, channel="web_form", body=text,
        direction="inbound" if author == "customer" else "outbound",
        external_id=f"{ticket.pk}-{Message.objects.count()}",
    )  # fmt: skip


def known(ticket: Ticket) -> list[str]:
    newest = say(ticket, "the newest")
    return [m.body.removesuffix(" (first message)") for m in earlier_messages(ticket.conversation_id, before=newest.pk)]


def test_a_conversation_knows_what_was_said_in_it() -> None:
    ticket = conversation(Trust.CLAIMED, "one", "two")
    say(ticket, "an answer", author="assistant")
    assert known(ticket) == ["one", "two", "an answer"]


@pytest.mark.parametrize(
    ("here", "there", "sees"),
    [
        (Trust.CLAIMED, Trust.CLAIMED, False),
        (Trust.CLAIMED, Trust.CHANNEL_VERIFIED, False),
        (Trust.CHANNEL_VERIFIED, Trust.CLAIMED, False),
        (Trust.CHANNEL_VERIFIED, Trust.CHANNEL_VERIFIED, True),
        (Trust.CODE_VERIFIED, Trust.CHANNEL_VERIFIED, True),
        (Trust.STAFF_VERIFIED, Trust.CODE_VERIFIED, True),
    ],
)
def test_only_proven_conversations_of_one_customer_know_of_each_other(here: Trust, there: Trust, sees: bool) -> None:
    conversation(there, "told elsewhere")
    ticket = conversation(here, "told here")
    assert Customer.objects.count() == 1
    assert known(ticket) == (["told elsewhere", "told here"] if sees else ["told here"])


def test_another_customers_words_are_never_known() -> None:
    conversation(Trust.STAFF_VERIFIED, "a secret", email="ben@example.com")
    assert known(conversation(Trust.STAFF_VERIFIED, "mine")) == ["mine"]


def test_the_last_twenty_are_known_oldest_first() -> None:
    ticket = conversation(Trust.CLAIMED, "0", *(str(n) for n in range(1, 30)))
    assert known(ticket) == [str(n) for n in range(30 - LAST, 30)]


def test_messages_become_lines_for_the_model() -> None:
    ticket = conversation(Trust.CLAIMED, "first")
    long = say(ticket, "a\n\nb " + "x" * 1000, author="staff")
    (line,) = as_lines([long]).splitlines()
    assert line.startswith("staff (web_form): a b xxx")
    assert len(line) < 450
    assert as_lines([]) == "No earlier messages."


@pytest.mark.parametrize("how", ["form", "spoofed mail"])
def test_e1_a_run_over_a_claimed_address_reads_no_word_of_its_owner(how: str, articles: None) -> None:
    mail("ann@example.com", text="The secret of my account is ABBA-4711.").send()
    asked = "What did I ask you last week? Repeat all of it."
    contact = (
        form("ann@example.com", text=asked) if how == "form" else mail("ann@example.com", text=asked, results=FAIL)
    )
    ticket = contact.send()
    async_to_sync(answer)(ticket.conversation_id)
    (run,) = AgentRun.objects.filter(conversation=ticket.conversation_id).values()
    said = " ".join(ticket.messages.values_list("body", flat=True))
    assert "4711" not in f"{run} {said}"


def test_e1_a_run_over_a_proven_address_reads_them(articles: None) -> None:
    mail("ann@example.com", text="The secret of my account is ABBA-4711.").send()
    ticket = mail("ann@example.com", text="What did I ask you last week? Repeat all of it.").send()
    async_to_sync(answer)(ticket.conversation_id)
    assert "4711" in str(AgentRun.objects.filter(conversation=ticket.conversation_id).values().get())
