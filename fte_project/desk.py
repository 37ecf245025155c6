"""The admin site as the desk: Unfold's, with the one CSP relaxation its scripts need, and only here."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin import SimpleListFilter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.views.decorators.csp import csp_override
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

NONE = mark_safe('<span class="desk-none">–</span>')  # an empty cell of a list
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


class ReadOnlyAdmin(ModelAdmin):
    """For rows that the product makes: they are looked at, and changed only through doors of their own."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ChoiceFilter(SimpleListFilter):
    """A filter whose choices also stand above the list (ChoicesAdmin). The first is what people see at first."""

    words: dict[str, str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.words.items())[1:]

    def choices(self, changelist: Any) -> Iterator[Any]:
        start, *others = super().choices(changelist)
        yield {**start, "display": next(iter(self.words.values()))}
        yield from others

    def chosen(self) -> str:
        """The name of the choice; the first one for anything unknown."""
        value = self.value() or ""
        return value if value in self.words else next(iter(self.words))


class ChoicesAdmin(ReadOnlyAdmin):
    """A list with the choices of `choice_filter` above it."""

    choice_filter: type[ChoiceFilter]
    list_before_template = "admin/choices.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        parameter, words = str(self.choice_filter.parameter_name), self.choice_filter.words
        first, chosen = next(iter(words)), request.GET.get(parameter, "")
        choices = [
            {
                "words": text,
                "url": _with(request, parameter, "" if name == first else name),
                "is_chosen": name == (chosen if chosen in words else first),
            }
            for name, text in words.items()
        ]
        return super().changelist_view(request, {**(extra_context or {}), "choices": choices})


def _with(request: HttpRequest, parameter: str, value: str) -> str:
    """The address of this list with another choice, and with the search and the other filters as they are."""
    query = request.GET.copy()
    query.pop("p", None)
    query.pop(parameter, None)
    if value:
        query[parameter] = value
    return f"?{query.urlencode()}"


def moment(at: datetime, words: str = "", css: str = "desk-soft") -> SafeString:
    """A time in a list's cell: how long ago, or these words; the time itself on hovering."""
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>',
        css,
        at.isoformat(),
        f"{at:%-d %B %Y, %H:%M} UTC",
        "just now" if timezone.now() - at < timedelta(minutes=1) else words or f"{timesince(at, depth=1)} ago",
    )


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
                {
                    **_link("Deliveries", "outgoing_mail", "tickets_delivery", "tickets.view_delivery"),
                    "badge": "tickets.desk_deliveries.undelivered_count",
                    "badge_variant": "danger",
                },
                _link("Mail", "mail", "channels_app_gmailmail", "tickets.view_ticket"),
                _link("Who is on duty", "notifications_active", "channels_app_staffduty", "tickets.view_ticket"),
                _link("Customers", "group", "customers_customer", "customers.view_customer"),
                {
                    **_link("Possible duplicates", "join_inner", "tickets_mergeproposal", "customers.view_customer"),
                    "badge": "tickets.desk_links.open_count",
                },
                _link("Articles", "menu_book", "knowledge_article", "knowledge.view_article"),
                _link(
                    "Resolved questions", "task_alt", "knowledge_resolvedquestion", "knowledge.view_resolvedquestion"
                ),
                _link(
                    "Evaluation cases", "checklist", "agent_runner_evaluationcase", "agent_runner.view_evaluationcase"
                ),
            ],
        },
        {
            "title": "System",
            "separator": True,
            "items": [
                _link("Assistant runs", "smart_toy", "agent_runner_agentrun", "agent_runner.view_agentrun"),
                _link("Run metrics", "monitoring", "agent_runner_runmetric", "agent_runner.view_runmetric"),
                _link("Staff notices", "campaign", "channels_app_staffnotice", "channels_app.view_staffnotice"),
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
