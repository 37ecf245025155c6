"""What we make of raw mail: one file, or many, without touching the database."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from channels_app.gmail.parsing import OWN_SERVER, Mail, parse


class Command(BaseCommand):
    help = "Print what we make of raw mail: sender, new text, whether it is automatic, and who vouches for the sender."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="one object a line, in the order of the files")
        parser.add_argument("--server", default=OWN_SERVER, help="the mail server whose Authentication-Results count")

    def handle(self, *args: Any, **options: Any) -> None:
        for file in options["files"]:
            try:
                raw = file.read_bytes()
            except OSError as error:
                self.stderr.write(f"{file}: {error.strerror}")
                raw = b""
            found = in_json(str(file), parse(raw, server=options["server"]))
            if options["json"]:
                self.stdout.write(json.dumps(found, ensure_ascii=False))
            else:
                for name, value in found.items():
                    self.stdout.write(f"{name}: {value}")
                self.stdout.write("")


def in_json(file: str, mail: Mail) -> dict[str, Any]:
    """The mail in the words of INTERFACES."""
    return {
        "file": file,
        "from": mail.sender,
        "subject": mail.subject or None,
        "text": mail.text,
        "is_automatic": mail.automatic is not None,
        "automatic_kind": mail.automatic,
        "attachments": [{"name": a.name, "type": a.content_type, "size": len(a.content)} for a in mail.attachments],
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "trust": "channel_verified" if mail.is_verified else "claimed",
    }
