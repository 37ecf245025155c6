"""How the customer feels in the messages of a run: felt once, a reason to hand over, and stored with the run."""

from django.conf import settings

from agent_runner.context import RunContext
from agent_runner.gate import Kind, Verdict
from agent_runner.sentiment import FALLEN_OVER, Feeling, feel, is_falling, is_negative
from tickets.models import Message
from tickets.reasons import Reason, Urgency

SURE = 1.0  # the model gives no confidence with its sentiment: its word counts, as the gate takes it


def unhappy(context: RunContext) -> Verdict | None:
    """Without a key: a message that is negative with confidence, or a mood that falls."""
    if settings.OPENAI_API_KEY:
        return None  # the model judges the mood with its answer
    feel_messages(context)
    if any(map(is_negative, context.moods.values())):
        return _for_people("the customer is very unhappy", Urgency.HIGH)
    return unhappier(context)


def unhappier(context: RunContext) -> Verdict | None:
    """The mood fell over the customer's last three messages in this conversation."""
    feel_messages(context)
    before = Message.objects.filter(
        conversation=context.conversation_id,
        direction=Message.Direction.INBOUND,
        pk__lt=min(context.moods, default=0),
    ).order_by("-id")
    earlier = list(before.values_list("sentiment", flat=True)[: FALLEN_OVER - 1])[::-1]
    scores = [score for score in earlier if score is not None]
    if len(scores) < len(earlier):  # one came while people held the ticket: nobody felt it
        scores = []
    scores += [feeling.score for feeling in context.moods.values()]
    return _for_people("the customer is unhappier with each message", Urgency.NORMAL) if is_falling(scores) else None


def feel_messages(context: RunContext) -> None:
    """Leave in `context.moods` how each message of the run feels, oldest first; what was felt before stays.

    With a key that is what the model said with its answer. Where no answer came, nobody said it: it is felt here.
    """
    if context.moods:
        return
    if settings.OPENAI_API_KEY and context.draft is not None:
        context.moods = dict.fromkeys(context.message_ids, Feeling(context.draft.sentiment, SURE))
        return
    first = min(context.message_ids) if context.is_opening else None
    for pk, body in Message.objects.filter(pk__in=context.message_ids).values_list("pk", "body"):
        context.moods[pk] = feel(f"{context.subject}\n{body}" if pk == first else body)


def store_moods(context: RunContext) -> None:
    """Write the moods to their messages, in the transaction that stores the run."""
    for pk, feeling in context.moods.items():
        Message.objects.filter(pk=pk).update(sentiment=feeling.score, sentiment_confidence=feeling.confidence)


def _for_people(finding: str, urgency: Urgency) -> Verdict:
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.NEGATIVE_SENTIMENT, findings=(finding,), urgency=urgency)
