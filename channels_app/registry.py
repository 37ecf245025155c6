"""Which function sends on which channel, and what a send can say."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.module_loading import import_string

from fte_project.events import Channel
from tickets.models import Delivery


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The provider accepted it, under this id."""

    external_id: str


class SendError(Exception):
    """The send did not succeed. `refused`: the provider certainly did not accept it; `permanent`: it never will.

    An error that is not `refused` is ambiguous: the message may be on its way.
    """

    def __init__(self, text: str, *, permanent: bool = False, refused: bool = False) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.refused = refused


Sender = Callable[[Delivery], Sent]
SENDERS = {Channel.EMAIL: "channels_app.web_form.sender.send_copy"}


def sender(channel: str) -> Sender:
    """The function that sends on `channel`. Raises SendError for a channel that is off."""
    path = SENDERS.get(Channel(channel))
    if path is None:
        raise SendError(f"The channel {Channel(channel).label} is off.", permanent=True, refused=True)
    found: Sender = import_string(path)
    return found
