"""The world around a simulated mailbox, which no Gmail has: mail comes in from anybody, and what left can be seen."""

from collections import Counter
from email.message import Message
from typing import TYPE_CHECKING, Any

from channels_app.gmail.marks import DELIVERY_HEADER

if TYPE_CHECKING:
    from channels_app.simulator.gmail import GmailServer
    from channels_app.simulator.mailbox import Mailbox


def look(server: "GmailServer", method: str, what: list[str], raw: bytes) -> dict[str, Any]:
    """One call below /world/<address>. Raises LookupError for what is not there.

    POST mail: the raw mail comes in. GET sent: what was delivered, oldest first. GET pushes: what Pub/Sub told.
    """
    address, *rest = what
    mailbox = server.mailboxes[address]
    match method, rest:
        case "POST", ["mail"]:
            stored = mailbox.receive(raw)
            return {"id": stored.id, "threadId": stored.thread_id, "historyId": str(stored.history_id)}
        case "GET", ["sent"]:
            return {"sent": sent(mailbox)}
        case "GET", ["pushes"]:
            log = list(server.pushes.log) if server.pushes else []
            return {
                "pushes": [
                    {"historyId": str(push.history_id), "tries": push.tries, "answeredAt": push.answered_at}
                    for push in log
                    if push.address == address
                ]
            }
    raise LookupError(f"The world has no {method} {'/'.join(rest)}.")


def sent(mailbox: "Mailbox") -> list[dict[str, Any]]:
    """Every mail that left, with how often its like did: `deliveries` counts those under the same mark."""
    mails = list(mailbox.sent)
    counts = Counter(mark_of(mail.parsed) or mail.id for mail in mails)
    return [
        {
            "id": mail.id,
            "threadId": mail.thread_id,
            "draft": mail.draft_id,
            "mark": mark_of(mail.parsed),
            "deliveries": counts[mark_of(mail.parsed) or mail.id],
            "at": mail.at,
            "raw": mail.raw.decode("utf-8", "surrogateescape"),
        }
        for mail in mails
    ]


def mark_of(mail: Message) -> str:
    """What the product signs its own mails with; '' without."""
    return str(mail[DELIVERY_HEADER] or "").strip()
