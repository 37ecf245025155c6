"""What was said earlier, as far as this conversation may know it."""

from datetime import timedelta
from enum import StrEnum

from django.db.models.functions import Now

from tickets.models import Conversation, Message, Trust

LAST = 20
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
    """The messages for the model, one a line, each cut at 400 characters."""
    if not messages:
        return "No earlier messages."
    return "\n".join(f"{m.author} ({m.channel}): {' '.join(m.body.split())[:400]}" for m in messages)
