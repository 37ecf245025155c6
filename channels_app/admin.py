"""Who is on duty, and what the staff were told."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from channels_app.duty import may_change, on_duty, set_duty, team
from channels_app.models import StaffDuty


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
class StaffDutyAdmin(ModelAdmin):
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: StaffDuty | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StaffDuty | None = None) -> bool:
        return False
