"""A mailbox that cannot be read, or soon will not be told of: the leads hear of it once, until it works again."""

from django.db import transaction
from django.db.models.functions import Now

from channels_app.gmail.models import GmailMailbox
from fte_project.events import DeadLettered, publish
from fte_project.models import DeadLetter

KIND = DeadLetter.Kind.CHANNEL


def told(mailbox: GmailMailbox, error: str) -> None:
    """Tell the leads, unless they know."""
    with transaction.atomic():
        GmailMailbox.objects.select_for_update(no_key=True).get(pk=mailbox.pk)  # one at a time
        if DeadLetter.objects.filter(kind=KIND, origin=mailbox.address, replayed_at=None).exists():
            return
        letter = DeadLetter.objects.create(kind=KIND, origin=mailbox.address, error=error[:1000])
        publish(DeadLettered(conversation_id=0, dead_letter_id=letter.pk))


def healed(mailbox: GmailMailbox) -> None:
    """It works again: the next trouble is told again."""
    DeadLetter.objects.filter(kind=KIND, origin=mailbox.address, replayed_at=None).update(replayed_at=Now())
