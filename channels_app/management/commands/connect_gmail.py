"""Connect our Gmail mailbox: by a person's consent, pasted back, or by trying what the service account may do."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from channels_app.gmail.access import (
    Consent,
    ConsentFailed,
    ConsentRequest,
    begin_now,
    by_consent,
    keep_consent,
)
from channels_app.gmail.client import GMAIL_ERRORS, Gmail
from channels_app.gmail.models import GmailMailbox


class Command(BaseCommand):
    help = (
        "Connect the mailbox GMAIL_ADDRESS. With GMAIL_OAUTH_CLIENT_ID it prints an address to open in any browser, "
        "on any machine, and reads back the address that the browser shows at the end."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.GMAIL_ADDRESS:
            raise CommandError("GMAIL_ADDRESS is not set: name the mailbox first.")
        mailbox, _ = GmailMailbox.objects.get_or_create(address=settings.GMAIL_ADDRESS)
        consent = self._ask_person(mailbox) if settings.GMAIL_OAUTH_CLIENT_ID else None
        try:
            owner = Gmail(mailbox.address, by_consent(consent.refresh_token) if consent else None).owner()
        except GMAIL_ERRORS as error:
            raise CommandError(f"{mailbox.address} cannot be opened: {error}. {self._hint()}") from error
        if owner != mailbox.address:
            raise CommandError(f"This is the consent of {owner}, not of {mailbox.address}: nothing was changed.")
        if consent is None:
            begin_now(mailbox)
        else:
            keep_consent(mailbox, consent)
            self._warn(consent)
        self.stdout.write(f"{mailbox.address} is connected. What came in before now is shown, never answered.")

    def _ask_person(self, mailbox: GmailMailbox) -> Consent:
        request = ConsentRequest(mailbox.address)
        self.stdout.write(f"1. Open this address in a browser, and sign in as {mailbox.address}:\n\n{request.url}\n")
        self.stdout.write("2. In the end the browser cannot open a page at 127.0.0.1. That is right: copy its address.")
        self.stdout.write("3. Paste the address here, and press Enter:")
        try:
            return request.accept(sys.stdin.readline())
        except ConsentFailed as error:
            raise CommandError(str(error)) from error

    def _warn(self, consent: Consent) -> None:
        if consent.ends_at is not None:
            self.stderr.write(
                f'This consent ends on {consent.ends_at:%-d %B}: Google\'s consent screen is in "Testing". '
                "Publish it, and connect again."
            )

    def _hint(self) -> str:
        if settings.GMAIL_OAUTH_CLIENT_ID:
            return "Is the Gmail API switched on in the project of the OAuth client?"
        return (
            "Is the service account's client id allowed the scope https://www.googleapis.com/auth/gmail.modify in the "
            "Workspace admin console (Security, API controls, Domain-wide delegation)?"
        )
