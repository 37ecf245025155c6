"""What was said earlier, as far as this conversation may know it."""

from tickets.models import Conversation, Message, Trust

LAST = 20


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
