"""The admin site as the desk: Unfold's, with the one CSP relaxation its scripts need, and only here."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from unfold.sites import UnfoldAdminSite

relaxed = csp_override(settings.DESK_CSP)


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
