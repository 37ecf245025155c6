"""The assistant's work on a conversation, as a row that is claimed, renewed, and finished, retried or given up."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from fte_project.crash import crash
from fte_project.db import FREE, LeaseLost
from fte_project.events import DeadLettered, publish
from fte_project.models import DeadLetter
from tickets.escalations import HandOver, escalate
from tickets.lifecycle import Handler
from tickets.models import Conversation, Message, Ticket
from tickets.reasons import Reason, Urgency

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Work:
    """A claimed conversation: the lease token, and the ticket as it stood when the claim was made."""

    conversation_id: int
    ticket_id: int
    token: uuid.UUID
    attempts: int
    handler_epoch: int


class Result(StrEnum):
    """What became of a finished run."""

    STORED = "stored"
    NEWER_MESSAGE = "newer_message"  # the customer wrote meanwhile: think again, with all
    TAKEN_OVER = "taken_over"  # people hold it now: the answer is discarded


def claim(conversation_id: int) -> Work | None:
    """Take the conversation if it is due, free and the assistant's to answer; None otherwise.

    One whose tries are used up (its worker died each time) is given up here.
    """
    with transaction.atomic():  # a claim that its process does not hear of would cost a lease
        token = Conversation.objects.all().due().take(conversation_id)
        if token is None:
            return None
        # Locked, so a hand back in this instant finds the row either before or after this.
        conversation = Conversation.objects.lock(conversation_id)
        ticket = conversation.current_ticket()
        if ticket is None or ticket.handler != Handler.ASSISTANT:
            Conversation.objects.filter(pk=conversation_id).update(work_due_at=None, **FREE)
            return None
        work = Work(
            conversation_id=conversation_id,
            ticket_id=ticket.pk,
            token=token,
            attempts=conversation.attempts,
            handler_epoch=ticket.handler_epoch,
        )
    crash("work_claimed")
    if work.attempts > settings.MAX_ATTEMPTS:
        _give_up(work, "The worker ended in the middle of every try.")
        return None
    return work


def renew(work: Work) -> bool:
    """Hold the work for another lease; False when it is no longer ours."""
    return Conversation.objects.all().renew(work.conversation_id, work.token)


def finish(work: Work, read: list[int], store: Callable[[Ticket], None], *, even_if_newer: bool = False) -> Result:
    """Run `store` with the ticket, in one transaction that only commits while the work is still ours.

    `read` are the ids of the messages the run has seen. Nothing is stored when people have taken over, or when a
    newer message has arrived and `even_if_newer` is not set. Raises LeaseLost.
    """
    with transaction.atomic():
        conversation = _fenced(work)
        ticket = Ticket.objects.get(pk=work.ticket_id)
        newer = ticket.messages.all().unanswered().exclude(pk__in=read).exists()
        due: datetime | Now | None
        if ticket.handler != Handler.ASSISTANT or ticket.handler_epoch != work.handler_epoch:
            result, due = Result.TAKEN_OVER, conversation.work_due_at  # whoever took over, or gave it back, set it
        elif newer and not even_if_newer:
            return Result.NEWER_MESSAGE
        else:
            store(ticket)
            ticket.refresh_from_db()
            again = newer and ticket.handler == Handler.ASSISTANT
            result, due = Result.STORED, Now() if again else None
        Conversation.objects.filter(pk=conversation.pk).update(work_due_at=due, attempts=0, rung_at=None, **FREE)
        crash("work_before_commit")
    crash("work_after_commit")
    return result


def _fenced(work: Work) -> Conversation:
    Conversation.objects.lock(work.conversation_id)
    conversation = Conversation.objects.all().held(work.conversation_id, work.token).first()
    if conversation is None:
        raise LeaseLost
    return conversation


def release(work: Work) -> None:
    """Give the work back untouched (this process is stopping): it does not count as a try."""
    Conversation.objects.filter(pk=work.conversation_id, lease_token=work.token).update(
        attempts=Greatest(F("attempts") - 1, 0), rung_at=None, **FREE
    )


def postpone(work: Work, wait: timedelta) -> None:
    """Give the work back until `wait` has passed, which does not count as a try. Raises LeaseLost."""
    with transaction.atomic():
        _fenced(work)
        Conversation.objects.filter(pk=work.conversation_id).update(
            work_due_at=Now() + wait, attempts=Greatest(F("attempts") - 1, 0), rung_at=None, **FREE
        )


def place_in_line(conversation_id: int) -> int:
    """How many conversations that wait for the assistant have waited longer than this one."""
    waiting = Message.objects.all().unanswered().filter(conversation__work_due_at__isnull=False)
    mine = waiting.filter(conversation_id=conversation_id).first()
    older = waiting.filter(pk__lt=mine.pk) if mine else waiting.none()
    return older.order_by().values("conversation_id").distinct().count()


def retry(work: Work, error: str) -> None:
    """Try again later, after 2, 4, 8 … seconds with jitter; after the last try give up. Raises LeaseLost."""
    if work.attempts >= settings.MAX_ATTEMPTS:
        _give_up(work, error)
        return
    wait = timedelta(seconds=2**work.attempts * random.uniform(0.75, 1.25))  # noqa: S311 (jitter)
    with transaction.atomic():
        _fenced(work)
        Conversation.objects.filter(pk=work.conversation_id).update(work_due_at=Now() + wait, rung_at=None, **FREE)
    crash("work_retried")
    log.warning("work_retried", conversation=work.conversation_id, attempt=work.attempts, error=error[:200])


def _give_up(work: Work, error: str) -> None:
    """Dead letter, its event, and one escalation whose text is the holding reply: all or nothing."""
    with transaction.atomic():
        _fenced(work)
        ticket = Ticket.objects.get(pk=work.ticket_id)
        if ticket.handler != Handler.ASSISTANT:  # people have it already
            Conversation.objects.filter(pk=work.conversation_id).update(work_due_at=None, attempts=0, **FREE)
            return
        escalate(
            ticket,
            HandOver(
                reason=Reason.PROCESSING_ERROR,
                urgency=Urgency.HIGH,
                detail=f"Every try failed. Last error: {error[:300]}",
            ),
        )
        text = ticket.messages.filter(direction=Message.Direction.OUTBOUND).last()  # the holding text, stored just now
        letter = DeadLetter.objects.create(
            kind=DeadLetter.Kind.CONVERSATION,
            conversation_id=work.conversation_id,
            subject_id=text.pk if text else None,
            error=error[:4000],
            attempts=work.attempts,
        )
        publish(DeadLettered(conversation_id=work.conversation_id, dead_letter_id=letter.pk))
        Conversation.objects.filter(pk=work.conversation_id).update(work_due_at=None, attempts=0, **FREE)
        crash("give_up_before_commit")
    crash("give_up_after_commit")
    log.error("work_given_up", conversation=work.conversation_id, error=error[:200])
