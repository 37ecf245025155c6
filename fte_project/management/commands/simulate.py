"""Write to a running instance as a customer, or answer as staff, through its real doors."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fte_project import embedded
from fte_project.events import Channel
from fte_project.simulate import Outcome, Rejected, Visitor
from tickets.models import Ticket
from tickets.tokens import status_token


class Command(BaseCommand):
    help = (
        "Send one message through the real endpoint of a running instance and wait for what becomes of it. "
        "Exit status: 0 answered or escalated, 2 nothing within the time, 3 rejected."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", choices=Channel.values, default=Channel.WEB_FORM.value)
        parser.add_argument("--from", dest="sender", metavar="ADDRESS", default="ann@example.com")
        parser.add_argument("--name", default="Ann Example")
        parser.add_argument("--subject", default="A question")
        parser.add_argument("--text", required=True)
        parser.add_argument("--ticket", metavar="T-1042", help="continue this ticket")
        parser.add_argument("--as-staff", action="store_true", help="answer --ticket on the desk, as the demo's agent")
        parser.add_argument("--wait", type=float, default=30, metavar="SECONDS")
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        instance = embedded.read_instance(settings.STATE_DIR)
        if not instance:
            raise CommandError("No instance is running here: start one with `make demo`.", returncode=2)
        if options["channel"] != Channel.WEB_FORM:
            raise CommandError(f"The channel {options['channel']} is off on this instance.", returncode=2)
        if options["as_staff"] and not options["ticket"]:
            raise CommandError("--as-staff needs --ticket.", returncode=2)
        try:
            found = self._act(Visitor(instance), options)
        except Rejected as error:
            found = Outcome(ticket=options["ticket"], status="rejected")
            self.stderr.write(str(error))
        except requests.RequestException as error:
            raise CommandError(f"The instance does not answer: {error}", returncode=2) from error
        self._print(found, as_json=options["json"])
        sys.exit({"waiting": 2, "rejected": 3}.get(found.status, 0))

    def _act(self, visitor: Visitor, options: dict[str, Any]) -> Outcome:
        text, wait = options["text"], options["wait"]
        if options["ticket"]:
            try:
                ticket = Ticket.objects.all().by_reference(options["ticket"])
            except Ticket.DoesNotExist as error:
                raise Rejected(f"There is no ticket {options['ticket']}.") from error
            token = status_token(ticket)
            if options["as_staff"]:
                return visitor.staff_reply(ticket.pk, ticket.reference, token, text, wait=wait)
            return visitor.write_again(token, text, wait=wait)
        fields = {"name": options["name"], "email": options["sender"], "subject": options["subject"], "message": text}
        return visitor.submit(fields, wait=wait)

    def _print(self, found: Outcome, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(found.as_json()))
            return
        self.stdout.write(f"{found.ticket or 'no ticket'}: {found.status}")
        if found.escalation_reason:
            self.stdout.write(f"reason: {found.escalation_reason}")
        for name in ("accepted_ms", "answered_ms", "delivered_ms"):
            self.stdout.write(f"{name}: {getattr(found, name)}")
        if found.reply:
            self.stdout.write(f"\n{found.reply}")
