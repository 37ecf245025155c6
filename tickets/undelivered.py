"""A reply that did not arrive, or perhaps did not: people hear of it, and they decide."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from fte_project.db import FREE
from fte_project.events import Channel, DeliveryQueued, publish
from fte_project.models import DeadLetter
from fte_project.text import plain_error
from tickets.escalations import HandOver, close_escalation, escalate
from tickets.lifecycle import NotAllowed, Status
from tickets.models import Conversation, Delivery, Message, Ticket
from tickets.reasons import Reason, Urgency
from tickets.record import SYSTEM, record, staff_actor

if TYPE_CHECKING:
    from django.contrib.auth.models import User

UNDECIDED, FAILED = Delivery.Status.UNKNOWN, Delivery.Status.FAILED
# Holding texts belong to an escalation: one that gets lost says nothing that people do not know.
HOLDING = {Message.Kind.HAND_OVER, Message.Kind.SUGGESTION}

BY_NOW = {
    Delivery.Status.QUEUED: "is queued",
    Delivery.Status.SENDING: "is being sent",
    Delivery.Status.SENT: "was sent",
    Delivery.Status.DELIVERED: "was delivered",
    Delivery.Status.READ: "was read",
    Delivery.Status.FAILED: "has failed",
    Delivery.Status.UNKNOWN: "was sent without a certain answer",
}


def tell_people(delivery: Delivery) -> None:
    """Escalate the ticket of a delivery that has failed for good, or that nobody can look up any more.

    In the caller's transaction, which holds the conversation. A mail copy is only shown; on a ticket that is closed
    or waits for people anyway, for a holding text, and for a "you are welcome", it is only recorded. Never raises
    NotAllowed.
    """
    if delivery.reply.kind == Message.Kind.CODE:  # the customer asks for another one
        return
    delivery.refresh_from_db(fields=["status", "error"])
    ticket = Ticket.objects.get(messages=delivery.reply_id)
    if delivery.channel != ticket.channel:
        return
    has_failed = delivery.status == FAILED
    record(ticket, "delivery_failed" if has_failed else "delivery_unknown", SYSTEM, delivery=delivery.pk)
    if ticket.status in {Status.CLOSED, Status.ESCALATED} or delivery.reply.kind in {*HOLDING, Message.Kind.CLOSING}:
        return
    close_escalation(ticket)  # people have answered that one; what was lost since is a new matter
    channel = Channel(delivery.channel).label
    what = f"A reply was not delivered ({channel})" if has_failed else f"Nobody knows if a reply arrived ({channel})"
    escalate(
        ticket,
        HandOver(
            reason=Reason.DELIVERY_FAILED,
            urgency=Urgency.HIGH,
            detail=f"{what}: {plain_error(delivery.error)[:300]}",
        ),
    )


def came_back(delivery: Delivery, detail: str) -> bool:
    """A mail server says afterwards that it did not arrive: it has failed, and people hear of it. Whether it did.

    In a transaction; what was not sent yet, or is known to have failed, stays as it is.
    """
    with transaction.atomic():
        Conversation.objects.lock(delivery.reply.conversation_id)
        gone_out = Delivery.objects.filter(
            pk=delivery.pk,
            status__in=[Delivery.Status.SENDING, Delivery.Status.SENT, Delivery.Status.DELIVERED, UNDECIDED],
        )
        # Whoever holds it, to send it or to look it up, has lost it.
        if not gone_out.update(status=FAILED, error=detail, look_up_at=None, changed_at=Now(), **FREE):
            return False
        tell_people(delivery)
        return True


def check_decision(delivery: Delivery, *, again: bool) -> None:
    """Raises NotAllowed, with the reason, unless a person may send it `again`, or say that it arrived."""
    status = Delivery.Status(delivery.status)
    ticket = delivery.reply.ticket
    if status not in ({UNDECIDED, FAILED} if again else {UNDECIDED}):
        raise NotAllowed(f"This reply {BY_NOW[status]} by now: there is nothing to decide.")
    if status == UNDECIDED and not Delivery.objects.all().undecided().filter(pk=delivery.pk).exists():
        raise NotAllowed("The provider is still being asked what became of this reply.")
    if again and delivery.reply.kind == Message.Kind.CODE:
        raise NotAllowed("A code is not sent twice. The customer can ask for a new one on their page.")
    if again and ticket.status == Status.CLOSED:
        raise NotAllowed(f"{ticket.reference} is closed: nothing is sent on it any more.")


def confirm_arrived(delivery: Delivery, staff: "User") -> None:
    """A person found out that an undecided one arrived: it is sent. Raises NotAllowed."""
    with transaction.atomic():
        found = _locked(delivery)
        check_decision(found, again=False)
        Delivery.objects.filter(pk=found.pk).update(status=Delivery.Status.SENT, error="", changed_at=Now())
        record(found.reply.ticket, "delivery_confirmed", staff_actor(staff), delivery=found.pk)


def send_again(delivery: Delivery, staff: "User") -> None:
    """Queue a failed or undecided one as if it were new, with its hours of trying. Raises NotAllowed.

    Its dead letter is replayed with it.
    """
    with transaction.atomic():
        found = _locked(delivery)
        check_decision(found, again=True)
        Delivery.objects.filter(pk=found.pk).update(
            status=Delivery.Status.QUEUED,
            external_id="",
            error="",
            attempts=0,
            due_at=Now(),
            queued_at=Now(),
            changed_at=Now(),
            rung_at=Now(),
            **FREE,
        )
        conversation_id = found.reply.conversation_id
        DeadLetter.objects.filter(
            kind=DeadLetter.Kind.DELIVERY, conversation_id=conversation_id, subject_id=found.pk, replayed_at=None
        ).update(replayed_at=Now(), replayed_by=staff)
        record(found.reply.ticket, "sent_again", staff_actor(staff), delivery=found.pk)
        publish(DeliveryQueued(conversation_id=conversation_id, channel=found.channel, delivery_id=found.pk))


def _locked(delivery: Delivery) -> Delivery:
    Conversation.objects.lock(delivery.reply.conversation_id)
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("reply__ticket")
    return rows.get(pk=delivery.pk)
