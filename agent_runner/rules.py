"""What is decided before any model is asked: fixed rules, of which the first that applies decides."""

from collections.abc import Callable

from django.conf import settings

from agent_runner.context import RunContext
from agent_runner.gate import Kind, Verdict
from agent_runner.loops import loop_sign
from agent_runner.spending import tokens_of_today
from agent_runner.triggers import find_trigger
from tickets.models import Message
from tickets.reasons import Reason

Rule = Callable[[RunContext], Verdict | None]


def decide(context: RunContext) -> Verdict | None:
    """What becomes of the customer's unanswered words without a model; None when it should be asked."""
    return next((verdict for rule in RULES if (verdict := rule(context)) is not None), None)


def triggered(context: RunContext) -> Verdict | None:
    """Words that always go to people."""
    said = f"{context.subject}\n{context.question}" if _is_first(context) else context.question
    trigger = find_trigger(said)
    if trigger is None:
        return None
    finding = f"trigger: {trigger.words}"
    return Verdict(kind=Kind.HAND_OVER, reason=trigger.reason, findings=(finding,), urgency=trigger.urgency)


def looping(context: RunContext) -> Verdict | None:
    """Perhaps a machine: a person looks."""
    sign = loop_sign(context)
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.USAGE_LIMIT, findings=(f"loop: {sign}",)) if sign else None


def overspent(context: RunContext) -> Verdict | None:
    """The model has read and written enough for this customer today."""
    if tokens_of_today(context.conversation_id) < settings.CUSTOMER_TOKENS_PER_DAY:
        return None
    finding = f"{settings.CUSTOMER_TOKENS_PER_DAY} tokens were used for this customer within 24 hours"
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.USAGE_LIMIT, findings=(finding,))


RULES: tuple[Rule, ...] = (triggered, looping, overspent)


def _is_first(context: RunContext) -> bool:
    """The ticket's first message is among the unanswered ones: its subject speaks for it."""
    first = Message.objects.filter(ticket_id=context.ticket_id, direction=Message.Direction.INBOUND).first()
    return first is not None and first.pk in context.message_ids
