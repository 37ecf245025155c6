"""What is decided before any model is asked: fixed rules, of which the first that applies decides."""

import re
from collections.abc import Callable

from django.conf import settings

from agent_runner.closings import is_closing
from agent_runner.context import RunContext
from agent_runner.gate import Kind, Verdict
from agent_runner.history import ANSWERS
from agent_runner.language import ARTICLES, language_name
from agent_runner.loops import loop_sign
from agent_runner.mood import unhappy
from agent_runner.spending import tokens_of_today
from agent_runner.triggers import find_trigger
from agent_runner.vague import is_vague
from tickets.models import Attachment, Message
from tickets.phrases import CLOSING, QUESTION, phrase
from tickets.reasons import Reason

Rule = Callable[[RunContext], Verdict | None]
ANSWERS_TRIED = 2  # after so many, "it still does not work" is no case for a question
# What a channel writes in place of what came without words.
_MEDIA = re.compile(
    r"\s*(?:\[(?:image|photo|picture|voice (?:note|message)|audio|video|document|file|sticker|location|contact)\]\s*)+",
    re.IGNORECASE,
)


def decide(context: RunContext) -> Verdict | None:
    """What becomes of the customer's unanswered words without a model; None when it should be asked."""
    return next((verdict for rule in RULES if (verdict := rule(context)) is not None), None)


def triggered(context: RunContext) -> Verdict | None:
    """Words that always go to people."""
    trigger = find_trigger(context.said())
    if trigger is None:
        return None
    finding = f"trigger: {trigger.words}"
    return Verdict(kind=Kind.HAND_OVER, reason=trigger.reason, findings=(finding,), urgency=trigger.urgency)


def looping(context: RunContext) -> Verdict | None:
    """Perhaps a machine: a person looks."""
    sign = loop_sign(context)
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.USAGE_LIMIT, findings=(f"loop: {sign}",)) if sign else None


def closed(context: RunContext) -> Verdict | None:
    """Thanks, or "that did it": a short word back, and no search."""
    ours = Message.objects.filter(ticket=context.ticket_id, direction=Message.Direction.OUTBOUND)
    is_answered = ours.exclude(kind__in=[Message.Kind.CODE, Message.Kind.HAND_OVER]).exists()
    if not is_closing(context.said(), is_answered=is_answered, names=_names(context)):
        return None
    if not is_answered and _has_files(context):  # thanks beforehand, for what the file asks
        return None
    text = phrase(CLOSING, context.language)
    return Verdict(kind=Kind.ANSWER, findings=("thanks or a farewell",), text=text, text_kind=Message.Kind.CLOSING)


def only_media(context: RunContext) -> Verdict | None:
    """A file, a picture or a voice note without words that say what it is about: a person looks at it."""
    if not (_MEDIA.fullmatch(context.question) or (_is_vague(context) and _has_files(context))):
        return None
    finding = "a file and no words to go by"
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.UNSUPPORTED_MEDIA, findings=(finding,))


def foreign(context: RunContext) -> Verdict | None:
    """Without a key nobody reads another language than the articles'."""
    if settings.OPENAI_API_KEY or context.language in {"", ARTICLES}:
        return None
    finding = f"written in {language_name(context.language)}; the articles are in {language_name(ARTICLES)}"
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.MISSING_KNOWLEDGE, findings=(finding,))


def vague(context: RunContext) -> Verdict | None:
    """Nothing to go by: one question, once; then, or when our answers have not helped, a person."""
    if not _is_vague(context):
        return None
    ours = Message.objects.filter(ticket=context.ticket_id, author=Message.Author.ASSISTANT)
    why = ""
    if ours.filter(kind=Message.Kind.QUESTION).exists():
        why = "too vague, also after a question"
    elif ours.filter(kind__in=ANSWERS).count() >= ANSWERS_TRIED:
        why = f"{ANSWERS_TRIED} answers have not settled it, and what the customer says now is too vague"
    if why:
        return Verdict(kind=Kind.HAND_OVER, reason=Reason.MISSING_KNOWLEDGE, findings=(why,))
    text = phrase(QUESTION, context.language)
    return Verdict(kind=Kind.ANSWER, findings=("too vague",), text=text, text_kind=Message.Kind.QUESTION)


def overspent(context: RunContext) -> Verdict | None:
    """The model has read and written enough for this customer today."""
    if tokens_of_today(context.conversation_id) < settings.CUSTOMER_TOKENS_PER_DAY:
        return None
    finding = f"{settings.CUSTOMER_TOKENS_PER_DAY} tokens were used for this customer within 24 hours"
    return Verdict(kind=Kind.HAND_OVER, reason=Reason.USAGE_LIMIT, findings=(finding,))


# A closing in another language needs no reader, and the picture in somebody's signature is no matter of its own: so
# closings come before both.
RULES: tuple[Rule, ...] = (triggered, looping, closed, only_media, foreign, unhappy, vague, overspent)


def _has_files(context: RunContext) -> bool:
    return Attachment.objects.filter(message__in=context.message_ids).exists()


def _is_vague(context: RunContext) -> bool:
    return is_vague(context.said(), _names(context))


def _names(context: RunContext) -> tuple[str, str]:
    return settings.COMPANY_NAME, context.customer_name
