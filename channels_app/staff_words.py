"""What a notice to staff says, as a mail and as a webhook: references and reasons, never customers' words."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from channels_app.mailing import automatic_mail, send_mail
from channels_app.models import StaffNotice
from channels_app.posting import post_json
from fte_project.models import DeadLetter
from tickets.models import Escalation
from tickets.reasons import Urgency

WEBHOOK_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Telling:
    """One notice in words: `headline`, `lines` below it, and the page of the desk where it is dealt with."""

    headline: str
    lines: tuple[str, ...]
    url: str
    facts: dict[str, str]


def telling(notice: StaffNotice) -> Telling:
    """The words of a notice. Raises ObjectDoesNotExist when what it tells of was erased."""
    if notice.kind == StaffNotice.Kind.DEAD_LETTER:
        return _of_dead_letter(DeadLetter.objects.get(pk=notice.subject_id))
    escalation = Escalation.objects.select_related("ticket").get(pk=notice.subject_id)
    return _of_escalation(escalation, is_reminder=notice.kind == StaffNotice.Kind.UNCLAIMED)


def _of_escalation(escalation: Escalation, *, is_reminder: bool) -> Telling:
    ticket, reason = escalation.ticket, escalation.get_reason_display()
    urgency = Urgency(escalation.urgency)
    loud = f" ({urgency.label.lower()})" if urgency in {Urgency.HIGH, Urgency.CRITICAL} else ""
    what = "still waits for a person" if is_reminder else "needs a person"
    return Telling(
        headline=f"{ticket.reference} {what}: {reason}{loud}",
        lines=(
            f"Channel: {ticket.get_channel_display()}",
            f"Priority: {ticket.get_priority_display()}",
            f"Escalated: {escalation.opened_at:%-d %B %Y, %H:%M} UTC",
        ),
        url=_desk("tickets_ticket", ticket.pk),
        facts={"ticket": ticket.reference, "reason": escalation.reason, "urgency": escalation.urgency},
    )


def _of_dead_letter(letter: DeadLetter) -> Telling:
    kind = letter.get_kind_display()
    if letter.kind == DeadLetter.Kind.CHANNEL:
        return Telling(
            headline=f"The mailbox {letter.origin} needs somebody",
            lines=(letter.error, "Nothing is lost: its mail is read as soon as it works again."),
            url=_desk("frame_deadletter", letter.pk),
            facts={"dead_letter": str(letter.pk), "dead_letter_kind": letter.kind},
        )
    return Telling(
        headline=f"Work was given up: {kind}",
        lines=(
            f"Tries: {letter.attempts}",
            f"Given up: {letter.created_at:%-d %B %Y, %H:%M} UTC",
            "It can be replayed from the desk.",
        ),
        url=_desk("frame_deadletter", letter.pk),
        facts={"dead_letter": str(letter.pk), "dead_letter_kind": letter.kind},
    )


def _desk(model: str, pk: int) -> str:
    return settings.PUBLIC_BASE_URL + reverse(f"admin:{model}_change", args=[pk])


def send(notice: StaffNotice, check: Callable[[], None]) -> None:
    """Send one notice, after `check`. Raises SendError."""
    words = telling(notice)
    if notice.way == StaffNotice.Way.WEBHOOK:
        _post(notice, words, check)
    else:
        _mail(notice, words, check)


def _mail(notice: StaffNotice, words: Telling, check: Callable[[], None]) -> None:
    duty = settings.PUBLIC_BASE_URL + reverse("admin:channels_app_staffduty_changelist")
    mail = automatic_mail(
        subject=words.headline,
        body=render_to_string("email/staff_notice.txt", {"words": words, "duty": duty}),
        to=notice.address,
        mark=f"notice-{notice.pk}",
        kind="auto-generated",
    )
    send_mail(mail, check)


def _post(notice: StaffNotice, words: Telling, check: Callable[[], None]) -> None:
    body = {
        "id": str(notice.pk),
        "event": notice.kind,
        **words.facts,
        "url": words.url,
        "text": f"{words.headline}\n{words.url}",  # what chat programs show
    }
    data = json.dumps(body).encode()
    headers = {"Idempotency-Key": f"notice-{notice.pk}"}
    if settings.STAFF_WEBHOOK_SECRET:
        digest = hmac.new(settings.STAFF_WEBHOOK_SECRET.encode(), data, hashlib.sha256).hexdigest()
        headers["X-Signature-SHA256"] = digest
    post_json(settings.STAFF_WEBHOOK_URL, data, check, headers=headers, seconds=WEBHOOK_SECONDS)
