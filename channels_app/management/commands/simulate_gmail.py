"""The simulated Gmail as a process: what `make demo` puts in Google's place."""

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Run a simulated Gmail for the mailbox GMAIL_ADDRESS until SIGTERM. Never with FTE_MODE=production."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=0)
        parser.add_argument("--push-to", metavar="URL", help="tell this endpoint what happens in the mailbox")
        parser.add_argument("--folder", type=Path, help="write every mail that leaves into a file here")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from channels_app.simulator.gmail import GmailServer
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        endpoint = options["push_to"]
        server = GmailServer(
            settings.GMAIL_ADDRESS,
            port=options["port"],
            push_to=(endpoint, settings.GMAIL_PUSH_ACCOUNT) if endpoint else None,
            folder=options["folder"],
        )
        if endpoint:
            server.mailboxes[settings.GMAIL_ADDRESS].watch()  # a watch outlives a restart of Gmail
        for number in (signal.SIGINT, signal.SIGTERM):
            # From another thread: shutdown() waits for serve_forever, which this signal has interrupted.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        with server:
            self.stdout.write(f"{settings.GMAIL_ADDRESS} at {server.url}")
            server.serve_forever(poll_interval=0.1)
