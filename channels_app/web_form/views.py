"""The form and the status page as plain pages: they work without JavaScript."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_http_methods
from ninja.errors import HttpError

from channels_app.web_form.api import check_is_on, open_ticket, public_view, take
from channels_app.web_form.parsing import (
    FollowUpIn,
    InvalidForm,
    SubmitIn,
    checked,
    follow_up,
    submission,
    uploaded_files,
)
from fte_project.limits import TooMany
from fte_project.markup import to_html
from fte_project.text import clean_line
from tickets.intake import OtherMessageSameId
from tickets.lifecycle import Handler
from tickets.models import Message, Ticket
from tickets.tokens import status_token

AUTHORS = {
    "customer": "You",
    "assistant": "Assistant (AI)",
    "staff": "Support team",
    "system": "Support desk",
}


def _errors(error: InvalidForm | HttpError) -> dict[str, str]:
    if isinstance(error, HttpError):
        return {"attachments" if error.status_code == 413 else "": str(error)}
    return {e["field"]: e["message"] for e in error.errors}


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], *, is_wrong: bool, refused: TooMany | None
) -> HttpResponse:
    response = render(request, template, context, status=429 if refused else 422 if is_wrong else 200)
    if refused:
        response["Retry-After"] = str(refused.seconds)
    return response


@require_http_methods(["GET", "POST"])
def form_page(request: HttpRequest) -> HttpResponse:
    """The contact form. What was typed is kept on errors; the hidden key makes a double click harmless."""
    errors: dict[str, str] = {}
    refused: TooMany | None = None
    if request.method == "POST":
        try:
            check_is_on()
            form = checked(SubmitIn, request.POST.dict())
            key = clean_line(request.POST.get("key", ""), limit=64) or get_random_string(32)
            received = take(request, submission(form, key=f"page-{key}", files=uploaded_files(request)))
            return redirect("status-page", status_token(received.ticket))
        except (InvalidForm, HttpError) as error:
            errors = _errors(error)
        except TooMany as error:
            errors, refused = {"": str(error)}, error
        except OtherMessageSameId:
            errors = {"": "This message was sent already; it was changed since. Please send it again."}
    values = request.POST if request.method == "POST" else {}
    is_used_up = "" in errors and refused is None
    context = {
        "errors": errors,
        "values": values,
        "key": get_random_string(32) if is_used_up else values.get("key") or get_random_string(32),
        "categories": Ticket.Category.choices,
        "priorities": Ticket.Priority.choices,
    }
    return _page(request, "web_form/form.html", context, is_wrong=bool(errors), refused=refused)


@require_http_methods(["GET", "POST"])
def status_page(request: HttpRequest, token: str) -> HttpResponse:
    """What was said on this ticket, and a box to answer. Unknown, expired and revoked links look the same."""
    try:
        ticket = open_ticket(token)
    except HttpError:
        return render(request, "web_form/unknown.html", status=404)
    error = ""
    refused: TooMany | None = None
    if request.method == "POST":
        try:
            form = checked(FollowUpIn, request.POST.dict())
            key = clean_line(request.POST.get("key", ""), limit=64) or get_random_string(32)
            message = follow_up(form, ticket, key=f"page-{key}", files=uploaded_files(request))
            received = take(request, message, ticket)
            return redirect("status-page", status_token(received.ticket))
        except (InvalidForm, HttpError) as caught:
            error = next(iter(_errors(caught).values()))
        except TooMany as caught:
            error, refused = str(caught), caught
        except OtherMessageSameId:
            error = "This message was sent already."
    view = public_view(ticket)
    # While the assistant thinks; people take longer, and a page that reloads would eat what is being typed.
    waiting = ticket.handler == Handler.ASSISTANT and view.messages[-1].author == Message.Author.CUSTOMER
    context = {
        "ticket": view,
        "messages_shown": [{"said": m, "author": AUTHORS[m.author], "html": to_html(m.text)} for m in view.messages],
        "waiting": waiting,
        "error": error,
        "typed": request.POST.get("message", "") if error else "",
        "key": (request.POST.get("key", "") if refused else "") or get_random_string(32),
    }
    response = _page(request, "web_form/status.html", context, is_wrong=bool(error), refused=refused)
    response["Cache-Control"] = "no-store"
    return response


def landing(request: HttpRequest) -> HttpResponse:
    """The demo's first page: straight to the form."""
    return redirect("support-form")
