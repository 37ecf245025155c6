"""A person has checked who writes in a conversation."""

from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction

from tickets.lifecycle import NotAllowed
from tickets.models import Conversation, Ticket, Trust
from tickets.record import record, staff_actor

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def verify(ticket: Ticket, staff: "User") -> None:
    """`staff` vouches for the claimed address: this conversation may know the customer's others. Raises NotAllowed."""
    with transaction.atomic():
        conversation = Conversation.objects.lock(ticket.conversation_id)
        if conversation.trust != Trust.CLAIMED:
            raise NotAllowed("It is known already who writes here.")
        Conversation.objects.filter(pk=conversation.pk).update(trust=Trust.STAFF_VERIFIED)
        record(ticket, "trust_checked", staff_actor(staff))
        said = f"trust_checked: conversation {conversation.pk}"
        LogEntry.objects.log_actions(staff.pk, Ticket.objects.filter(pk=ticket.pk), CHANGE, change_message=said)
