"""Which conversation a mail belongs to: by Gmail's thread, by our own signed id, by the mails that it names."""

import re
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Q, QuerySet

from channels_app.gmail.marks import conversations_of
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.parsing import Mail
from fte_project.events import Channel
from tickets.models import Message, Ticket, Trust
from tickets.tokens import LENGTH, ticket_of

TOKEN = re.compile(rf"/support/t/([0-9A-Za-z]{{{LENGTH}}})(?![0-9A-Za-z])")
TOKENS = 3


def continued(mailbox: GmailMailbox, thread_id: str, mail: Mail, *, address: str, trust: Trust) -> Ticket | None:
    """The ticket that a mail of `address` goes on with; only one of the same address.

    A sender whom nobody vouches for does not get into a conversation in which somebody was vouched for.
    """
    for messages in _around(mailbox, thread_id, mail):
        own = messages.filter(conversation__address=address)
        if trust == Trust.CLAIMED:
            own = own.filter(conversation__trust=Trust.CLAIMED)
        if (latest := own.select_related("ticket").order_by("id").last()) is not None:
            return latest.ticket
    by_link = None if trust == Trust.CLAIMED else _by_status_link(mail, address)
    return by_link or _held_up(address, trust)


def answered_by_hand(mailbox: GmailMailbox, thread_id: str, mail: Mail) -> list[int]:
    """The conversations of this thread whose customers a mail went to that a person sent from the mailbox; those who
    only got a copy count when nobody else did."""
    for addresses in (mail.recipients, mail.copied):
        for messages in _around(mailbox, thread_id, mail):
            there = messages.filter(conversation__address__in=addresses)
            if found := set(there.values_list("conversation_id", flat=True)):
                return sorted(found)
    return []


def _around(mailbox: GmailMailbox, thread_id: str, mail: Mail) -> Iterator[QuerySet[Message]]:
    named = [name for name in [mail.in_reply_to, *mail.references] if name]
    mails = GmailMail.objects.filter(mailbox=mailbox)
    yield Message.objects.filter(mails__in=mails.filter(thread_id=thread_id))
    yield Message.objects.filter(conversation__in=conversations_of(named))
    yield Message.objects.filter(mails__in=mails.filter(rfc822_id__in=named))


def _by_status_link(mail: Mail, address: str) -> Ticket | None:
    """What a mail copy with its status link is answered with, when the answer names nothing else."""
    for token in TOKEN.findall(mail.body)[:TOKENS]:
        try:
            ticket = ticket_of(token)
        except Ticket.DoesNotExist:
            continue
        if ticket.conversation.address == address:
            return ticket
    return None


def _held_up(address: str, trust: Trust) -> Ticket | None:
    """Where people look at a sender who got as many automatic mails within an hour as there may be: a new ticket would
    bring another one, and two machines without threads would go on for ever."""
    if Message.objects.all().automatic_lately().mailed_to(address, trust).count() < settings.ANSWERS_PER_HOUR:
        return None
    held = Ticket.objects.escalated().filter(conversation__address=address, channel=Channel.EMAIL)
    claimed = Q(conversation__trust=Trust.CLAIMED)
    return held.filter(claimed if trust == Trust.CLAIMED else ~claimed).first()
