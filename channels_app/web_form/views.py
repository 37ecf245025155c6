"""The form and the status page as plain pages: they work without JavaScript."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_http_methods
from ninja.errors import HttpError

from channels_app.web_form.api import check_is_on, open_ticket, public_view
from channels_app.web_form.parsing import (
    FollowUpIn,
    InvalidForm,
    SubmitIn,
    checked,
    follow_up,
    submission,
    uploaded_files,
)
from fte_project.markup import to_html
from fte_project.text import clean_line
from tickets.intake import OtherMessageSameId, receive
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


@require_http_methods(["GET", "POST"])
def form_page(request: HttpRequest) -> HttpResponse:
    """The contact form. What was typed is kept on errors; the hidden key makes a double click harmless."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            check_is_on()
            form = checked(SubmitIn, request.POST.dict())
            key = clean_line(request.POST.get("key", ""), limit=64) or get_random_string(32)
            received = receive(submission(form, key=f"page-{key}", files=uploaded_files(request)))
            return redirect("status-page", status_token(received.ticket))
        except (InvalidForm, HttpError) as error:
            errors = _errors(error)
        except OtherMessageSameId:
            errors = {"": "This message was sent already; it was changed since. Please send it again."}
    values = request.POST if request.method == "POST" else {}
    context = {
        "errors": errors,
        "values": values,
        "key": get_random_string(32) if "" in errors else values.get("key") or get_random_string(32),
        "categories": Ticket.Category.choices,
        "priorities": Ticket.Priority.choices,
    }
    return render(request, "web_form/form.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "POST"])
def status_page(request: HttpRequest, token: str) -> HttpResponse:
    """What was said on this ticket, and a box to answer. Unknown, expired and revoked links look the same."""
    try:
        ticket = open_ticket(token)
    except HttpError:
        return render(request, "web_form/unknown.html", status=404)
    error = ""
    if request.method == "POST":
        try:
            form = checked(FollowUpIn, request.POST.dict())
            key = clean_line(request.POST.get("key", ""), limit=64) or get_random_string(32)
            received = receive(follow_up(form, ticket, key=f"page-{key}", files=uploaded_files(request)), about=ticket)
            return redirect("status-page", status_token(received.ticket))
        except (InvalidForm, HttpError) as caught:
            error = next(iter(_errors(caught).values()))
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
        "key": get_random_string(32),
    }
    response = render(request, "web_form/status.html", context, status=422 if error else 200)
    response["Cache-Control"] = "no-store"
    return response


def landing(request: HttpRequest) -> HttpResponse:
    """The demo's first page: straight to the form."""
    return redirect("support-form")
