"""Gmail pushes what happens in a mailbox while it is watched, for a week; the watch is renewed every day."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from channels_app.gmail.client import GMAIL_ERRORS, Gmail
from channels_app.gmail.models import GmailMailbox
from channels_app.gmail.trouble import WATCHING, healed, told
from fte_project.events import Channel
from tickets.models import ChannelSettings

log = structlog.get_logger()
LIVES = timedelta(days=7)
RENEW_AFTER = timedelta(days=1)
TRY_AGAIN = timedelta(minutes=10)
ALARM_BEFORE = timedelta(days=2)


def renew_watches() -> None:
    """Timed job, while GMAIL_PUSH_TOPIC is set: renew what is a day old; an error waits, and is told in time."""
    if not ChannelSettings.of(Channel.EMAIL).is_enabled:
        return
    is_old = Q(watched_until=None) | Q(watched_until__lt=Now() + LIVES - RENEW_AFTER)
    is_rested = Q(watch_error="") | Q(watch_tried_at=None) | Q(watch_tried_at__lt=Now() - TRY_AGAIN)
    for mailbox in GmailMailbox.objects.filter(is_old, is_rested, address=settings.GMAIL_ADDRESS):
        try:
            renew(mailbox, Gmail(mailbox.address))
        except GMAIL_ERRORS as error:
            log.warning("watch_not_renewed", mailbox=mailbox.address, error=error)
    ending = GmailMailbox.objects.filter(address=settings.GMAIL_ADDRESS).exclude(watch_error="")
    for mailbox in ending.filter(Q(watched_until=None) | Q(watched_until__lt=Now() + ALARM_BEFORE)):
        told(mailbox, WATCHING, f"Gmail's pushes end soon, or have ended, and cannot be renewed: {mailbox.watch_error}")


def renew(mailbox: GmailMailbox, gmail: Gmail) -> datetime:
    """Watch the mailbox for another week; until when. As often as one likes. Raises one of GMAIL_ERRORS."""
    row = GmailMailbox.objects.filter(pk=mailbox.pk)
    try:
        until = gmail.watch(settings.GMAIL_PUSH_TOPIC)
    except GMAIL_ERRORS as error:
        row.update(watch_error=str(error)[:1000] or repr(error), watch_tried_at=Now())
        raise
    row.update(watched_until=until, watch_error="", watch_tried_at=Now())
    healed(mailbox, WATCHING)
    return until
