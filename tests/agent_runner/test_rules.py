"""What needs no search, through the worker: other languages, thanks, messages that say nothing, files without words."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.db.models import F

from agent_runner.context import RunContext
from agent_runner.models import AgentRun
from agent_runner.worker import answer
from channels_app.web_form.parsing import FollowUpIn, follow_up
from tests.factories import fresh, write, write_by_mail
from tickets.intake import receive
from tickets.lifecycle import Handler, Status
from tickets.models import Attachment, Conversation, Message, Ticket
from tickets.phrases import CLOSING, GREETING_BY_NAME, QUESTION
from tickets.replies import reply
from tickets.work import claim, retry

pytestmark = pytest.mark.django_db
GERMAN = {"subject": "Frage zu Gästen", "message": "Guten Tag, wie viele Gäste dürfen wir einladen?"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RunContext]:
    """Every run that reached the assistant: none of these should."""
    found: list[RunContext] = []

    async def note(context: RunContext, model: Any = None) -> Any:
        found.append(context)
        raise AssertionError("a model was asked")

    monkeypatch.setattr("agent_runner.worker.assist", note)
    return found


def run(ticket: Ticket) -> None:
    Conversation.objects.filter(pk=ticket.conversation_id, work_due_at__isnull=False).update(
        work_due_at=F("work_due_at") - timedelta(minutes=1)
    )
    async_to_sync(answer)(ticket.conversation_id)


def another(ticket: Ticket, text: str) -> Message:
    return receive(follow_up(FollowUpIn(message=text), ticket, key=text), about=ticket).message


def answered_ticket(**changes: Any) -> Ticket:
    ticket = write(**changes).ticket
    reply(ticket, body="Choose **Forgot password**.", kind=Message.Kind.ANSWER)
    return ticket


def said(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(direction="outbound").values_list("kind", flat=True))


def last(ticket: Ticket) -> str:
    return str(ticket.messages.filter(direction="outbound").last().body)


# --- Other languages -----------------------------------------------------------------------------------------------


def test_a_german_message_goes_to_people_with_a_german_text(asked: list[RunContext]) -> None:
    ticket = write(**GERMAN).ticket
    run(ticket)
    escalation = ticket.escalations.get()
    assert (escalation.reason, said(ticket)) == ("missing_knowledge", ["hand_over"])
    assert escalation.detail == "written in German; the articles are in English"
    assert ticket.messages.get(direction="inbound").language == "de"
    assert last(ticket).startswith("Vielen Dank für Ihre Nachricht.")
    assert asked == []


def test_an_english_message_is_known_as_such_and_a_model_is_asked(asked: list[RunContext]) -> None:
    ticket = write().ticket
    run(ticket)
    assert ticket.messages.get(direction="inbound").language == "en"
    assert [context.language for context in asked] == ["en"]


def test_with_a_key_the_model_reads_other_languages(asked: list[RunContext], settings: Any) -> None:
    settings.OPENAI_API_KEY = "sk-test"
    run(write(**GERMAN).ticket)
    settings.OPENAI_API_KEY = ""
    assert [context.language for context in asked] == ["de"]


def test_a_run_that_fails_for_good_says_so_in_the_customers_language(settings: Any) -> None:
    settings.MAX_ATTEMPTS = 1
    ticket = write(**GERMAN).ticket
    work = claim(ticket.conversation_id)
    assert work is not None
    Message.objects.filter(ticket=ticket).update(language="de")
    retry(work, "away")
    assert last(ticket).startswith("Vielen Dank für Ihre Nachricht.")


@pytest.mark.parametrize(("of_customer", "begins"), [("fr", "Merci pour"), ("", "Thank you")])
def test_where_no_message_tells_the_language_what_is_known_of_the_customer_does(of_customer: str, begins: str) -> None:
    ticket = write(subject="42424", message="4711 4712 4713", name="Ann Lee").ticket
    customer = ticket.conversation.customer
    customer.language = of_customer
    customer.save()
    reply(ticket, body="?", kind=Message.Kind.QUESTION)
    another(ticket, "???")
    run(ticket)
    assert said(ticket) == ["question", "hand_over"]
    assert last(ticket).startswith(begins)


def test_what_was_written_last_decides_the_language() -> None:
    ticket = write().ticket
    reply(ticket, body="Choose **Forgot password**.", kind=Message.Kind.ANSWER)
    another(ticket, "vale gracias, y cómo archivo un proyecto?")
    run(ticket)
    assert last(ticket).startswith("Gracias por su mensaje.")


# --- Thanks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [("thanks, that did it", "en"), ("👍", "en"), ("danke, hat geklappt", "de"), ("Merci, c'est réglé.", "fr")],
)
def test_thanks_get_a_short_word_back_and_no_search(text: str, language: str, asked: list[RunContext]) -> None:
    ticket = answered_ticket()
    another(ticket, text)
    run(ticket)
    assert said(ticket) == ["answer", "closing"]
    assert CLOSING[language] in last(ticket)
    assert last(ticket).startswith(GREETING_BY_NAME[language].format(name="Ann"))
    assert ticket.messages.filter(direction="inbound").last().language == language
    assert (fresh(ticket).status, fresh(ticket).handler) == (Status.PENDING, Handler.ASSISTANT)
    assert not ticket.messages.filter(direction="inbound", answered_by=None).exists()
    record = AgentRun.objects.get()
    assert (record.outcome, record.verdict, record.model_calls) == ("stored", "answer", 0)
    assert asked == []


def test_thanks_with_a_question_are_a_question(asked: list[RunContext]) -> None:
    ticket = answered_ticket()
    another(ticket, "Works nicely, thank you! How do I change my e-mail address?")
    run(ticket)
    assert len(asked) == 1
    assert said(ticket) == ["answer"]


def test_machines_that_thank_each_other_end_with_a_person(asked: list[RunContext], settings: Any) -> None:
    ticket = answered_ticket()
    for n in range(settings.ANSWERS_PER_HOUR + 2):
        another(ticket, "Thank you!" + " " * n + "🙏" * n)
        run(ticket)
    assert said(ticket)[-1] == "hand_over"
    assert said(ticket).count("closing") < settings.ANSWERS_PER_HOUR


# --- Nothing to go by ----------------------------------------------------------------------------------------------


def test_a_message_that_says_nothing_gets_one_question_and_then_a_person(asked: list[RunContext]) -> None:
    ticket = write(subject="Problem", message="It does not work").ticket
    run(ticket)
    assert said(ticket) == ["question"]
    assert QUESTION["en"] in last(ticket)
    assert fresh(ticket).status == Status.PENDING
    another(ticket, "help!!!")
    run(ticket)
    assert said(ticket) == ["question", "hand_over"]
    assert ticket.escalations.get().detail == "too vague, also after a question"
    assert asked == []


def test_who_explains_after_the_question_is_answered(asked: list[RunContext]) -> None:
    ticket = write(subject="Problem", message="It does not work").ticket
    run(ticket)
    another(ticket, "I forgot my password and cannot sign in.")
    run(ticket)
    assert [context.question for context in asked] == ["I forgot my password and cannot sign in."]


def test_a_subject_that_says_it_all_needs_no_question(asked: list[RunContext]) -> None:
    run(write(subject="How do I export a project?", message="Please help me.").ticket)
    assert len(asked) == 1


def test_after_two_answers_that_did_not_help_nobody_asks_what_is_meant(asked: list[RunContext]) -> None:
    ticket = answered_ticket()
    another(ticket, "And on the phone?")
    reply(ticket, body="The same.", kind=Message.Kind.ANSWER)
    another(ticket, "still does not work")
    run(ticket)
    assert said(ticket)[-1] == "hand_over"
    assert asked == []


def attach(ticket: Ticket) -> None:
    one = Attachment(message=ticket.messages.last(), name="a.png", content_type="image/png", size=1)
    one.file.save("a", ContentFile(b"x"))


def test_the_picture_of_a_signature_does_not_make_thanks_a_matter(asked: list[RunContext]) -> None:
    ticket = answered_ticket()
    another(ticket, "ok thanks")
    attach(ticket)
    run(ticket)
    assert said(ticket) == ["answer", "closing"]


@pytest.mark.parametrize(
    ("message", "has_file", "is_shown"),
    [
        ("See attachment", True, True),
        ("Thank you", True, True),
        ("[voice note]", False, True),
        ("How do I export this?", True, False),
    ],
)
def test_a_file_without_words_is_shown_to_people(
    message: str, has_file: bool, is_shown: bool, asked: list[RunContext]
) -> None:
    ticket = write(subject="Hello there").ticket
    Message.objects.filter(ticket=ticket).update(body=message)
    if has_file:
        attach(ticket)
    run(ticket)
    assert bool(asked) is not is_shown
    assert ticket.escalations.filter(reason="unsupported_media").exists() is is_shown


# --- Around it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "has_reference"), [(write_by_mail, True), (lambda **c: write(**c).ticket, False)])
def test_a_fixed_reply_is_framed_for_its_channel(make: Callable[..., Ticket], has_reference: bool) -> None:
    ticket = make(subject="Problem", message="It does not work")
    run(ticket)
    text = last(ticket)
    assert text.startswith("Hello Ann,")
    assert "AI assistant" in text
    assert (ticket.reference in text) is has_reference
    assert "help articles" not in text
    assert ticket.messages.last().sources == []


def test_a_burst_of_lines_gets_one_answer(asked: list[RunContext]) -> None:
    burst = write(subject="Quick question", message="Hello there").ticket
    for line in ("so", "it doesn't work"):
        another(burst, line)
    run(burst)
    run(burst)
    assert said(burst) == ["question"]
    assert burst.messages.get(direction="outbound").answers.count() == 3
    assert asked == []
