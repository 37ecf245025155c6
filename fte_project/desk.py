"""The admin site as the desk: Unfold's, with the one CSP relaxation its scripts need, and only here."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from unfold.sites import UnfoldAdminSite

relaxed = csp_override(settings.DESK_CSP)
# Whoever may see the first of these starts there.
START_PAGES = (("tickets.view_ticket", "tickets_ticket"), ("knowledge.view_article", "knowledge_article"))


class Desk(UnfoldAdminSite):
    """Where staff and editors work."""

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return relaxed(super().admin_view(view, cacheable))

    @method_decorator(relaxed)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().login(request, extra_context)

    @method_decorator(relaxed)
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().logout(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Straight to the work: the queue for agents, the articles for editors."""
        for permission, name in START_PAGES:
            if request.user.has_perm(permission):
                return redirect(f"{self.name}:{name}_changelist")
        return super().index(request, extra_context)


def favicon(_: HttpRequest) -> str:
    return static("tickets/favicon.svg")


def navigation(_: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar (UNFOLD["SIDEBAR"]); each link shows to those who may open it."""
    return [
        {
            "title": "Work",
            "items": [
                {
                    **_link("Tickets", "inbox", "tickets_ticket", "tickets.view_ticket"),
                    "badge": "tickets.desk_queue.escalated_count",
                    "badge_variant": "danger",
                },
                _link("Customers", "group", "customers_customer", "customers.view_customer"),
                _link("Articles", "menu_book", "knowledge_article", "knowledge.view_article"),
            ],
        },
        {
            "title": "System",
            "separator": True,
            "items": [
                _link("Assistant runs", "smart_toy", "agent_runner_agentrun", "agent_runner.view_agentrun"),
                _link("Dead letters", "mark_email_unread", "frame_deadletter", "frame.view_deadletter"),
                _link("Record", "history", "tickets_ticketevent", "tickets.view_ticketevent"),
                _link("Channel settings", "tune", "tickets_channelsettings", "tickets.view_channelsettings"),
                _link("Staff", "badge", "auth_user", "auth.view_user"),
            ],
        },
    ]


def _link(title: str, icon: str, model: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": lambda request: request.user.has_perm(permission),
    }
