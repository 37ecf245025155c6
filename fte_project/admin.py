"""Accounts, service keys and what was given up, on the desk."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from fte_project.desk import NONE, ChoiceFilter, ChoicesAdmin, moment
from fte_project.models import DeadLetter
from fte_project.text import plain_error
from tickets.lifecycle import NotAllowed
from tickets.models import Delivery, Ticket
from tickets.replay import replay, why_not, with_tickets
from tickets.timeline import person

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffUserAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class StaffGroupAdmin(GroupAdmin, ModelAdmin):
    pass


@dataclass(frozen=True, kw_only=True)
class Story:
    """A dead letter in plain words: what it is about, what happened, and what a replay does (empty: nothing can)."""

    headline: str
    happened: str
    replay: str = ""


STORIES = {
    DeadLetter.Kind.CONVERSATION: Story(
        headline="The assistant could not answer",
        happened=(
            "Every try of the assistant failed. The customer was told that a person will answer, and the ticket was "
            "escalated."
        ),
        replay=(
            "The ticket goes back to the assistant, which tries again to answer what the customer wrote. Its "
            "escalation is closed. Do this when what was broken works again."
        ),
    ),
    DeadLetter.Kind.DELIVERY: Story(
        headline="A reply could not be delivered",
        happened="The provider refused it for good, or until its time was over. It did not arrive.",
        replay="The reply is queued as if it were new. Do this when the address or the provider works again.",
    ),
    DeadLetter.Kind.RECORD: Story(
        headline="A record on Kafka was no event of ours",
        happened=(
            "It was noted and passed over. Nobody's message was in it: those are stored before anything is put on "
            "Kafka. There is nothing to replay."
        ),
    ),
    DeadLetter.Kind.CHANNEL: Story(
        headline="A mailbox could not be read",
        happened=(
            "Nothing is lost: its mail is read as soon as it works again, and then this is settled by itself. "
            "`manage.py doctor` says how it stands."
        ),
    ),
}
NOT_FOR_REPLAY = [DeadLetter.Kind.RECORD, DeadLetter.Kind.CHANNEL]


class ReplayedFilter(ChoiceFilter):
    """Whether there is something left to replay."""

    title = "replay"
    parameter_name = "replayed"
    words = {"all": "All", "no": "Not replayed", "yes": "Replayed"}

    def queryset(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        match self.chosen():
            case "no":
                return queryset.filter(replayed_at=None).exclude(kind__in=NOT_FOR_REPLAY)
            case "yes":
                return queryset.exclude(replayed_at=None)
        return queryset


@require_POST
def replay_letter(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """Try again what was given up."""
    staff = request.user
    if not isinstance(staff, User) or not staff.has_perms(["frame.view_deadletter", "frame.change_deadletter"]):
        raise PermissionDenied
    letter = get_object_or_404(DeadLetter, pk=pk)
    try:
        replay(letter, staff)
    except NotAllowed as error:
        messages.error(request, f"Not replayed. {error}")
    else:
        messages.success(request, "It is tried again now.")
    return redirect("admin:frame_deadletter_change", pk)


@admin.register(DeadLetter)
class DeadLetterAdmin(ChoicesAdmin):
    """Work that was given up: what failed and why, and a button to try it again."""

    list_display = ["what", "ticket_link", "error_short", "tries", "when", "replayed"]
    list_display_links = ["what"]
    choice_filter = ReplayedFilter
    list_filter = [ReplayedFilter, "kind"]
    list_select_related = ["replayed_by"]
    list_per_page = 50
    list_fullwidth = True
    search_fields = ["error", "origin"]
    search_help_text = "Words of the error"
    custom_urls = (("<int:pk>/replay/", "frame_deadletter_replay", replay_letter),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        return with_tickets(super().get_queryset(request))

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """A page of its own under the admin's address; there is no raw form."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        is_id = object_id.isdecimal() and len(object_id) < 19
        rows = self.get_queryset(request).select_related("replayed_by")
        letter = get_object_or_404(rows, pk=int(object_id) if is_id else 0)
        return TemplateResponse(request, "admin/frame/deadletter/page.html", self._page(request, letter))

    def _page(self, request: HttpRequest, letter: Any) -> dict[str, Any]:
        story = STORIES[DeadLetter.Kind(letter.kind)]
        obstacle = why_not(letter)
        is_delivery = letter.kind == DeadLetter.Kind.DELIVERY and Delivery.objects.filter(pk=letter.subject_id).exists()
        may_view = request.user.has_perm("tickets.view_delivery")
        return {
            **self.admin_site.each_context(request),
            "letter": letter,
            "story": story,
            "state": _state(letter, can_be_replayed=not obstacle),
            "error": plain_error(letter.error),
            "ticket": Ticket.objects.filter(pk=letter.ticket_pk or 0).first(),
            "delivery_pk": letter.subject_id if is_delivery and may_view else None,
            "why_not": obstacle,
            "may_replay": not obstacle and request.user.has_perm("frame.change_deadletter"),
            "replayed_by": person(letter.replayed_by),
            "opts": self.model._meta,
            "original": letter,
            "title": f"Dead letter {letter.pk}",
        }

    @display(description="What failed")
    def what(self, letter: DeadLetter) -> SafeString:
        headline = STORIES[DeadLetter.Kind(letter.kind)].headline
        return format_html('{} <span class="desk-soft desk-line">{}</span>', headline, letter.origin)

    @display(description="Ticket")
    def ticket_link(self, letter: Any) -> SafeString | str:
        if not letter.ticket_pk:
            return NONE
        url = reverse("admin:tickets_ticket_change", args=[letter.ticket_pk])
        return format_html('<a class="desk-link" href="{}">T-{}</a>', url, Ticket.FIRST_REFERENCE + letter.ticket_pk)

    @display(description="Error")
    def error_short(self, letter: DeadLetter) -> SafeString:
        return format_html('<span class="desk-reason">{}</span>', Truncator(plain_error(letter.error)).chars(140))

    @display(description="Tries")
    def tries(self, letter: DeadLetter) -> SafeString | str:
        return str(letter.attempts) if letter.attempts else NONE

    @display(description="Given up", ordering="id")
    def when(self, letter: DeadLetter) -> SafeString:
        return moment(letter.created_at)

    @display(description="Replayed")
    def replayed(self, letter: DeadLetter) -> SafeString | str:
        if letter.replayed_at is None or letter.kind in NOT_FOR_REPLAY:
            return NONE
        words = f"{letter.replayed_at:%-d %b %Y, %H:%M} UTC"
        return format_html('by {} <span class="desk-soft desk-line">{}</span>', person(letter.replayed_by), words)


def _state(letter: DeadLetter, *, can_be_replayed: bool) -> dict[str, str]:
    if letter.kind == DeadLetter.Kind.RECORD:
        return {"words": "Noted", "colour": "default"}
    if letter.kind == DeadLetter.Kind.CHANNEL:
        is_over = letter.replayed_at is not None
        return {"words": "Works again" if is_over else "Not yet", "colour": "success" if is_over else "danger"}
    if letter.replayed_at is not None:
        return {"words": "Replayed", "colour": "success"}
    return {"words": "Not replayed", "colour": "danger" if can_be_replayed else "default"}
