"""Is it a machine that we are talking to? Two that answer each other never end by themselves."""

from django.conf import settings

from agent_runner.context import RunContext
from fte_project.events import Channel
from fte_project.markup import to_plain
from tickets.models import Conversation, Message

SAID_LATELY = 10
REPEATED = 3  # the same words so often in a row
ECHO_SHARE = 0.8  # of a message that is our own words: an echo; less is a quote


def loop_sign(context: RunContext) -> str:
    """Why this conversation looks like a loop, in words for staff; empty when it does not.

    A person who asks much meets the first sign too: then a person goes on.
    """
    if _answers(context) >= settings.ANSWERS_PER_HOUR - 1:  # the text that hands it over is the last one
        return f"{settings.ANSWERS_PER_HOUR - 1} automatic texts within an hour"
    said = Message.objects.filter(conversation=context.conversation_id).order_by("-id")
    asked = _folded(context.question)
    ours = said.filter(direction=Message.Direction.OUTBOUND).values_list("body", flat=True)[:SAID_LATELY]
    if any(reply in asked and len(reply) >= ECHO_SHARE * len(asked) for reply in map(_folded, map(to_plain, ours))):
        return "our own words came back"
    theirs = said.filter(direction=Message.Direction.INBOUND).values_list("body", flat=True)[:REPEATED]
    if len(theirs) == REPEATED and len(set(map(_folded, theirs))) == 1:
        return f"the same words {REPEATED} times"
    return ""


def _answers(context: RunContext) -> int:
    """Automatic texts of the last hour: here, and by mail to the same address in other conversations."""
    lately = Message.objects.all().automatic_lately()
    here = lately.filter(conversation=context.conversation_id).count()
    if context.channel != Channel.EMAIL:
        return here
    conversation = Conversation.objects.get(pk=context.conversation_id)
    return max(here, lately.mailed_to(conversation.address, conversation.trust).count())


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
