"""What was said earlier, as far as this conversation may know it."""

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from itertools import accumulate

from django.db.models.functions import Now

from agent_runner.budgets import HISTORY_CHARACTERS, SUMMARY_CHARACTERS, cut
from tickets.models import Conversation, Message, Trust

LAST = 20
BEGINNING_CHARACTERS = 60
AGAIN_AFTER = timedelta(days=1)  # until then it is one exchange, in which nobody is greeted twice
ANSWERS = (Message.Kind.ANSWER, Message.Kind.MESSAGE)


class Earlier(StrEnum):
    """What contact there was before, as far as a greeting should say so."""

    NONE = ""
    HERE = "here"  # this conversation has an answer already
    MIDST = "midst"  # so it has, and said so lately: an exchange is under way
    ELSEWHERE = "elsewhere"  # the customer wrote before about something else, from an address that is theirs


def earlier_contact(conversation_id: int) -> Earlier:
    """What the greeting of an answer that is stored now acknowledges: once, not in every line of a chat."""
    here = Conversation.objects.get(pk=conversation_id)
    said = Message.objects.filter(conversation=here, direction=Message.Direction.OUTBOUND)
    answered = said.filter(kind__in=ANSWERS).order_by("pk").first()
    if answered is not None:
        ours = said.filter(author=Message.Author.ASSISTANT, kind=Message.Kind.ANSWER, pk__gt=answered.pk)
        return Earlier.MIDST if ours.filter(created_at__gt=Now() - AGAIN_AFTER).exists() else Earlier.HERE
    if here.trust == Trust.CLAIMED:
        return Earlier.NONE
    others = Message.objects.filter(conversation__customer_id=here.customer_id).exclude(conversation=here)
    known = others.exclude(conversation__trust=Trust.CLAIMED).filter(direction=Message.Direction.INBOUND)
    return Earlier.ELSEWHERE if known.exists() else Earlier.NONE


def earlier_messages(conversation_id: int, *, before: int | None) -> list[Message]:
    """The last 20 messages, older than message `before` when there is one, oldest first.

    A claimed address sees its own conversation only; a verified one all of the customer's verified conversations. Whose
    those are changes by a merge alone, which takes a code or a person: a proposal changes nothing.
    """
    here = Conversation.objects.get(pk=conversation_id)
    visible = Message.objects.exclude(kind=Message.Kind.CODE)
    if before is not None:
        visible = visible.filter(pk__lt=before)
    if here.trust == Trust.CLAIMED:
        visible = visible.filter(conversation=here)
    else:
        visible = visible.filter(conversation__customer_id=here.customer_id).exclude(conversation__trust=Trust.CLAIMED)
    return list(visible.order_by("-id")[:LAST])[::-1]


def as_lines(messages: list[Message]) -> str:
    """The messages for the model, oldest first: the newest in full as far as there is room, and what was before them
    in a summary."""
    if not messages:
        return "No earlier messages."
    lines = [_line(message) for message in messages]
    whole = _fitting(lines, HISTORY_CHARACTERS)
    older = messages[: len(messages) - whole]
    return "\n".join([*_summary(older), *lines[len(older) :]])


def _line(message: Message) -> str:
    return cut(f"{message.author} ({message.channel}): {' '.join(message.body.split())}", HISTORY_CHARACTERS // 2)


def _fitting(lines: list[str], limit: int) -> int:
    """How many of the last lines fit."""
    sizes = accumulate(len(line) for line in reversed(lines))
    return sum(1 for size in sizes if size <= limit)


def _summary(messages: list[Message]) -> list[str]:
    """Who wrote how much, and how the last of these messages began."""
    if not messages:
        return []
    counts = Counter(str(m.author) for m in messages)
    said = ", ".join(f"{number} by {author}" for author, number in counts.items())
    begun = [f"- {m.author}: {cut(' '.join(m.body.split()), BEGINNING_CHARACTERS)}" for m in messages]
    shown = _fitting(begun, SUMMARY_CHARACTERS)
    return [f"Before that, {len(messages)} messages ({said}); they began:", *begun[len(begun) - shown :], "Then:"]
