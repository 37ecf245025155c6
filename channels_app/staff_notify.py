"""The staff hear of escalations and of work that was given up outside the desk too: by mail and by one webhook.

Rows are the queue here as well (`StaffNotice`); the events of `fte.escalations` and `fte.dlq` only ring.
"""

import asyncio
import time
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from channels_app.duty import leads, on_duty, team
from channels_app.models import StaffNotice
from channels_app.registry import SendError
from channels_app.sending import next_try, outcome, under_lease
from channels_app.staff_words import send
from fte_project.crash import crash
from fte_project.db import FREE, LeaseLost, insist, unit_of_work
from fte_project.events import DeadLettered, EscalationOpened, Event, publish, topic
from fte_project.inbox import OVERDUE, work_through
from fte_project.models import DeadLetter, OutboxEvent
from tickets.models import Delivery, Escalation

log = structlog.get_logger()
Kind, Way, Status = StaffNotice.Kind, StaffNotice.Way, StaffNotice.Status
Subject = tuple[str, int]  # a kind of event, and the id it carries
CONCURRENCY = 4
MISSED_AFTER = timedelta(seconds=10)
STOP_TELLING_AFTER = timedelta(days=1)
ONE_MATTER = timedelta(hours=1)  # bad records that come so soon after one that was told are no further news
BATCH = 200


def plan(kind: str, subject_id: int) -> None:
    """Decide once whom to tell of it, and by which ways; nothing for what is no news, or planned already."""
    is_planned = StaffNotice.objects.filter(kind=kind, subject_id=subject_id).exists()
    if is_planned or not news(kind).filter(pk=subject_id).exists():
        return
    rows = [StaffNotice(kind=kind, subject_id=subject_id, way=Way.MAIL, address=to) for to in addresses(kind)]
    if settings.STAFF_WEBHOOK_URL:
        rows.append(StaffNotice(kind=kind, subject_id=subject_id, way=Way.WEBHOOK))
    if not rows:
        error = "Nobody of the desk has an e-mail address, and STAFF_WEBHOOK_URL is not set."
        rows = [StaffNotice(kind=kind, subject_id=subject_id, way=Way.NONE, status=Status.FAILED, error=error)]
        log.error("nobody_to_tell", kind=kind, subject=subject_id)
    StaffNotice.objects.bulk_create(rows, ignore_conflicts=True)


def news(kind: str) -> QuerySet[Escalation] | QuerySet[DeadLetter]:
    """Of what the staff should hear: it is no older than a day, and nobody has dealt with it.

    A lost mail copy is only shown, like on the ticket; and of bad records one an hour is told.
    """
    since = Now() - STOP_TELLING_AFTER
    if kind == Kind.UNCLAIMED:
        since -= timedelta(minutes=settings.STAFF_REMIND_MINUTES)
    if kind != Kind.DEAD_LETTER:
        return _waiting().filter(opened_at__gt=since)
    letters = _given_up().filter(created_at__gt=since)
    copies = Delivery.objects.filter(pk=OuterRef("subject_id")).exclude(channel=F("reply__ticket__channel"))
    records = DeadLetter.objects.filter(kind=DeadLetter.Kind.RECORD, created_at__gt=Now() - ONE_MATTER)
    told = StaffNotice.objects.filter(
        kind=Kind.DEAD_LETTER, created_at__gt=Now() - ONE_MATTER, subject_id__in=records.values("pk")
    )
    return letters.exclude(Q(kind=DeadLetter.Kind.DELIVERY) & Exists(copies)).exclude(
        Q(kind=DeadLetter.Kind.RECORD) & (Q(created_at__lt=Now() - ONE_MATTER) | Exists(told))
    )


def _waiting() -> QuerySet[Escalation]:
    """Escalations that nobody has taken."""
    return Escalation.objects.all().still_open().filter(claimed_at=None)


def _given_up() -> QuerySet[DeadLetter]:
    """Dead letters that nobody has replayed, and mailboxes that do not work again yet."""
    return DeadLetter.objects.filter(replayed_at=None)


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
        untouched = _given_up() if notice.kind == Kind.DEAD_LETTER else _waiting()
        if not untouched.filter(pk=notice.subject_id).exists():
            settle(notice, Status.SKIPPED)
            return None
        return notice


def settle(notice: StaffNotice, status: StaffNotice.Status, **changes: object) -> None:
    """Record how it ended. Raises LeaseLost when the notice is not ours any more."""
    notice.settle(status=status, changed_at=Now(), rung_at=None, **changes)


def record_error(notice: StaffNotice, error: SendError) -> None:
    """Unknown when it may have arrived, failed for good, or queued again: only a certain refusal is sent again."""
    status = Status(outcome(error, is_too_late=timezone.now() - notice.created_at > STOP_TELLING_AFTER))
    when = {"due_at": next_try(error, notice.attempts)} if status == Status.QUEUED else {}
    settle(notice, status, error=str(error), **when)


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
        await _attempt(notice, began)
    except LeaseLost:
        log.warning("notice_lease_lost", notice=notice_id)
    crash("notice_recorded")


async def _attempt(notice: StaffNotice, began: float) -> None:
    """Send once and record what came of it. Raises LeaseLost."""
    try:
        await under_lease(notice, began, send)
        crash("notice_accepted")
        await insist(unit_of_work(settle), notice, Status.SENT, error="")
    except SendError as error:
        log.warning("notice_error", notice=notice.pk, error=error)
        await insist(unit_of_work(record_error), notice, error)


def look_after() -> None:
    """Timed job: what no event told of, what nobody has taken, what was cut off, and what is due is rung."""
    StaffNotice.objects.cut_off().update(
        status=Status.UNKNOWN, error="The sending process ended before it knew the outcome.", changed_at=Now(), **FREE
    )
    if not OutboxEvent.objects.lagging().exists():  # while the relay cannot publish, more events help nobody
        _ring()
    _plan_untold(Kind.ESCALATION, Q(opened_at__lt=Now() - MISSED_AFTER))
    _plan_untold(Kind.UNCLAIMED, Q(opened_at__lt=Now() - timedelta(minutes=settings.STAFF_REMIND_MINUTES)))
    _plan_untold(Kind.DEAD_LETTER, Q(created_at__lt=Now() - MISSED_AFTER))


def _plan_untold(kind: str, is_late: Q) -> None:
    told = StaffNotice.objects.filter(kind=kind, subject_id=OuterRef("pk"))
    for subject_id in news(kind).filter(is_late, ~Exists(told)).order_by("pk").values_list("pk", flat=True)[:BATCH]:
        plan(kind, subject_id)


def _ring() -> None:
    with transaction.atomic():
        due = StaffNotice.objects.due().order_by("id").ring_again(BATCH)
        of_letters = {n.subject_id for n in due if n.kind == Kind.DEAD_LETTER}
        of_tickets = {n.subject_id for n in due if n.kind != Kind.DEAD_LETTER}
        letters = dict(DeadLetter.objects.filter(pk__in=of_letters).values_list("pk", "conversation_id"))
        tickets = dict(Escalation.objects.filter(pk__in=of_tickets).values_list("pk", "ticket__conversation_id"))
        for pk, conversation_id in letters.items():
            publish(DeadLettered(conversation_id=conversation_id or 0, dead_letter_id=pk))
        for pk, conversation_id in tickets.items():
            publish(EscalationOpened(conversation_id=conversation_id, escalation_id=pk))
        erased = [n.pk for n in due if n.subject_id not in (letters if n.kind == Kind.DEAD_LETTER else tickets)]
        StaffNotice.objects.filter(pk__in=erased).update(status=Status.SKIPPED, changed_at=Now())


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
