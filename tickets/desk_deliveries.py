"""Replies on their way, on the desk: which ones people must look at, one delivery's page, and its doors."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe

from fte_project.events import Channel
from fte_project.markup import to_html
from fte_project.text import plain_error
from tickets import undelivered
from tickets.lifecycle import NotAllowed
from tickets.models import Delivery

S = Delivery.Status
CHANGE = "tickets.change_delivery"
# Unfold's label colours.
COLOURS = {
    S.QUEUED: "info",
    S.SENDING: "info",
    S.SENT: "success",
    S.DELIVERED: "success",
    S.READ: "success",
    S.FAILED: "danger",
    S.UNKNOWN: "warning",
}
WHAT_HAPPENED = {
    S.QUEUED: "It is about to be sent, or waits for its next try.",
    S.SENDING: "It is being sent right now.",
    S.SENT: "The provider accepted it.",
    S.DELIVERED: "The provider says that it arrived.",
    S.READ: "The customer has read it.",
    S.FAILED: "It was refused for good, or until its time was over. It did not arrive.",
    S.UNKNOWN: "The provider broke off in the middle, and cannot say what became of it. It may have arrived, or not.",
}
STILL_ASKED = "The provider broke off in the middle. It is being asked what became of this reply."
# The list's choices, in the order in which they are shown; the first one is where people start.
CHOICES: dict[str, tuple[str, Callable[[QuerySet[Delivery]], QuerySet[Delivery]]]] = {
    "people": ("A person must decide", lambda rows: rows.filter(pk__in=Delivery.objects.all().for_people())),
    "failed": ("Failed", lambda rows: rows.filter(status=S.FAILED)),
    "unknown": ("Unknown", lambda rows: rows.filter(status=S.UNKNOWN)),
    "under_way": ("On their way", lambda rows: rows.filter(status__in=[S.QUEUED, S.SENDING])),
    "all": ("All", lambda rows: rows),
}


def undelivered_count(_: HttpRequest) -> str:
    """How many deliveries wait for a person, for the sidebar; empty when none does."""
    return str(Delivery.objects.all().for_people().count() or "")


def in_words(delivery: Delivery) -> str:
    """What became of it, in a sentence without the provider's own words."""
    if delivery.status == S.UNKNOWN and delivery.look_up_at is not None:
        return STILL_ASKED
    if delivery.channel == Channel.WEB_FORM:
        return "The customer sees it on their status page."
    if delivery.status == S.SENT and not delivery.external_id:
        return "A person found out that it arrived."
    return WHAT_HAPPENED[S(delivery.status)]


def _found(request: HttpRequest, pk: int, *permissions: str) -> tuple[Delivery, User]:
    """The delivery and who asks for it. Raises PermissionDenied, Http404."""
    staff = request.user
    if not isinstance(staff, User) or not staff.has_perms(["tickets.view_delivery", *permissions]):
        raise PermissionDenied
    return get_object_or_404(Delivery.objects.select_related("reply__ticket__conversation"), pk=pk), staff


@require_safe
def page(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """One delivery: what was to be sent, what became of it, and what can be done."""
    delivery, staff = _found(request, pk)
    may_decide = staff.has_perm(CHANGE)
    context = {
        **model_admin.admin_site.each_context(request),
        "delivery": delivery,
        "ticket": delivery.reply.ticket,
        "colour": COLOURS[S(delivery.status)],
        "in_words": in_words(delivery),
        "error": plain_error(delivery.error),
        "body": to_html(delivery.reply.body),
        "is_copy": delivery.channel != delivery.reply.ticket.channel,
        "has_later": _has_later(delivery),
        "may_confirm": may_decide and not _obstacle(delivery, again=False),
        "may_send": may_decide and not _obstacle(delivery, again=True),
        "obstacle": _obstacle(delivery, again=True) if delivery.status in {S.FAILED, S.UNKNOWN} else "",
        "opts": model_admin.model._meta,
        "original": delivery,
        "title": f"Delivery {delivery.pk}",
    }
    return TemplateResponse(request, "admin/tickets/delivery/page.html", context)


def _obstacle(delivery: Delivery, *, again: bool) -> str:
    try:
        undelivered.check_decision(delivery, again=again)
    except NotAllowed as error:
        return str(error)
    return ""


def _has_later(delivery: Delivery) -> bool:
    """Whether a newer reply has left over the same channel: sent now, this one would come after it."""
    later = Delivery.objects.filter(
        reply__conversation=delivery.reply.conversation_id, channel=delivery.channel, pk__gt=delivery.pk
    )
    return later.filter(status__in=[S.SENT, S.DELIVERED, S.READ]).exists()


@require_POST
def confirm(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """A person says: it arrived."""
    delivery, staff = _found(request, pk, CHANGE)
    said = "Noted: the reply arrived."
    return _done(request, delivery, lambda: undelivered.confirm_arrived(delivery, staff), said)


@require_POST
def send_again(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """A person says: send it again."""
    delivery, staff = _found(request, pk, CHANGE)
    said = "The reply is queued and will be sent again."
    return _done(request, delivery, lambda: undelivered.send_again(delivery, staff), said)


def _done(request: HttpRequest, delivery: Delivery, work: Callable[[], None], said: str) -> HttpResponse:
    try:
        work()
    except NotAllowed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("admin:tickets_delivery_change", delivery.pk)
