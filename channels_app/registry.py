"""Which provider sends on which channel, and what a send can say."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from fte_project.events import Channel
from tickets.models import Delivery, Message


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The provider accepted it, under this id."""

    external_id: str


class SendError(Exception):
    """The send did not succeed. `refused`: the provider certainly did not accept it; `permanent`: it never will.

    An error that is not `refused` is ambiguous: the message may be on its way. `retry_after` is the provider's
    wish in seconds.
    """

    def __init__(
        self, text: str, *, permanent: bool = False, refused: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.refused = refused
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class Provider:
    """How one channel's provider is spoken to.

    `send(delivery, check)` calls `check` right before the words leave: it raises LeaseLost when they are not ours
    to send any more. `look_up` gives what the provider accepted of this delivery, None when it certainly has
    nothing, and raises SendError when it cannot say; a provider that cannot be asked at all has none. `test` sends a
    test to an address of ours, at once, and raises SendError.
    """

    send: Callable[[Delivery, Callable[[], None]], Sent]
    look_up: Callable[[Delivery], Sent | None] | None = None
    test: Callable[[str], None] | None = None


PROVIDERS = {Channel.EMAIL: "channels_app.web_form.sender.MAIL_COPY"}
GMAIL = "channels_app.gmail.sender.GMAIL"
MEMO = "channels_app.simulator.memo_sender.MEMO"


def provider(channel: str) -> Provider:
    """The provider of `channel`. Raises SendError for a channel that is off."""
    path = PROVIDERS.get(Channel(channel))
    if settings.GMAIL_ADDRESS and channel == Channel.EMAIL:
        path = GMAIL
    if settings.MEMO_URL and channel == Channel.EMAIL:
        path = MEMO
    if path is None:
        raise SendError(f"The channel {Channel(channel).label} is off.", permanent=True, refused=True)
    found: Provider = import_string(path)
    return found


def provider_of(delivery: Delivery) -> Provider:
    """The provider that sends this one. Raises SendError for a channel that is off.

    Codes leave through the mail server, whatever sends replies: in no thread, and with no copy in our own mailbox.
    """
    if delivery.reply.kind == Message.Kind.CODE and not settings.MEMO_URL:
        by_mail: Provider = import_string(PROVIDERS[Channel.EMAIL])
        return by_mail
    return provider(delivery.channel)
