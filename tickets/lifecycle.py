"""One table: what happens to a ticket. Every change of status or handler goes through it."""

from dataclasses import dataclass

from django.db import models


class Status(models.TextChoices):
    OPEN = "open", "Open"
    PENDING = "pending", "Waiting for customer"
    ESCALATED = "escalated", "Escalated"
    RESOLVED = "resolved", "Resolved"
    CLOSED = "closed", "Closed"


class Handler(models.TextChoices):
    ASSISTANT = "assistant", "Assistant"
    STAFF = "staff", "Staff"
    NOBODY = "nobody", "Nobody yet"


class Event(models.TextChoices):
    """What can happen to a ticket."""

    INBOUND = "inbound", "customer wrote"
    ASSISTANT_REPLY = "assistant_reply", "assistant replied"
    STAFF_REPLY = "staff_reply", "staff replied"
    ESCALATE = "escalate", "escalated"
    CLAIM = "claim", "claimed"
    HAND_BACK = "hand_back", "handed back"
    RESOLVE = "resolve", "resolved"
    TIMER = "timer", "time passed"


class Text(models.TextChoices):
    """Which text to the customer an event comes with."""

    NONE = "none"
    REPLY = "reply"  # the reply itself
    HAND_OVER = "hand_over"  # a person will answer


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The new status; the new handler, or None when it stays; the text that goes out."""

    status: Status
    handler: Handler | None = None
    text: Text = Text.NONE


class NotAllowed(Exception):
    """This event cannot happen to a ticket in this status; the text is for the person who tried."""


S, H, E, T = Status, Handler, Event, Text

# A pair that is not here cannot happen. While staff or nobody holds a ticket the assistant never answers, so
# ASSISTANT_REPLY is also refused by handler (see `outcome`). An inbound message to a closed ticket opens a new one.
TABLE: dict[tuple[Status, Event], Outcome] = {
    (S.OPEN, E.INBOUND): Outcome(status=S.OPEN),
    (S.OPEN, E.ASSISTANT_REPLY): Outcome(status=S.PENDING, handler=H.ASSISTANT, text=T.REPLY),
    (S.OPEN, E.STAFF_REPLY): Outcome(status=S.PENDING, handler=H.STAFF, text=T.REPLY),
    (S.OPEN, E.ESCALATE): Outcome(status=S.ESCALATED, handler=H.NOBODY, text=T.HAND_OVER),
    (S.OPEN, E.CLAIM): Outcome(status=S.OPEN, handler=H.STAFF),
    (S.OPEN, E.HAND_BACK): Outcome(status=S.OPEN, handler=H.ASSISTANT),
    (S.OPEN, E.RESOLVE): Outcome(status=S.RESOLVED),
    (S.PENDING, E.INBOUND): Outcome(status=S.OPEN),
    (S.PENDING, E.ASSISTANT_REPLY): Outcome(status=S.PENDING, handler=H.ASSISTANT, text=T.REPLY),
    (S.PENDING, E.STAFF_REPLY): Outcome(status=S.PENDING, handler=H.STAFF, text=T.REPLY),
    (S.PENDING, E.ESCALATE): Outcome(status=S.ESCALATED, handler=H.NOBODY, text=T.HAND_OVER),
    (S.PENDING, E.CLAIM): Outcome(status=S.PENDING, handler=H.STAFF),
    (S.PENDING, E.HAND_BACK): Outcome(status=S.PENDING, handler=H.ASSISTANT),
    (S.PENDING, E.RESOLVE): Outcome(status=S.RESOLVED),
    (S.PENDING, E.TIMER): Outcome(status=S.RESOLVED),
    (S.ESCALATED, E.INBOUND): Outcome(status=S.ESCALATED),
    (S.ESCALATED, E.STAFF_REPLY): Outcome(status=S.PENDING, handler=H.STAFF, text=T.REPLY),
    (S.ESCALATED, E.CLAIM): Outcome(status=S.ESCALATED, handler=H.STAFF),
    (S.ESCALATED, E.HAND_BACK): Outcome(status=S.OPEN, handler=H.ASSISTANT),
    (S.ESCALATED, E.RESOLVE): Outcome(status=S.RESOLVED),
    (S.RESOLVED, E.INBOUND): Outcome(status=S.OPEN),
    (S.RESOLVED, E.STAFF_REPLY): Outcome(status=S.PENDING, handler=H.STAFF, text=T.REPLY),
    (S.RESOLVED, E.ESCALATE): Outcome(status=S.ESCALATED, handler=H.NOBODY, text=T.HAND_OVER),
    (S.RESOLVED, E.TIMER): Outcome(status=S.CLOSED),
}


def outcome(status: Status, handler: Handler, event: Event) -> tuple[Status, Handler, Text]:
    """What `event` makes of a ticket: its new status and handler, and the text to the customer.

    Raises NotAllowed for a pair that is not in the table, and for an assistant's reply while it is not the handler.
    """
    found = TABLE.get((status, event))
    if found is None or (event == Event.ASSISTANT_REPLY and handler != Handler.ASSISTANT):
        raise NotAllowed(f"A ticket that is {status.label.lower()} cannot be {event.label}.")
    new_handler = found.handler or handler
    if event == Event.RESOLVE and handler == Handler.NOBODY:
        new_handler = Handler.STAFF  # whoever resolved it hears the customer's answer; nobody would not
    return found.status, new_handler, found.text
