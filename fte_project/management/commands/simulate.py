"""Write to a running instance as a customer, or answer as staff, through its real doors."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fte_project import embedded
from fte_project.events import Channel
from fte_project.simulate import Outcome, Rejected, Visitor
from tickets.models import Ticket
from tickets.tokens import status_token

if TYPE_CHECKING:
    from fte_project.simulate_mail import Correspondent


class Command(BaseCommand):
    help = (
        "Send one message through the real endpoint of a running instance and wait for what becomes of it. "
        "Exit status: 0 answered or escalated, 2 nothing within the time, 3 rejected."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", choices=Channel.values, default=Channel.WEB_FORM.value)
        parser.add_argument("--from", dest="sender", metavar="ADDRESS", help="default: ann@example.com")
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
        has_gmail = bool(instance.get("gmail"))
        if options["channel"] == Channel.WHATSAPP or (options["channel"] == Channel.EMAIL and not has_gmail):
            raise CommandError(f"The channel {options['channel']} cannot be simulated on this instance.", returncode=2)
        if options["as_staff"] and not options["ticket"]:
            raise CommandError("--as-staff needs --ticket.", returncode=2)
        try:
            found = self._act(instance, options)
        except Rejected as error:
            found = Outcome(ticket=options["ticket"], status="rejected")
            self.stderr.write(str(error))
        except requests.RequestException as error:
            raise CommandError(f"The instance does not answer: {error}", returncode=2) from error
        self._print(found, as_json=options["json"])
        sys.exit({"waiting": 2, "rejected": 3}.get(found.status, 0))

    def _act(self, instance: dict[str, Any], options: dict[str, Any]) -> Outcome:
        text, wait, sender = options["text"], options["wait"], options["sender"]
        by_mail = self._correspondent(instance) if options["channel"] == Channel.EMAIL else None
        if options["ticket"]:
            ticket = self._ticket(options["ticket"])
            if options["as_staff"]:
                return self._answer(Visitor(instance), by_mail, ticket, options)
            if by_mail is not None:
                return by_mail.write_again(ticket, sender=sender, text=text, wait=wait)
            return Visitor(instance).write_again(status_token(ticket), text, wait=wait)
        who = {"name": options["name"], "subject": options["subject"]}
        sender = sender or "ann@example.com"
        if by_mail is not None:
            return by_mail.write(sender=sender, text=text, wait=wait, **who)
        return Visitor(instance).submit({**who, "email": sender, "message": text}, wait=wait)

    def _correspondent(self, instance: dict[str, Any]) -> "Correspondent":
        from fte_project.simulate_mail import Correspondent  # production has no simulators

        return Correspondent(instance)

    def _answer(
        self, visitor: Visitor, by_mail: "Correspondent | None", ticket: Ticket, options: dict[str, Any]
    ) -> Outcome:
        """On the desk; over e-mail, until it has left as a mail."""
        deadline, token = time.monotonic() + options["wait"], status_token(ticket)
        found = visitor.staff_reply(ticket.pk, ticket.reference, token, options["text"], wait=options["wait"])
        if by_mail is not None and found.status == "answered":
            by_mail.wait_until_left(found, visitor.began, deadline)
        return found

    def _ticket(self, reference: str) -> Ticket:
        try:
            return Ticket.objects.all().by_reference(reference)
        except Ticket.DoesNotExist as error:
            raise Rejected(f"There is no ticket {reference}.") from error

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
