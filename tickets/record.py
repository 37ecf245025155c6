"""Who did what to a ticket: append-only, ids and codes only."""

from typing import TYPE_CHECKING

from tickets.models import Ticket, TicketEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ASSISTANT, CUSTOMER, SYSTEM = "assistant", "customer", "system"


def staff_actor(user: "User") -> str:
    return f"staff:{user.pk}"


def record(ticket: Ticket, code: str, actor: str, **data: object) -> None:
    """Add one line to the ticket's history, in the caller's transaction."""
    TicketEvent.objects.create(ticket_id=ticket.pk, code=code, actor=actor, data=data)
