"""Customers' mail for a simulated Gmail: how it is written, put into its mailbox, and what came back is seen."""

from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid
from typing import Any
from urllib.parse import quote

import requests
from django.utils import timezone

SECONDS = 10
ANSWERING = "In-Reply-To"


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A mail that has left the simulated mailbox; `mark` is the product's own, '' for mail that is not its."""

    id: str
    thread_id: str
    mark: str
    deliveries: int
    at: float
    mail: EmailMessage


class World:
    """The doors of a simulated Gmail (its `url`) that no Gmail has, for one mailbox. Raises RequestException."""

    def __init__(self, url: str, address: str) -> None:
        self.base = f"{url}/world/{quote(address)}"

    def write(self, raw: bytes) -> dict[str, str]:
        """The mail comes in: its `id`, `threadId` and `historyId`."""
        answer = requests.post(
            f"{self.base}/mail", data=raw, headers={"Content-Type": "message/rfc822"}, timeout=SECONDS
        )
        answer.raise_for_status()
        found: dict[str, str] = answer.json()
        return found

    def sent(self) -> list[Delivered]:
        """Everything that has left, oldest first."""
        return [
            Delivered(
                id=row["id"],
                thread_id=row["threadId"],
                mark=row["mark"],
                deliveries=row["deliveries"],
                at=row["at"],
                mail=message_from_string(row["raw"], policy=policy.default),
            )
            for row in self._get("sent")["sent"]
        ]

    def pushed_at(self, history_id: str) -> float | None:
        """When a push of this change or a later one was first answered, in seconds since 1970; None until then."""
        answered = [
            push["answeredAt"]
            for push in self._get("pushes")["pushes"]
            if int(push["historyId"]) >= int(history_id) and push["answeredAt"]
        ]
        return min(answered, default=None)

    def _get(self, what: str) -> dict[str, Any]:
        answer = requests.get(f"{self.base}/{what}", timeout=SECONDS)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def letter(*, sender: str, name: str, to: str, subject: str, text: str, answers: tuple[str, ...] = ()) -> bytes:
    """A person's mail as it arrives, with what Google writes about one that is really from its sender.

    `answers`: the Message-IDs of its thread, oldest first; the last is the mail that it answers.
    """
    domain = sender.rpartition("@")[2].lower()
    mail = EmailMessage(policy=policy.SMTP.clone(max_line_length=998))  # a folded Message-ID is another one
    mail["Authentication-Results"] = (
        f"mx.google.com; dkim=pass header.i=@{domain}; spf=pass smtp.mailfrom={sender}; "
        f"dmarc=pass (p=NONE) header.from={domain}"
    )
    mail["From"], mail["To"] = formataddr((name, sender)), to
    mail["Date"] = format_datetime(timezone.now())
    mail["Message-ID"] = make_msgid(domain=domain)
    if answers:
        mail[ANSWERING], mail["References"] = answers[-1], " ".join(answers)
        subject = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    mail["Subject"] = subject
    mail.set_content(text)
    return mail.as_bytes()


def answer_to(received: EmailMessage, text: str) -> tuple[str, tuple[str, ...]]:
    """A reply as mail programs make it: the text above what is answered, and the thread's Message-IDs."""
    who, date = str(received["From"]), str(received["Date"] or "Friday")
    body = received.get_body(("plain",))
    quoted = "".join(f"> {line}\n" for line in (body.get_content() if body else "").splitlines())
    earlier = str(received["References"] or "").split()
    return f"{text}\n\nOn {date}, {who} wrote:\n\n{quoted}", (*earlier, str(received["Message-ID"]))
