"""Dead letters, tried once more because a person says so."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import BigIntegerField, Case, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Now

from fte_project.models import DeadLetter
from tickets.escalations import give_to_assistant
from tickets.lifecycle import Handler, NotAllowed, Status
from tickets.models import Conversation, Delivery, Message, Ticket
from tickets.record import record, staff_actor
from tickets.timeline import person
from tickets.undelivered import BY_NOW, check_decision, send_again

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = DeadLetter.Kind
GONE = "What this is about is no longer stored."


def replay(letter: DeadLetter, staff: "User") -> None:
    """Try again, once, what the letter tells of. Raises NotAllowed with the reason when that cannot be (any more).

    A conversation goes back to the assistant, which answers what the holding text had answered; a delivery is queued.
    """
    with transaction.atomic():
        # Before the letter, as everything does that changes a ticket; it may have been erased.
        conversation = (
            Conversation.objects.select_for_update(of=("self",)).filter(pk=letter.conversation_id or 0).first()
        )
        locked = DeadLetter.objects.select_for_update(of=("self",)).select_related("replayed_by").get(pk=letter.pk)
        subject = _subject(locked)
        if isinstance(subject, Delivery):
            send_again(subject, staff)
            return
        assert conversation is not None  # it has the subject
        Message.objects.filter(answered_by=subject).update(answered_by=None)
        give_to_assistant(subject.ticket, conversation)
        DeadLetter.objects.filter(pk=locked.pk).update(replayed_at=Now(), replayed_by=staff)
        record(subject.ticket, "replayed", staff_actor(staff), dead_letter=locked.pk)


def why_not(letter: DeadLetter) -> str:
    """Why it cannot be replayed as things stand, in a sentence; empty when it can."""
    try:
        _subject(letter)
    except NotAllowed as error:
        return str(error)
    return ""


def _subject(letter: DeadLetter) -> Message | Delivery:
    """What would be tried again: a delivery, or the holding text of a conversation. Raises NotAllowed."""
    if letter.kind == Kind.RECORD:
        raise NotAllowed("There is nothing to replay: these bytes were no event of ours.")
    if letter.kind == Kind.CHANNEL:
        raise NotAllowed("There is nothing to replay: the mailbox is tried again by itself.")
    if letter.replayed_at is not None:
        who, at = person(letter.replayed_by), letter.replayed_at
        raise NotAllowed(f"{who} replayed this on {at:%-d %B %Y at %H:%M:%S} UTC.")
    return _failed_delivery(letter) if letter.kind == Kind.DELIVERY else _holding_text(letter)


def _failed_delivery(letter: DeadLetter) -> Delivery:
    rows = Delivery.objects.select_related("reply__ticket")
    delivery = rows.filter(pk=letter.subject_id or 0, reply__conversation=letter.conversation_id).first()
    if delivery is None:
        raise NotAllowed(GONE)
    if delivery.status != Delivery.Status.FAILED:
        raise NotAllowed(f"This reply {BY_NOW[Delivery.Status(delivery.status)]} by now.")
    check_decision(delivery, again=True)
    return delivery


def _holding_text(letter: DeadLetter) -> Message:
    rows = Message.objects.select_related("ticket__assignee")
    text = rows.filter(pk=letter.subject_id or 0, conversation=letter.conversation_id).first()
    if text is None:
        raise NotAllowed(GONE)
    ticket = text.ticket
    if ticket.status in {Status.RESOLVED, Status.CLOSED}:
        raise NotAllowed(f"{ticket.reference} is {ticket.get_status_display().lower()}.")
    if ticket.handler == Handler.STAFF:
        holder = person(ticket.assignee) if ticket.assignee else "the staff"
        raise NotAllowed(f"{ticket.reference} is held by {holder}.")
    if ticket.handler == Handler.ASSISTANT:
        raise NotAllowed(f"{ticket.reference} is with the assistant again.")
    # Nobody holds it: it was escalated, and if something was said since, then by another escalation.
    later = ticket.messages.filter(direction=Message.Direction.OUTBOUND, pk__gt=text.pk)
    if later.exclude(kind=Message.Kind.CODE).exists():
        raise NotAllowed(f"{ticket.reference} was given back and escalated again since.")
    if not text.answers.exists():
        raise NotAllowed("There is nothing left to answer.")
    return text


def with_tickets(letters: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
    """Adds `ticket_pk`: the ticket that a letter is about; None when there is none, or none any more."""
    newest = Ticket.objects.filter(conversation=OuterRef("conversation_id")).order_by("-pk")
    text = Message.objects.filter(pk=OuterRef("subject_id"), conversation=OuterRef("conversation_id"))
    delivery = Delivery.objects.filter(pk=OuterRef("subject_id"), reply__conversation=OuterRef("conversation_id"))
    return letters.annotate(
        ticket_pk=Case(
            When(
                kind=Kind.CONVERSATION,
                then=Coalesce(
                    Subquery(text.values("ticket")), Subquery(newest.values("pk")[:1]), output_field=BigIntegerField()
                ),
            ),
            When(kind=Kind.DELIVERY, then=Subquery(delivery.values("reply__ticket"))),
            output_field=BigIntegerField(),
        )
    )
