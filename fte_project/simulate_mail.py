"""A customer who writes mail to a running instance: through its simulated Gmail, and until the answer has left it."""

import time
from datetime import UTC, datetime
from typing import Any

from channels_app.gmail.marks import delivery_of
from channels_app.gmail.models import GmailMail
from channels_app.simulator.letters import Delivered, World, answer_to, letter
from fte_project.simulate import POLL_SECONDS, Clock, Outcome, Rejected, Visitor
from tickets.models import Delivery, Message, Ticket
from tickets.tokens import status_token


class Correspondent:
    """Writes to the mailbox of the instance, and sees what leaves it."""

    def __init__(self, instance: dict[str, Any]) -> None:
        self.visitor = Visitor(instance)
        self.address = instance["gmail"]["GMAIL_ADDRESS"]
        self.world = World(instance["gmail"]["GMAIL_API_URL"], self.address)

    def write(self, *, sender: str, name: str, subject: str, text: str, wait: float) -> Outcome:
        """A first mail, and what becomes of it. Raises Rejected for one that is not taken as a customer's."""
        raw = letter(sender=sender, name=name, to=self.address, subject=subject, text=text)
        return self._converse(raw, wait)

    def write_again(self, ticket: Ticket, *, sender: str | None, text: str, wait: float) -> Outcome:
        """A reply to the last mail of the ticket, by default from who has it. Raises Rejected, also without a mail."""
        conversation = ticket.conversation
        received = [mail for mail in self.world.sent() if self._delivery(mail, reply__conversation=conversation)]
        if received:
            text, answers = answer_to(received[-1].mail, text)
            subject = str(received[-1].mail["Subject"])
        else:  # from before this Gmail was started
            mails = GmailMail.objects.filter(message__conversation=conversation).exclude(rfc822_id="")
            answers = tuple(reversed(mails.values_list("rfc822_id", flat=True)))
            subject = ticket.subject
        if not answers:
            raise Rejected(f"No mail of {ticket.reference} is there to be answered.")
        raw = letter(
            sender=sender or conversation.address,
            name=conversation.name,
            to=self.address,
            subject=subject,
            text=text,
            answers=answers,
        )
        return self._converse(raw, wait)

    def wait_until_left(self, found: Outcome, began: Clock, deadline: float) -> None:
        """Fill in when the newest reply of the ticket left as a mail; it stays `waiting` when it did not in time."""
        reply = self._newest_reply(found)
        status, found.status, found.delivered_ms = found.status, "waiting", None
        while reply is not None and time.monotonic() < deadline:
            left = [mail for mail in self.world.sent() if self._delivery(mail, reply=reply)]
            if left:
                found.delivered_ms = began.ms_at(datetime.fromtimestamp(left[0].at, UTC))
                found.status = status
                return
            time.sleep(POLL_SECONDS)

    def _converse(self, raw: bytes, wait: float) -> Outcome:
        began, deadline = Clock(), time.monotonic() + wait
        came = self.world.write(raw)
        found = Outcome()
        mail = self._taken(came["id"], deadline)
        pushed_at = self.world.pushed_at(came["historyId"])
        moments = [mail.seen_at] if mail else []
        moments += [datetime.fromtimestamp(pushed_at, UTC)] if pushed_at else []
        found.accepted_ms = began.ms_at(min(moments)) if moments else None
        if mail is None:
            return found
        if mail.message is None:
            raise Rejected(
                f"The mail was not taken as a customer's: {mail.get_fate_display()} {mail.automatic}".strip()
            )
        found.ticket, found.token = mail.message.ticket.reference, status_token(mail.message.ticket)
        self.visitor.wait_for_reply(found, began, deadline, author=None)
        if found.status != "waiting":
            self.wait_until_left(found, began, deadline)
        return found

    def _taken(self, gmail_id: str, deadline: float) -> GmailMail | None:
        mails = GmailMail.objects.filter(mailbox__address=self.address, gmail_id=gmail_id)
        while True:
            if (mail := mails.select_related("message__ticket").first()) is not None:
                return mail
            if time.monotonic() >= deadline:
                return None
            time.sleep(POLL_SECONDS)

    def _newest_reply(self, found: Outcome) -> Message | None:
        ticket = Ticket.objects.all().by_reference(str(found.ticket))
        return ticket.messages.filter(direction=Message.Direction.OUTBOUND, body=found.reply).last()

    def _delivery(self, mail: Delivered, **about: object) -> bool:
        """Whether the mail is ours and carries a reply like this."""
        number = delivery_of(mail.mark) if mail.mark else None
        return number is not None and Delivery.objects.filter(pk=number, **about).exists()
