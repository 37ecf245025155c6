"""The doors of a ticket's page: each a few lines over the function that does the work. Wrapped by TicketAdmin."""

import re
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from fte_project.text import clean_line, clean_text
from tickets import escalations
from tickets.copies import NoAddress, copies
from tickets.desk_page import Kept, page_context
from tickets.lifecycle import NotAllowed
from tickets.models import Attachment, Conversation, Message, Ticket
from tickets.notes import EmptyNote, add_note
from tickets.replies import NothingToSend, reply
from tickets.timeline import newest_message

CHANGE = "tickets.change_ticket"


class NewerMessage(Exception):
    """Somebody wrote since the page was loaded: what was typed may no longer fit."""


def _found(request: HttpRequest, pk: int, permission: str) -> tuple[Ticket, User]:
    """The ticket and who asks for it. Raises PermissionDenied, Http404."""
    staff = request.user
    if not isinstance(staff, User) or not staff.has_perms(["tickets.view_ticket", permission]):
        raise PermissionDenied
    return get_object_or_404(Ticket.objects.select_related("conversation__customer", "assignee"), pk=pk), staff


def _page(
    request: HttpRequest, ticket: Ticket, staff: User, model_admin: Any, kept: Kept | None = None
) -> TemplateResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        **page_context(ticket, staff, kept),
        "opts": model_admin.model._meta,  # with `original`: the breadcrumb
        "original": ticket,
        "title": str(ticket),
    }
    status = 409 if kept and kept.why else 200
    return TemplateResponse(request, "admin/tickets/ticket/page.html", context, status=status)


def _to_page(ticket: Ticket) -> HttpResponse:
    return redirect("admin:tickets_ticket_change", ticket.pk)


@require_safe
def page(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """One ticket. `?draft=1` puts the prepared answer into the reply box (the script does it without a reload)."""
    ticket, staff = _found(request, pk, "tickets.view_ticket")
    kept = None
    if "draft" in request.GET:
        escalation = ticket.escalations.still_open().first()
        kept = Kept(box="reply", text=escalation.draft) if escalation else None
    return _page(request, ticket, staff, model_admin, kept)


@require_POST
def send_reply(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """Send the text to the customer; a refused one comes back in its box, with the reason."""
    ticket, staff = _found(request, pk, CHANGE)
    body, cc = clean_text(request.POST.get("body", "")), request.POST.getlist("cc")
    try:
        _reply_if_newest_seen(ticket, staff, body, request.POST.get("last_message", ""), copies(ticket, cc))
    except NewerMessage:
        why = "Somebody wrote in this conversation since you opened it. Read what is new, then send again."
    except (NotAllowed, NothingToSend, NoAddress) as error:
        why = str(error)
    else:
        messages.success(request, f"Your reply to {ticket.reference} is on its way.")
        return _to_page(ticket)
    ticket, staff = _found(request, pk, CHANGE)
    return _page(request, ticket, staff, model_admin, Kept(box="reply", text=body, why=why, cc=cc))


def _reply_if_newest_seen(ticket: Ticket, staff: User, body: str, last_seen: str, cc: list[str]) -> Message:
    """Reply while `last_seen` is still the conversation's newest message. Raises NewerMessage and as reply() does."""
    with transaction.atomic():
        Conversation.objects.lock(ticket.conversation_id)
        if last_seen != str(newest_message(ticket)):
            raise NewerMessage
        return reply(ticket, body=body, staff=staff, cc=cc)


@require_POST
def save_note(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """Store an internal note."""
    ticket, staff = _found(request, pk, "tickets.add_note")
    try:
        add_note(ticket, staff, clean_text(request.POST.get("body", "")))
    except EmptyNote as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The note is saved. Only staff can see it.")
    return _to_page(ticket)


@require_POST
def claim(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """The ticket becomes mine; the assistant stops."""
    ticket, staff = _found(request, pk, CHANGE)
    return _done(request, ticket, lambda: escalations.claim(ticket, staff), f"{ticket.reference} is yours now.")


@require_POST
def hand_back(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """The assistant takes over again."""
    ticket, staff = _found(request, pk, CHANGE)
    said = f"{ticket.reference} is with the assistant again."
    return _done(request, ticket, lambda: escalations.hand_back(ticket, staff), said)


@require_POST
def resolve(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """The matter is settled."""
    ticket, staff = _found(request, pk, CHANGE)
    notes = clean_text(request.POST.get("notes", ""))
    said = f"{ticket.reference} is resolved. If the customer writes again, it opens again."
    return _done(request, ticket, lambda: escalations.resolve(ticket, staff, notes=notes), said)


def _done(request: HttpRequest, ticket: Ticket, work: Callable[[], None], said: str) -> HttpResponse:
    try:
        work()
    except NotAllowed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return _to_page(ticket)


@require_safe
def attachment(request: HttpRequest, pk: int, attachment_pk: int, model_admin: Any) -> HttpResponse:
    """A file that came with one of the ticket's messages, as a download that no browser will show or run."""
    _found(request, pk, "tickets.view_attachment")
    found = get_object_or_404(Attachment, pk=attachment_pk, message__ticket=pk)
    try:
        with found.file.open("rb") as file:
            content = file.read()
    except FileNotFoundError as error:
        raise Http404("The file is no longer stored.") from error
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=_file_name(found.name))
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _file_name(name: str) -> str:
    """The sender's name for the file, without anything a file system would take for a path."""
    plain = re.sub(r'[/\\:*?"<>|]', "_", clean_line(name, limit=150))
    return plain.strip(". ") or "file"
