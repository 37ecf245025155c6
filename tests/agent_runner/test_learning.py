"""What a ticket teaches: an answer that a person approved, with the articles it quotes, and only while it holds."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from agent_runner import learning
from agent_runner.learning import learn_from, learn_from_tickets
from agent_runner.models import LearningCursor
from channels_app.web_form.parsing import FollowUpIn, follow_up
from fte_project import schedule
from knowledge.models import Article, ResolvedQuestion
from tests.factories import ANSWERABLE, write
from tickets.escalations import HandOver, claim, escalate, hand_back, resolve
from tickets.intake import receive
from tickets.models import Message, Ticket, TicketEvent
from tickets.reasons import Reason
from tickets.replies import reply
from tickets.timers import let_time_pass

pytestmark = pytest.mark.django_db
QUOTED = {"slug": "reset", "title": "Reset", "url": "/help/reset", "revision": 1, "passage": "Open the page."}
NAMED = {**QUOTED, "slug": "export", "passage": None}
DRAFT = "Open the sign-in page, choose Forgot password, and follow the link in the mail that we send you at once."


@pytest.fixture(autouse=True)
def _two_articles() -> None:
    for slug in ("reset", "export"):
        Article.objects.create(slug=slug, title=slug, body_md="x", status=Article.Status.PUBLISHED)


@pytest.fixture
def ticket() -> Ticket:
    return write().ticket


def learn_now() -> list[dict[str, Any]]:
    """What is evidence once everything that happened so far has been read."""
    TicketEvent.objects.update(created_at=F("created_at") - 2 * learning.SETTLED_AFTER)
    learn_from_tickets()
    return list(ResolvedQuestion.objects.order_by("pk").values("source", "text", "approved_by", "articles__slug"))


def answer(ticket: Ticket, *sources: dict[str, Any]) -> Message:
    return reply(ticket, body="Open the page.", kind=Message.Kind.ANSWER, sources=sources or [QUOTED, NAMED])


def hand_over(ticket: Ticket, **prepared: Any) -> None:
    escalate(ticket, HandOver(reason=Reason.LOW_CONFIDENCE, **prepared))


def write_again(ticket: Ticket, text: str) -> None:
    receive(follow_up(FollowUpIn(message=text), ticket, key=text), about=ticket)


def evidence_of(ticket: Ticket, **changes: str) -> dict[str, Any]:
    text = f"{ANSWERABLE['subject']}\n{ANSWERABLE['message']}"
    return {
        "source": f"ticket:{ticket.public_id}",
        "text": text,
        "approved_by": "staff",
        "articles__slug": "reset",
        **changes,
    }


def test_an_answer_that_a_person_closed_the_matter_with_is_evidence(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    assert learn_now() == []
    resolve(ticket, sam)
    assert learn_now() == [evidence_of(ticket)]
    asked = Message.objects.get(direction=Message.Direction.INBOUND)
    assert ResolvedQuestion.objects.get().asked_at == asked.created_at


def test_what_only_time_resolved_is_no_evidence(ticket: Ticket) -> None:
    answer(ticket)
    Ticket.objects.update(changed_at=F("changed_at") - timedelta(days=30))
    let_time_pass()
    ticket.refresh_from_db()
    assert ticket.status == "resolved"
    assert learn_now() == []


def test_what_a_person_resolved_stays_evidence_when_time_closes_it(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    resolve(ticket, sam)
    learn_now()
    Ticket.objects.update(changed_at=F("changed_at") - timedelta(days=30))
    let_time_pass()
    ticket.refresh_from_db()
    assert ticket.status == "closed"
    assert learn_now() == [evidence_of(ticket)]


@pytest.mark.parametrize("suggestions", [(), (QUOTED,)])
def test_a_text_that_hands_over_is_no_answer(suggestions: Any, ticket: Ticket, sam: User) -> None:
    hand_over(ticket, suggestions=suggestions)
    resolve(ticket, sam)
    assert learn_now() == []


def test_an_answer_that_was_not_enough_is_no_evidence(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    write_again(ticket, "That does not help. I want to speak to a person.")
    hand_over(ticket)
    resolve(ticket, sam, notes="told them on the phone")
    assert learn_now() == []


def test_the_last_answer_is_what_settled_it(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    write_again(ticket, "And how do I export?")
    answer(ticket, {**QUOTED, "slug": "export"})
    resolve(ticket, sam)
    assert learn_now() == [evidence_of(ticket, text="And how do I export?", articles__slug="export")]


def test_a_person_who_answers_otherwise_teaches_nothing(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    reply(ticket, body="Please forget that, I have done it for you.", staff=sam)
    resolve(ticket, sam)
    assert learn_now() == []


@pytest.mark.parametrize(
    ("sent", "is_used"),
    [
        (DRAFT, True),
        (f"Hello Ann,\n\n{DRAFT}\n\nKind regards, Sam", True),
        (DRAFT.replace(" at once.", ". It comes within minutes.").replace("Open the", "On the"), True),
        ("Open the page that I have just sent you, please.", False),
    ],
)
def test_a_draft_that_a_person_sent_cites_what_it_cited(sent: str, is_used: bool, ticket: Ticket, sam: User) -> None:
    hand_over(ticket, draft=DRAFT, draft_sources=(QUOTED, NAMED))
    reply(ticket, body=sent, staff=sam)
    write_again(ticket, "Thank you, that was it!")
    resolve(ticket, sam)
    assert learn_now() == ([evidence_of(ticket)] if is_used else [])


def test_what_the_customer_wrote_after_the_assistants_answer_may_be_that_it_failed(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    write_again(ticket, "That does not work.")
    claim(ticket, sam)
    resolve(ticket, sam)
    assert learn_now() == []


def test_a_question_is_all_that_waited_for_the_answer(ticket: Ticket, sam: User) -> None:
    hand_over(ticket, draft=DRAFT, draft_sources=(QUOTED,))
    write_again(ticket, "Is anybody there?")
    reply(ticket, body=DRAFT, staff=sam)
    resolve(ticket, sam)
    (found,) = learn_now()
    assert found["text"] == f"{ANSWERABLE['subject']}\n{ANSWERABLE['message']}\n\nIs anybody there?"


def test_what_was_answered_before_is_no_part_of_the_question(ticket: Ticket, sam: User) -> None:
    hand_over(ticket)
    reply(ticket, body="I have done it for you.", staff=sam)
    write_again(ticket, "And how do I export?")
    hand_back(ticket, sam)
    answer(ticket)
    resolve(ticket, sam)
    assert learn_now() == [evidence_of(ticket, text="And how do I export?")]


def test_a_draft_of_an_earlier_matter_is_not_what_answered(ticket: Ticket, sam: User) -> None:
    hand_over(ticket, draft=DRAFT, draft_sources=(QUOTED,))
    reply(ticket, body=DRAFT, staff=sam)
    write_again(ticket, "Fine. Something else: what does it cost?")
    reply(ticket, body="Ten a month.", staff=sam)
    resolve(ticket, sam)
    assert learn_now() == []


def test_a_ticket_that_opens_again_is_evidence_no_more(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    resolve(ticket, sam)
    assert len(learn_now()) == 1
    write_again(ticket, "It does not work after all.")
    assert learn_now() == []
    claim(ticket, sam)
    reply(ticket, body="Sorry, that was our fault.", staff=sam)
    resolve(ticket, sam)
    assert learn_now() == []


def test_a_ticket_that_is_settled_anew_is_evidence_by_its_new_answer(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    resolve(ticket, sam)
    learn_now()
    write_again(ticket, "And the export?")
    answer(ticket, {**QUOTED, "slug": "export"})
    resolve(ticket, sam)
    assert learn_now() == [evidence_of(ticket, text="And the export?", articles__slug="export")]


def test_what_an_editor_removed_does_not_come_back(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    resolve(ticket, sam)
    learn_now()
    ResolvedQuestion.objects.all().delete()
    assert learn_now() == []


def test_what_happened_just_now_waits_for_those_who_have_not_committed(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    resolve(ticket, sam)
    learn_from_tickets()
    assert not ResolvedQuestion.objects.exists()
    # Somebody who took a lower number wrote it later: nothing behind it is read before it.
    opened = TicketEvent.objects.order_by("pk")[0]
    TicketEvent.objects.exclude(pk=opened.pk).update(created_at=F("created_at") - timedelta(hours=1))
    learn_from_tickets()
    assert LearningCursor.objects.get().event_id == 0
    assert len(learn_now()) == 1


def test_more_events_than_a_batch_are_all_read(sam: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "BATCH", 2)
    for n in range(3):
        ticket = write(email=f"c{n}@example.com").ticket
        answer(ticket)
        resolve(ticket, sam)
    assert len(learn_now()) == 3
    assert LearningCursor.objects.get().event_id == TicketEvent.objects.order_by("pk").last().pk  # type: ignore[union-attr]


def test_the_customers_yes_is_an_approval_too(ticket: Ticket) -> None:
    answer(ticket)
    assert learn_from(ticket, ResolvedQuestion.Approval.CUSTOMER)
    assert not learn_from(ticket, ResolvedQuestion.Approval.CUSTOMER)
    assert ResolvedQuestion.objects.get().approved_by == "customer"


def test_the_schedule_reads_it_by_itself() -> None:
    assert "agent_runner.learning.learn_from_tickets" in {job.path for job in schedule._jobs.values()}


def test_thanks_and_our_word_back_teach_nothing_and_take_nothing_away(ticket: Ticket, sam: User) -> None:
    answer(ticket)
    write_again(ticket, "thanks, that did it")
    reply(ticket, body="You are welcome!", kind=Message.Kind.CLOSING)
    resolve(ticket, sam)
    assert learn_now() == [evidence_of(ticket)]
