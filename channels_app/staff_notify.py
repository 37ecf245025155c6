"""The staff hear of escalations and of work that was given up outside the desk too: by mail and by one webhook.

Rows are the queue here as well (`StaffNotice`); the events of `fte.escalations` and `fte.dlq` only ring.
"""

import asyncio
import time
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

from channels_app.duty import leads, on_duty, team
from channels_app.models import StaffNotice
from channels_app.registry import SendError
from channels_app.sending import backoff, under_lease
from channels_app.staff_words import send
from fte_project.crash import crash
from fte_project.db import LeaseLost, insist, unit_of_work
from fte_project.events import DeadLettered, EscalationOpened, Event, publish, topic
from fte_project.inbox import OVERDUE, work_through
from fte_project.models import DeadLetter, OutboxEvent
from tickets.models import Escalation

log = structlog.get_logger()
Kind, Way, Status = StaffNotice.Kind, StaffNotice.Way, StaffNotice.Status
Subject = tuple[str, int]  # a kind of event, and the id it carries
CONCURRENCY = 4
MISSED_AFTER = timedelta(seconds=10)
STOP_TELLING_AFTER = timedelta(days=1)
RING_AGAIN_AFTER = timedelta(seconds=10)
BATCH = 200
FREE = {"lease_token": None, "lease_expires_at": None}


def plan(kind: str, subject_id: int) -> None:
    """Decide once whom to tell of it, and by which ways; later calls change nothing."""
    if StaffNotice.objects.filter(kind=kind, subject_id=subject_id).exists():
        return
    rows = [StaffNotice(kind=kind, subject_id=subject_id, way=Way.MAIL, address=to) for to in addresses(kind)]
    if settings.STAFF_WEBHOOK_URL:
        rows.append(StaffNotice(kind=kind, subject_id=subject_id, way=Way.WEBHOOK))
    if not rows:
        error = "Nobody of the desk has an e-mail address, and STAFF_WEBHOOK_URL is not set."
        rows = [StaffNotice(kind=kind, subject_id=subject_id, way=Way.NONE, status=Status.FAILED, error=error)]
        log.error("nobody_to_tell", kind=kind, subject=subject_id)
    StaffNotice.objects.bulk_create(rows, ignore_conflicts=True)


def addresses(kind: str) -> list[str]:
    """Where it is mailed: to agents and leads on duty, or to leads alone; when none is on duty, to every lead."""
    wanted = team() if kind == Kind.ESCALATION else leads()
    reached = on_duty(wanted).exclude(email="") or leads().exclude(email="")
    return sorted({user.email.lower() for user in reached})


def claim(notice_id: int) -> StaffNotice | None:
    """Take the notice if it is due and free; one that is no news any more is settled instead."""
    with transaction.atomic():
        token = StaffNotice.objects.due().take(notice_id)
        if token is None:
            return None
        notice = StaffNotice.objects.get(pk=notice_id)
        if not _is_news(notice):
            settle(notice, Status.SKIPPED)
            return None
        return notice


def _is_news(notice: StaffNotice) -> bool:
    if notice.kind == Kind.DEAD_LETTER:
        return DeadLetter.objects.filter(pk=notice.subject_id, replayed_at=None).exists()
    return Escalation.objects.all().still_open().filter(pk=notice.subject_id, claimed_at=None).exists()


def settle(notice: StaffNotice, status: StaffNotice.Status, **changes: object) -> None:
    """Record how it ended. Raises LeaseLost when the notice is not ours any more."""
    values = {"status": status, "changed_at": Now(), "rung_at": None, **FREE, **changes}
    if not StaffNotice.objects.filter(pk=notice.pk, lease_token=notice.lease_token).update(**values):
        raise LeaseLost


def record_error(notice: StaffNotice, error: SendError) -> None:
    """Unknown when it may have arrived, failed for good, or queued again: only a certain refusal is sent again."""
    if not error.refused:
        settle(notice, Status.UNKNOWN, error=str(error))
    elif error.permanent or timezone.now() - notice.created_at > STOP_TELLING_AFTER:
        settle(notice, Status.FAILED, error=str(error))
    else:
        wait = max(backoff(notice.attempts), timedelta(seconds=error.retry_after or 0))
        settle(notice, Status.QUEUED, error=str(error), due_at=Now() + wait)


async def tell(subject: Subject) -> None:
    """Plan the notices of an escalation or dead letter if nobody has, and send those that are due."""
    kind, subject_id = subject
    await unit_of_work(plan)(kind, subject_id)
    crash("notice_planned")
    for notice_id in await unit_of_work(_due)(kind, subject_id):
        await _tell_one(notice_id)


def _due(kind: str, subject_id: int) -> list[int]:
    kinds = [Kind.DEAD_LETTER] if kind == Kind.DEAD_LETTER else [Kind.ESCALATION, Kind.UNCLAIMED]
    due = StaffNotice.objects.due().free().filter(kind__in=kinds, subject_id=subject_id)
    return list(due.order_by("id").values_list("pk", flat=True))


async def _tell_one(notice_id: int) -> None:
    began = time.monotonic()
    notice = await unit_of_work(claim)(notice_id)
    if notice is None:
        return
    crash("notice_claimed")
    try:
        await under_lease(notice, began, send)
        crash("notice_accepted")
        await insist(unit_of_work(settle), notice, Status.SENT, error="")
    except SendError as error:
        log.warning("notice_error", notice=notice_id, error=str(error)[:200])
        await insist(unit_of_work(record_error), notice, error)
    except LeaseLost:
        log.warning("notice_lease_lost", notice=notice_id)
    crash("notice_recorded")


def look_after() -> None:
    """Timed job: what no event told of, what nobody has taken, what was cut off, and what is due is rung."""
    StaffNotice.objects.cut_off().update(
        status=Status.UNKNOWN, error="The sending process ended before it knew the outcome.", changed_at=Now(), **FREE
    )
    waiting = Escalation.objects.all().still_open().filter(claimed_at=None)
    letters = DeadLetter.objects.filter(replayed_at=None)
    _plan_untold(Kind.ESCALATION, waiting.filter(opened_at__range=_ago(MISSED_AFTER)))
    _plan_untold(
        Kind.UNCLAIMED, waiting.filter(opened_at__range=_ago(timedelta(minutes=settings.STAFF_REMIND_MINUTES)))
    )
    _plan_untold(Kind.DEAD_LETTER, letters.filter(created_at__range=_ago(MISSED_AFTER)))
    if not OutboxEvent.objects.lagging().exists():  # while the relay cannot publish, more events help nobody
        _ring()


def _ago(wait: timedelta) -> tuple[Combinable, Combinable]:
    """From so long ago back to a day before: what is older is no news."""
    return Now() - (wait + STOP_TELLING_AFTER), Now() - wait


def _plan_untold(kind: str, found: QuerySet[Escalation] | QuerySet[DeadLetter]) -> None:
    told = StaffNotice.objects.filter(kind=kind, subject_id=OuterRef("pk"))
    for subject_id in found.filter(~Exists(told)).order_by("pk").values_list("pk", flat=True)[:BATCH]:
        plan(kind, subject_id)


def _ring() -> None:
    quiet = Q(rung_at=None) | Q(rung_at__lt=Now() - RING_AGAIN_AFTER)
    with transaction.atomic():
        due = list(StaffNotice.objects.due().free().filter(quiet).select_for_update(skip_locked=True)[:BATCH])
        StaffNotice.objects.filter(pk__in=[n.pk for n in due]).update(rung_at=Now())
        letters = {n.subject_id for n in due if n.kind == Kind.DEAD_LETTER}
        for pk, conversation_id in DeadLetter.objects.filter(pk__in=letters).values_list("pk", "conversation_id"):
            publish(DeadLettered(conversation_id=conversation_id or 0, dead_letter_id=pk))
        others = {n.subject_id for n in due if n.kind != Kind.DEAD_LETTER}
        escalations = Escalation.objects.filter(pk__in=others).values_list("pk", "ticket__conversation_id")
        for pk, conversation_id in escalations:
            publish(EscalationOpened(conversation_id=conversation_id, escalation_id=pk))


def _pick(event: Event) -> Subject | None:
    if isinstance(event, EscalationOpened):
        return Kind.ESCALATION.value, event.escalation_id
    if isinstance(event, DeadLettered):
        return Kind.DEAD_LETTER.value, event.dead_letter_id
    return None


def _is_overdue() -> bool:
    return StaffNotice.objects.due().free().filter(due_at__lt=Now() - OVERDUE).exists()


async def notify_staff(stop: asyncio.Event) -> None:
    """Tell the staff what is rung, until told to stop; a part of the delivery role."""
    await work_through(
        stop,
        group="fte.notify",
        topics=[topic("fte.escalations"), topic("fte.dlq")],
        pick=_pick,
        work=tell,
        overdue=_is_overdue,
        at_once=CONCURRENCY,
    )
