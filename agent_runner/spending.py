"""What the model's work costs, in dollars and for one customer in tokens."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import F, Sum
from django.db.models.functions import Now

from agent_runner.models import AgentRun
from tickets.models import Conversation, Trust

MILLION = Decimal(1_000_000)


def cost_usd(*, input_tokens: int, cached_tokens: int, output_tokens: int) -> Decimal | None:
    """By the prices in the settings; None while they are not known or nothing was used."""
    if not (settings.OPENAI_PRICE_INPUT or settings.OPENAI_PRICE_OUTPUT) or not input_tokens + output_tokens:
        return None
    paid = (
        (input_tokens - cached_tokens) * Decimal(str(settings.OPENAI_PRICE_INPUT))
        + cached_tokens * Decimal(str(settings.OPENAI_PRICE_CACHED_INPUT))
        + output_tokens * Decimal(str(settings.OPENAI_PRICE_OUTPUT))
    )
    return round(paid / MILLION, 6)


def tokens_of_today(conversation_id: int) -> int:
    """What the model read and wrote for this conversation's customer within 24 hours.

    What strangers who claim an address have used up does not count against its owner.
    """
    here = Conversation.objects.get(pk=conversation_id)
    runs = AgentRun.objects.filter(
        conversation__customer_id=here.customer_id, started_at__gt=Now() - timedelta(hours=24)
    )
    if here.trust != Trust.CLAIMED:
        runs = runs.exclude(conversation__trust=Trust.CLAIMED)
    used: int | None = runs.aggregate(used=Sum(F("input_tokens") + F("output_tokens")))["used"]
    return used or 0
