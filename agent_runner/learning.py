"""From tickets to evidence: what was settled with an article leads later questions like it to that article."""

from collections.abc import Iterable
from datetime import timedelta
from difflib import SequenceMatcher
from itertools import takewhile

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import Now

from agent_runner.models import LearningCursor
from knowledge.evidence import forget, learn
from knowledge.models import ResolvedQuestion
from tickets.lifecycle import Status
from tickets.models import Message, Ticket, TicketEvent, TicketQuerySet
from tickets.undelivered import HOLDING

BATCH = 500
# Numbers are given before commits: by then everybody who took a lower one has committed.
SETTLED_AFTER = timedelta(minutes=1)
# After these a ticket's evidence is judged anew.
CODES = {"resolved", "message_received", "replied", "replied_elsewhere", "escalated"}
# Who resolved it approves of its answer; time does not.
APPROVALS = {"staff": ResolvedQuestion.Approval.STAFF, "customer": ResolvedQuestion.Approval.CUSTOMER}
NO_ANSWER = [Message.Kind.CODE, Message.Kind.CLOSING]  # to what was asked before
DRAFT_USED = 0.6  # of its words, in their order: people shorten it and add their own


def learn_from_tickets() -> None:
    """Timed job: read what has happened to tickets since the last time, each event once."""
    while _learn_batch():
        pass


def _learn_batch() -> int:
    with transaction.atomic():
        LearningCursor.objects.get_or_create(singleton=True)
        cursor = LearningCursor.objects.select_for_update().get()
        age = ExpressionWrapper(Now() - F("created_at"), output_field=DurationField())
        newer = TicketEvent.objects.filter(pk__gt=cursor.event_id).annotate(age=age).order_by("pk")[:BATCH]
        events = list(takewhile(lambda event: event.age > SETTLED_AFTER, newer))
        if events:
            _judge(Ticket.objects.filter(pk__in={e.ticket_id for e in events if e.code in CODES}))
            cursor.event_id = events[-1].pk
            cursor.save()
    return len(events)


def _judge(tickets: TicketQuerySet) -> None:
    """A ticket that was reopened is evidence no more; one that is resolved is, by its answer as it is now."""
    unlearn(tickets)
    for ticket in tickets:
        if (approved_by := _approval(ticket)) is not None:
            learn_from(ticket, approved_by)


def _approval(ticket: Ticket) -> ResolvedQuestion.Approval | None:
    if ticket.status not in {Status.RESOLVED, Status.CLOSED}:
        return None
    ends = Q(code="resolved") | Q(code="time_passed", data__status=Status.RESOLVED)
    end = TicketEvent.objects.filter(ends, ticket_id=ticket.pk).last()
    return APPROVALS.get(end.actor.partition(":")[0]) if end else None


def source(ticket: Ticket) -> str:
    """Where a ticket's evidence comes from, as ResolvedQuestion.source."""
    return f"ticket:{ticket.public_id}"


def unlearn(tickets: Iterable[Ticket]) -> None:
    """What these tickets taught is evidence no more."""
    forget([source(ticket) for ticket in tickets])


def learn_from(ticket: Ticket, approved_by: ResolvedQuestion.Approval) -> bool:
    """Store the ticket's last answer, when it cites articles, as evidence; whether that is new. Each ticket once.

    Who approves says that it was settled. A text that hands over, or only suggests, is no answer.
    """
    answer = last_answer(ticket)
    slugs = cited(ticket, answer) if answer else []
    asked = _asked(ticket, answer) if answer and slugs else []
    if not asked:
        return False
    done = learn(
        source=source(ticket),
        text=_words(ticket, asked),
        slugs=slugs,
        approved_by=approved_by,
        asked_at=asked[0].created_at,
    )
    return done.is_new


def last_answer(ticket: Ticket) -> Message | None:
    """The last that the customer heard from us, unless it only said that a person will answer.

    What they wrote after the assistant's may be that it did not help; a person who answered has read on. Thanks and our
    word back say nothing against it.
    """
    said = ticket.messages.filter(direction=Message.Direction.OUTBOUND)
    heard = said.exclude(kind__in=NO_ANSWER).last()
    if heard is None or heard.kind in HOLDING:
        return None
    inbound = ticket.messages.filter(direction=Message.Direction.INBOUND, pk__gt=heard.pk)
    inbound = inbound.exclude(answered_by__in=said.filter(kind=Message.Kind.CLOSING))
    return None if heard.author == Message.Author.ASSISTANT and inbound.exists() else heard


def _asked(ticket: Ticket, answer: Message) -> list[Message]:
    """What it answers: also what was waiting for it since a text that handed over, which stands as its reply."""
    before = ticket.messages.filter(direction=Message.Direction.OUTBOUND, pk__lt=answer.pk)
    earlier = before.exclude(kind__in=[*HOLDING, *NO_ANSWER]).last()
    holding = before.filter(kind__in=HOLDING, pk__gt=earlier.pk if earlier else 0).values_list("pk", flat=True)
    return list(ticket.messages.filter(direction=Message.Direction.INBOUND, answered_by__in=[*holding, answer.pk]))


def _words(ticket: Ticket, asked: list[Message]) -> str:
    """As the assistant's first search reads it: the subject speaks for the ticket's first message."""
    said = "\n\n".join(message.body for message in asked)
    first = ticket.messages.filter(direction=Message.Direction.INBOUND).first()
    return f"{ticket.subject}\n{said}" if first == asked[0] else said


def cited(ticket: Ticket, answer: Message) -> list[str]:
    """The slugs of the articles that it quotes, itself or by the draft that a person sent."""
    sources = answer.sources
    if not sources and answer.author == Message.Author.STAFF:
        asked_people = ticket.escalations.filter(opened_at__lte=answer.created_at).first()
        if asked_people is not None and _is_used(asked_people.draft, answer.body):
            sources = asked_people.draft_sources
    return list(dict.fromkeys(one["slug"] for one in sources if one.get("passage")))


def _is_used(draft: str, body: str) -> bool:
    ours, theirs = draft.lower().split(), body.lower().split()
    same = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return sum(block.size for block in same) >= DRAFT_USED * max(1, len(ours))
