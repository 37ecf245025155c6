"""What time does to tickets: silence resolves and closes, and nothing waits unseen. Run by the schedule role."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from tickets.escalations import HandOver, close_escalation, escalate
from tickets.lifecycle import Event, Handler, Status
from tickets.models import Conversation, Message, Ticket, TicketEvent
from tickets.reasons import Reason, Urgency
from tickets.record import SYSTEM, record

BATCH = 500


def let_time_pass() -> None:
    """Timed job: pending tickets without an answer become resolved, resolved ones closed (days in settings)."""
    for status, days in (
        (Status.PENDING, settings.RESOLVE_PENDING_AFTER_DAYS),
        (Status.RESOLVED, settings.CLOSE_RESOLVED_AFTER_DAYS),
    ):
        _expire(Ticket.objects.filter(status=status, changed_at__lt=Now() - timedelta(days=days))[:BATCH])


def _expire(tickets: Iterable[Ticket]) -> None:
    for ticket in tickets:
        with transaction.atomic():
            Conversation.objects.lock(ticket.conversation_id)
            before, changed_at = ticket.status, ticket.changed_at
            ticket.refresh_from_db()
            if (ticket.status, ticket.changed_at) != (before, changed_at):
                continue  # somebody wrote between the list and the lock
            ticket.apply(Event.TIMER)
            close_escalation(ticket)
            record(ticket, "time_passed", SYSTEM, status=ticket.status)


def watch_waiting() -> None:
    """Timed job: what the assistant should have answered long ago goes to people, whatever the cause."""
    long_ago = Now() - timedelta(minutes=settings.WATCHDOG_MINUTES)
    given_back = TicketEvent.objects.filter(
        ticket_id=OuterRef("ticket_id"), code__in=["handed_back", "replayed"], created_at__gte=long_ago
    )
    waiting = (
        Message.objects.all()
        .unanswered()
        .filter(ticket__handler=Handler.ASSISTANT, ticket__status=Status.OPEN, created_at__lt=long_ago)
        .exclude(Exists(given_back))
    )
    listed = waiting.order_by("ticket_id").distinct("ticket_id").select_related("ticket")[:BATCH]
    for message in listed:
        with transaction.atomic():
            Conversation.objects.lock(message.conversation_id)
            if not waiting.filter(pk=message.pk).exists():
                continue  # somebody answered or took it between the list and the lock
            escalate(
                message.ticket,
                HandOver(
                    reason=Reason.PROCESSING_ERROR,
                    urgency=Urgency.HIGH,
                    detail=f"Waited more than {settings.WATCHDOG_MINUTES} minutes for the assistant.",
                ),
            )
