"""The assistant's doors in the admin: each a few lines over the function that does the work."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from agent_runner.cases import make_case
from tickets.models import Ticket

MAKE_CASE = ["tickets.view_ticket", "agent_runner.add_evaluationcase"]


@require_POST
def make(request: HttpRequest, ticket_pk: int, model_admin: Any) -> HttpResponse:
    """Make the ticket an evaluation case, or find the one that it is, and go on to its form."""
    staff = request.user
    if not isinstance(staff, User) or not staff.has_perms(MAKE_CASE):
        raise PermissionDenied
    case, is_new = make_case(get_object_or_404(Ticket, pk=ticket_pk), staff)
    if not is_new:
        messages.info(request, "This ticket is a case already: here it is.")
    elif case.gold.exists():
        messages.success(request, "The case is made. Its articles are those that the last answer quotes: check them.")
    else:
        messages.warning(request, "The case is made. No answer quotes an article: choose those that answer it.")
    return redirect("admin:agent_runner_evaluationcase_change", case.pk)
