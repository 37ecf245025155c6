"""The form and the status page as plain pages: they work without JavaScript."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_http_methods, require_POST
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
from fte_project.db import NOTHING_STORED, TRY_AGAIN_SECONDS
from fte_project.limits import TooMany, client_network
from fte_project.markup import to_html
from fte_project.text import clean_line
from tickets.codes import CodeRefused, Proven, enter_code, live, masked, send_code
from tickets.intake import OtherMessageSameId
from tickets.lifecycle import Handler
from tickets.models import Message, Ticket
from tickets.tokens import FIRST_VERSION, status_token

log = structlog.get_logger()
NOT_STORED = "We cannot store your message right now. Please send it again in a minute."
AUTHORS = {
    "customer": "You",
    "assistant": "Assistant (AI)",
    "staff": "Support team",
    "system": "Support desk",
}


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What the page says, by field; with `wait` the same message may be sent again after so many seconds."""

    errors: dict[str, str]
    status: int = 422
    wait: int | None = None


REFUSALS = (InvalidForm, HttpError, TooMany, OtherMessageSameId)
# What the page says after a redirect: one of these, never what stands in the address.
SAID = {
    "sent": "We have sent a code. It arrives within a minute; look into the spam folder, too.",
    "confirmed": "Thank you, the address is confirmed.",
}


def _refusal(error: Exception) -> Refusal:
    match error:
        case InvalidForm():
            return Refusal(errors={e["field"]: e["message"] for e in error.errors})
        case CodeRefused():
            return Refusal(errors={"": str(error)})
        case HttpError():
            field = "attachments" if error.status_code == 413 else ""
            return Refusal(errors={field: str(error)}, status=error.status_code)
        case TooMany():
            return Refusal(errors={"": str(error)}, status=429, wait=error.seconds)
        case OtherMessageSameId():
            return Refusal(errors={"": "This message was sent already; it was changed since. Please send it again."})
    log.error("database_away", error=error)
    return Refusal(errors={"": NOT_STORED}, status=503, wait=TRY_AGAIN_SECONDS)


def _page(request: HttpRequest, template: str, context: dict[str, Any], refusal: Refusal | None) -> HttpResponse:
    response = render(request, template, context, status=refusal.status if refusal else 200)
    if refusal and refusal.wait is not None:
        response["Retry-After"] = str(refusal.wait)
    return response


def _key(request: HttpRequest, refusal: Refusal | None) -> str:
    """The hidden key of the next try: the same one while the same message may still be stored under it."""
    is_used_up = refusal is not None and "" in refusal.errors and refusal.wait is None
    return (not is_used_up and request.POST.get("key")) or get_random_string(32)


@require_http_methods(["GET", "POST"])
def form_page(request: HttpRequest) -> HttpResponse:
    """The contact form. What was typed is kept on errors; the hidden key makes a double click harmless."""
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            check_is_on()
            form = checked(SubmitIn, request.POST.dict())
            key = clean_line(request.POST.get("key", ""), limit=64) or get_random_string(32)
            received = take(request, submission(form, key=f"page-{key}", files=uploaded_files(request)))
            return redirect("status-page", status_token(received.ticket, FIRST_VERSION))
        except (*REFUSALS, *NOTHING_STORED) as error:
            refusal = _refusal(error)
    context = {
        "problem": refusal.errors.get("") if refusal else None,
        "errors": refusal.errors if refusal else {},
        "values": request.POST,
        "key": _key(request, refusal),
        "categories": Ticket.Category.choices,
        "priorities": Ticket.Priority.choices,
    }
    return _page(request, "web_form/form.html", context, refusal)


@require_http_methods(["GET", "POST"])
def status_page(request: HttpRequest, token: str) -> HttpResponse:
    """What was said on this ticket, and a box to answer. Unknown, expired and revoked links look the same."""
    try:
        ticket = open_ticket(token)
    except HttpError:
        return render(request, "web_form/unknown.html", status=404)
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            form = checked(FollowUpIn, request.POST.dict())
            key = clean_line(request.POST.get("key", ""), limit=64) or get_random_string(32)
            message = follow_up(form, ticket, key=f"page-{key}", files=uploaded_files(request))
            received = take(request, message, ticket)
            return redirect("status-page", status_token(received.ticket))
        except REFUSALS as error:
            refusal = _refusal(error)
    return _status_response(request, ticket, refusal, box="message")


@require_POST
def send_code_page(request: HttpRequest, token: str) -> HttpResponse:
    """Send a code to the address of the request, or to another one that was typed."""
    return _about_codes(
        request, token, lambda ticket: send_code(ticket, _line(request, "address"), network=client_network(request))
    )


@require_POST
def enter_code_page(request: HttpRequest, token: str) -> HttpResponse:
    """Enter the code that was sent."""
    return _about_codes(request, token, lambda ticket: enter_code(ticket, _line(request, "code")))


def _about_codes(request: HttpRequest, token: str, work: Callable[[Ticket], object]) -> HttpResponse:
    try:
        ticket = open_ticket(token)
    except HttpError:
        return render(request, "web_form/unknown.html", status=404)
    try:
        done = work(ticket)
    except (CodeRefused, TooMany) as error:
        # As the refusal left it: a wrong code has cost a try.
        return _status_response(request, open_ticket(token), _refusal(error), box="code")
    said = "confirmed" if isinstance(done, Proven) else "sent"
    ticket.refresh_from_db()  # a proven address has a new link
    return redirect(f"{reverse('status-page', args=[status_token(ticket)])}?said={said}#confirm")


def _line(request: HttpRequest, name: str) -> str:
    return clean_line(request.POST.get(name, ""), limit=254)


def _status_response(request: HttpRequest, ticket: Ticket, refusal: Refusal | None, *, box: str) -> HttpResponse:
    """The status page; what a `refusal` says stands at the box that it is about."""
    view = public_view(ticket)
    code = live(ticket.conversation).last()
    said = [m for m in view.messages if m.kind != Message.Kind.CODE]
    # While the assistant thinks; people take longer, and a page that reloads would eat what is being typed.
    waiting = ticket.handler == Handler.ASSISTANT and said[-1].author == Message.Author.CUSTOMER
    error = next(iter(refusal.errors.values())) if refusal else ""
    context = {
        "ticket": view,
        "token": status_token(ticket),
        "messages_shown": [{"said": m, "author": AUTHORS[m.author], "html": to_html(m.text)} for m in view.messages],
        "waiting": waiting,
        "reloads": waiting and code is None and refusal is None,
        "error": error if box == "message" else "",
        "typed": request.POST.get("message", ""),
        "key": _key(request, refusal),
        "may_confirm": "@" in ticket.conversation.address,
        "own_address": masked(ticket.conversation.address),
        "code_sent_to": masked(code.value) if code else "",
        "code_error": error if box == "code" else "",
        "code_said": SAID.get(request.GET.get("said", ""), "") if refusal is None else "",
        "typed_address": request.POST.get("address", ""),
    }
    response = _page(request, "web_form/status.html", context, refusal)
    response["Cache-Control"] = "no-store"
    return response


def landing(request: HttpRequest) -> HttpResponse:
    """The demo's first page: straight to the form."""
    return redirect("support-form")
