"""Who else gets a mail: whom the customer copied, and whom staff choose to."""

from collections.abc import Iterable

from customers.identifiers import normal_email
from fte_project.events import Channel
from tickets.models import Message, Ticket

MOST = 20


class NoAddress(ValueError):
    """What was typed is no list of addresses; the text is for the person who typed it."""


def copies(ticket: Ticket, typed: Iterable[str]) -> list[str]:
    """The addresses in what was ticked and typed, in normal form, each once. Raises NoAddress."""
    found: dict[str, None] = {}
    for word in " ".join(typed).replace(",", " ").replace(";", " ").split():
        try:
            found[normal_email(word)] = None
        except ValueError as error:
            raise NoAddress(f"{word} is not an e-mail address, so nobody got the reply yet.") from error
    found.pop(ticket.conversation.address, None)
    if len(found) > MOST:
        raise NoAddress(f"A reply can go to at most {MOST} more addresses.")
    return list(found) if ticket.channel == Channel.EMAIL else []


def copied_by_customer(ticket: Ticket) -> list[str]:
    """Whom the customer copied in their last mail of this ticket."""
    last = ticket.messages.filter(direction=Message.Direction.INBOUND).order_by("id").last()
    return [str(address) for address in last.cc] if last and ticket.channel == Channel.EMAIL else []
