"""A channel's page on the desk: how it stands, what leads may change, and a test that is really sent."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from channels_app.registry import SendError, provider
from fte_project.events import Channel
from fte_project.health import Finding, State, checks
from fte_project.text import plain_error
from tickets.models import ChannelSettings

CHANGE = "tickets.change_channelsettings"
COLOURS = {State.OK: "success", State.OFF: "default", State.FAILED: "danger"}
WORDS = {State.OK: "Works", State.OFF: "Off", State.FAILED: "Needs you"}


def finding(channel: str) -> Finding:
    """How the channel stands: what `doctor` says of the part with its name."""
    examine: Any = import_string(next(check.path for check in checks() if check.name == channel))
    found: Finding = examine()
    return found


@require_POST
def send_test(request: HttpRequest, channel: str, model_admin: Any) -> HttpResponse:
    """Send a test to whoever asks for it, and to nobody else."""
    staff = request.user
    if not isinstance(staff, User) or not staff.has_perm(CHANGE):
        raise PermissionDenied
    row = get_object_or_404(ChannelSettings, pk=channel)
    if channel != Channel.EMAIL:
        raise Http404
    if not staff.email:
        messages.error(request, "Nothing was sent: your own account has no e-mail address.")
    else:
        _send(request, staff.email)
    return redirect("admin:tickets_channelsettings_change", row.pk)


def _send(request: HttpRequest, address: str) -> None:
    try:
        test = provider(Channel.EMAIL).test
        if test is None:
            raise SendError("What sends mail here cannot send a test.")
        test(address)
    except SendError as error:
        messages.error(request, f"The test was not sent. {plain_error(str(error))}")
    else:
        messages.success(request, f"A test is on its way to {address}.")


@admin.register(ChannelSettings)
class ChannelSettingsAdmin(ModelAdmin):
    """What leads may change about a channel. The rows are made by a migration, one per channel."""

    list_display = ["channel_label", "state", "is_enabled", "max_words", "quiet_seconds"]
    fields = ["is_enabled", "signature", "max_words", "quiet_seconds"]
    actions = None
    change_form_outer_before_template = "admin/channels_app/channel.html"
    custom_urls = (("<str:channel>/test/", "tickets_channelsettings_test", send_test),)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {} if object_id not in Channel else self._shown(request, object_id)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def _shown(self, request: HttpRequest, channel: str) -> dict[str, Any]:
        state, words = finding(channel)
        return {
            "channel": channel,
            "finding": {"words": words, "state": WORDS[state], "colour": COLOURS[state]},
            "has_test": channel == Channel.EMAIL and request.user.has_perm(CHANGE),
            "test_address": getattr(request.user, "email", ""),
        }

    @display(description="Channel")
    def channel_label(self, settings: ChannelSettings) -> str:
        return str(settings)

    @display(description="State", label={WORDS[state]: colour for state, colour in COLOURS.items()})
    def state(self, settings: ChannelSettings) -> str:
        return WORDS[finding(settings.channel)[0]]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ChannelSettings | None = None) -> bool:
        return False
