"""Who is on duty, and what the staff were told."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.decorators import display

from channels_app.duty import may_change, on_duty, set_duty, team
from channels_app.models import GmailMail, StaffDuty, StaffNotice
from channels_app.settings_page import ChannelSettingsAdmin
from fte_project.desk import NONE, ReadOnlyAdmin, moment
from fte_project.text import plain_error
from tickets.models import Escalation, Ticket

__all__ = ["ChannelSettingsAdmin"]  # with every class below: the app's pages
Status = StaffNotice.Status
COLOURS = {  # Unfold's label colours
    Status.QUEUED: "info",
    Status.SENDING: "info",
    Status.SENT: "success",
    Status.FAILED: "danger",
    Status.UNKNOWN: "warning",
}


@require_POST
def change_duty(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """Somebody goes on duty or off: oneself, or anybody as a lead."""
    staff, user = request.user, get_object_or_404(team(), pk=pk)
    if not isinstance(staff, User) or not may_change(staff, user):
        raise PermissionDenied
    is_on = request.POST.get("duty") == "on"
    set_duty(user, is_on_duty=is_on)
    messages.success(request, f"{user.get_full_name() or user.username} is {'on' if is_on else 'off'} duty.")
    return redirect("admin:channels_app_staffduty_changelist")


@admin.register(StaffDuty)
class StaffDutyAdmin(ReadOnlyAdmin):
    """The team, and who of it is told of new work."""

    custom_urls = (("<int:pk>/", "channels_app_staffduty_set", change_duty),)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        told = set(on_duty(team()))
        rows = [{"user": u, "is_on": u in told, "may_change": may_change(request.user, u)} for u in team()]
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Who is on duty", "rows": rows}
        return TemplateResponse(request, "admin/channels_app/duty.html", context)

    def has_view_permission(self, request: HttpRequest, obj: StaffDuty | None = None) -> bool:
        return request.user.has_perm("tickets.view_ticket")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(StaffNotice)
class StaffNoticeAdmin(ReadOnlyAdmin):
    """What the staff were told outside the desk, whom, and what came of it."""

    list_display = ["about", "status_label", "told", "trouble", "when"]
    list_display_links = None
    list_filter = ["status", "kind", "way"]
    search_fields = ["address"]
    search_help_text = "E-mail address"
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffNotice]:
        ticket = Escalation.objects.filter(pk=OuterRef("subject_id")).values("ticket")
        told_of = Case(When(~Q(kind=StaffNotice.Kind.DEAD_LETTER), then=Subquery(ticket)))
        return super().get_queryset(request).annotate(ticket_pk=told_of)

    @display(description="About")
    def about(self, notice: Any) -> SafeString:
        if notice.kind == StaffNotice.Kind.DEAD_LETTER:
            words, model, pk = f"Dead letter {notice.subject_id}", "frame_deadletter", notice.subject_id
        elif notice.ticket_pk:
            words, model, pk = f"T-{Ticket.FIRST_REFERENCE + notice.ticket_pk}", "tickets_ticket", notice.ticket_pk
        else:  # it was erased
            return format_html('<span class="desk-soft">{}</span>', notice.get_kind_display())
        return format_html(
            '<a class="desk-link desk-ref" href="{}">{}</a> <span class="desk-line desk-soft">{}</span>',
            reverse(f"admin:{model}_change", args=[pk]),
            words,
            notice.get_kind_display(),
        )

    @display(description="Told")
    def told(self, notice: StaffNotice) -> str:
        return notice.address or notice.get_way_display()

    @display(description="Status", label={status.label: colour for status, colour in COLOURS.items()})
    def status_label(self, notice: StaffNotice) -> str:
        return notice.get_status_display()

    @display(description="Error")
    def trouble(self, notice: StaffNotice) -> SafeString:
        return format_html('<span class="desk-reason">{}</span>', plain_error(notice.error)) if notice.error else NONE

    @display(description="When", ordering="id")
    def when(self, notice: StaffNotice) -> SafeString:
        return moment(notice.changed_at)


@admin.register(GmailMail)
class GmailMailAdmin(ReadOnlyAdmin):
    """Every mail of our mailbox, and what became of it: the bin is everything that is no customer's message."""

    list_display = ["matter", "status_label", "sender", "automatic", "when"]
    list_display_links = None
    list_filter = ["fate", "automatic"]
    search_fields = ["sender", "subject"]
    search_help_text = "Sender or subject"
    list_select_related = ["message"]
    list_per_page = 50

    def has_view_permission(self, request: HttpRequest, obj: GmailMail | None = None) -> bool:
        return request.user.has_perm("tickets.view_ticket")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @display(description="Subject")
    def matter(self, mail: GmailMail) -> SafeString | str:
        words = mail.subject or "(no subject)"
        if mail.message is None:
            return words
        url = reverse("admin:tickets_ticket_change", args=[mail.message.ticket_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, words)

    @display(
        description="What it was", label={GmailMail.Fate.STORED.label: "success", GmailMail.Fate.OWN.label: "info"}
    )
    def status_label(self, mail: GmailMail) -> str:
        return mail.get_fate_display()

    @display(description="When", ordering="id")
    def when(self, mail: GmailMail) -> SafeString:
        return moment(mail.seen_at)
