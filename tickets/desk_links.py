"""Who is who on the desk: possible duplicates with the evidence, what was merged, and the doors to both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from customers.models import Customer
from tickets.lifecycle import NotAllowed
from tickets.merging import NotMergeable, accept, dismiss, unmerge
from tickets.models import CustomerMerge, Mention, MergeProposal, Message, Ticket, Trust
from tickets.proposals import evidence_key, members, open_for
from tickets.timeline import person
from tickets.verifying import verify

CHANGE = "tickets.change_ticket"
EVIDENCE = {
    "same_phone": "Both name the phone number {value}",
    "other_phone": "One of them names the phone number {value}, the other writes from it",
    "same_email": "Both call {value} their e-mail address",
    "other_email": "One of them calls {value} their own e-mail address, the other writes from it",
    "same_order": "Both name the order {value}",
    "same_mailbox": "Their addresses reach the same mailbox, {value}",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One piece of evidence in words. `is_weak`: somebody said it whose own address nobody has proven."""

    words: str
    is_weak: bool
    said_in: list[Message]


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A customer who may be the same person."""

    customer: Customer
    proposal_id: int
    evidence: list[Shown]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A customer who was merged into this one."""

    merge: CustomerMerge
    by: str
    addresses: list[str]


def links_context(customer: Customer, viewer: User) -> dict[str, Any]:
    """What the template admin/tickets/links.html shows about a customer."""
    others = open_for(customer.pk)
    customers = Customer.objects.prefetch_related("identifiers").in_bulk(others)
    return {
        "customer": customer,
        "duplicates": [
            Duplicate(customer=customers[pk], proposal_id=found[0].pk, evidence=[e for p in found for e in shown(p)])
            for pk, found in others.items()
        ],
        "merges": _merges(customer),
        "merged_into": customer.merged_into,
        "may_link": viewer.has_perm(CHANGE),
    }


def panel(customer: Customer, request: HttpRequest) -> SafeString:
    """The same for the customer's own page."""
    viewer = request.user
    if not isinstance(viewer, User) or not viewer.has_perm("tickets.view_ticket"):
        return SafeString("")
    return render_to_string("admin/tickets/links.html", links_context(customer, viewer), request)


def shown(proposal: MergeProposal) -> list[Shown]:
    """The proposal's evidence in words, the dismissed left out."""
    return [_shown(e) for e in proposal.current_evidence()]


def _shown(evidence: dict[str, Any]) -> Shown:
    said_in = list(Message.objects.filter(pk__in=evidence["messages"]).select_related("conversation", "ticket"))
    mentions = Mention.objects.filter(message__in=said_in, kind=evidence["code"].partition("_")[2])
    value = next((m.value for m in mentions if evidence_key(m.kind, m.value) == evidence["key"]), "that is erased")
    return Shown(
        words=EVIDENCE[evidence["code"]].format(value=value),
        is_weak=any(m.conversation.trust == Trust.CLAIMED for m in said_in),
        said_in=said_in,
    )


def _merges(customer: Customer) -> list[Merged]:
    rows = CustomerMerge.objects.filter(undone_at=None, gone__in=members(customer.pk) - {customer.pk})
    found = []
    for row in rows.select_related("gone", "by"):
        addresses = customer.identifiers.filter(pk__in=row.identifier_ids).values_list("value", flat=True)
        found.append(Merged(merge=row, by=person(row.by) if row.by else "", addresses=list(addresses)))
    return found


def _asked[M: Model](request: HttpRequest, model: type[M], pk: int) -> tuple[M, User]:
    """What it is about and who asks. Raises PermissionDenied, Http404."""
    staff = request.user
    if not isinstance(staff, User) or not staff.has_perms(["tickets.view_ticket", "customers.view_customer", CHANGE]):
        raise PermissionDenied
    return get_object_or_404(model, pk=pk), staff


def _done(request: HttpRequest, work: Callable[[], object], said: str) -> HttpResponse:
    """Do it, say what came of it, and go back to the page it was asked on."""
    try:
        work()
    except (NotMergeable, NotAllowed) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) and back.startswith("/admin/")
    return redirect(back if is_ours else "admin:tickets_ticket_changelist")


@require_POST
def merge_proposed(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """A person says: they are one."""
    proposal, staff = _asked(request, MergeProposal, pk)
    said = "The two are one customer now. You can undo it on their page."
    return _done(request, lambda: accept(proposal, staff), said)


@require_POST
def dismiss_proposed(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """A person says: they are two."""
    proposal, staff = _asked(request, MergeProposal, pk)
    said = "Noted: they are two. The same evidence will not propose it again."
    return _done(request, lambda: dismiss(proposal, staff), said)


@require_POST
def undo_merge(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """A merge was wrong: each gets back what was theirs."""
    merge, staff = _asked(request, CustomerMerge, pk)
    return _done(request, lambda: unmerge(merge, by=staff), "They are two customers again, each with what is theirs.")


@require_POST
def verify_ticket(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """A person has checked who writes here."""
    ticket, staff = _asked(request, Ticket, pk)
    said = "Noted: you have checked who writes here."
    return _done(request, lambda: verify(ticket, staff), said)


def open_count(_: HttpRequest) -> str:
    """How many proposals wait for a decision, for the sidebar; empty without any."""
    return str(MergeProposal.objects.all().still_open().count() or "")
