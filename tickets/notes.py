"""Internal remarks: never sent."""

from typing import TYPE_CHECKING

from django.db import transaction

from tickets.models import Note, Ticket
from tickets.record import record, staff_actor

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class EmptyNote(ValueError):
    """A note without words."""


def add_note(ticket: Ticket, staff: "User", body: str) -> Note:
    """Store a remark on the ticket, in any status. Raises EmptyNote."""
    if not body.strip():
        raise EmptyNote("A note needs words.")
    with transaction.atomic():
        note = Note.objects.create(ticket=ticket, author=staff, body=body)
        record(ticket, "note_added", staff_actor(staff), note=note.pk)
    return note
