"""A mailbox that cannot be read, or soon will not be told of: the leads hear of it once, until it works again."""

from django.db import transaction
from django.db.models.functions import Now

from channels_app.gmail.models import GmailMailbox
from fte_project.events import DeadLettered, publish
from fte_project.models import DeadLetter

KIND = DeadLetter.Kind.CHANNEL
READING, WATCHING = "reading", "watching"


def told(mailbox: GmailMailbox, what: str, error: str) -> None:
    """Tell the leads of the trouble with reading or with watching, unless they know of it."""
    with transaction.atomic():
        GmailMailbox.objects.select_for_update(no_key=True).get(pk=mailbox.pk)  # one at a time
        if DeadLetter.objects.filter(kind=KIND, origin=_origin(mailbox, what), replayed_at=None).exists():
            return
        letter = DeadLetter.objects.create(kind=KIND, origin=_origin(mailbox, what), error=error[:1000])
        publish(DeadLettered(conversation_id=0, dead_letter_id=letter.pk))


def healed(mailbox: GmailMailbox, what: str) -> None:
    """It works again: the next trouble is told again."""
    letters = DeadLetter.objects.filter(kind=KIND, origin=_origin(mailbox, what), replayed_at=None)
    letters.update(replayed_at=Now())


def _origin(mailbox: GmailMailbox, what: str) -> str:
    return f"{mailbox.address} ({what})"
