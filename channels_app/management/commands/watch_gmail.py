"""Have Gmail push what happens in our mailbox for another week."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from channels_app.gmail.client import GMAIL_ERRORS, Gmail
from channels_app.gmail.models import GmailMailbox
from channels_app.gmail.watch import renew


class Command(BaseCommand):
    help = "Watch the mailbox GMAIL_ADDRESS for another week (the schedule role does so every day). May be repeated."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.GMAIL_ADDRESS:
            raise CommandError("GMAIL_ADDRESS is not set: the e-mail channel is off.")
        if not settings.GMAIL_PUSH_TOPIC:
            raise CommandError("GMAIL_PUSH_TOPIC is not set: without a Pub/Sub topic nothing can be pushed.")
        mailbox, _ = GmailMailbox.objects.get_or_create(address=settings.GMAIL_ADDRESS)
        try:
            until = renew(mailbox, Gmail(mailbox.address))
        except GMAIL_ERRORS as error:
            raise CommandError(f"{mailbox.address} cannot be watched: {error}") from error
        self.stdout.write(json.dumps({"mailbox": mailbox.address, "watched_until": until.isoformat()}))
