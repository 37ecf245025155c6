"""Read our Gmail mailbox now."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from channels_app.gmail.client import GMAIL_ERRORS, Gmail
from channels_app.gmail.models import GmailMailbox
from channels_app.gmail.sync import ReadByAnother, sync


class Command(BaseCommand):
    help = "Read the mailbox GMAIL_ADDRESS from where it was last read to, and print what was new."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.GMAIL_ADDRESS:
            raise CommandError("GMAIL_ADDRESS is not set: the e-mail channel is off.")
        mailbox, _ = GmailMailbox.objects.get_or_create(address=settings.GMAIL_ADDRESS)
        try:
            new = sync(mailbox, Gmail(mailbox.address))
        except ReadByAnother as error:
            raise CommandError("It is being read by another process right now.") from error
        except GMAIL_ERRORS as error:
            raise CommandError(f"{mailbox.address} cannot be read: {error}") from error
        self.stdout.write(json.dumps({"mailbox": mailbox.address, "new": new}))
