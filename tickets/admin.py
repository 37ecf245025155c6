"""The desk: the lists of tickets and deliveries (their pages: desk_views.py, desk_deliveries.py), and the record."""

import re
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from unfold.admin import ModelAdmin
from unfold.decorators import display

from fte_project.desk import NONE, ChoiceFilter, ChoicesAdmin, ReadOnlyAdmin, moment
from fte_project.text import plain_error
from tickets import desk_deliveries, desk_links, desk_views
from tickets.desk_page import STATUS_COLOURS
from tickets.desk_queue import ORDER, queue
from tickets.lifecycle import Handler, Status
from tickets.models import CustomerMerge, Delivery, MergeProposal, Ticket, TicketEvent
from tickets.reasons import Reason, Urgency
from tickets.timeline import person

REFERENCE = re.compile(r"\s*T-\d{1,15}\s*", re.IGNORECASE)


class AssigneeFilter(admin.SimpleListFilter):
    """Whose tickets: mine, nobody's, or a colleague's."""

    title = "assignee"
    parameter_name = "assignee"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        held = Exists(Ticket.objects.filter(assignee=OuterRef("pk")))
        others = User.objects.filter(held).exclude(pk=request.user.pk or 0).order_by("username")
        return [("me", "Me"), ("nobody", "Nobody"), *((str(u.pk), person(u)) for u in others)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        value = self.value() or ""
        if value == "nobody":
            return queryset.filter(assignee=None)
        if value == "me":
            return queryset.filter(assignee=request.user.pk)
        return queryset.filter(assignee=int(value)) if value.isdecimal() and len(value) < 10 else queryset


class SearchesReferences(ModelAdmin):
    """A list in which T-1042 finds what belongs to that ticket."""

    ticket_field = "pk"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if REFERENCE.fullmatch(search_term):
            number = int(search_term.strip()[2:])
            return queryset.filter(**{self.ticket_field: number - Ticket.FIRST_REFERENCE}), False
        return super().get_search_results(request, queryset, search_term)


def _row_pk(object_id: str) -> int:
    """The number in an address of the admin, 0 for what cannot be one."""
    return int(object_id) if object_id.isdecimal() and len(object_id) < 19 else 0


@admin.register(Ticket)
class TicketAdmin(SearchesReferences):
    """The queue, and behind each row the ticket's own page. Tickets come from customers: none is added or deleted."""

    list_display = ["matter", "customer", "channel_label", "status_label", "escalated_for", "held_by", "waiting"]
    list_display_links = ["matter"]
    list_select_related = ["conversation__customer", "assignee"]
    list_filter = ["status", "channel", "priority", AssigneeFilter]
    list_per_page = 50
    list_fullwidth = True
    search_fields = [
        "subject",
        "conversation__address",
        "conversation__customer__name",
        "conversation__customer__identifiers__value",
    ]
    search_help_text = "Subject, reference (T-1042), name or e-mail address"
    actions = None
    custom_urls = (
        ("<int:pk>/reply/", "tickets_ticket_reply", desk_views.send_reply),
        ("<int:pk>/note/", "tickets_ticket_note", desk_views.save_note),
        ("<int:pk>/claim/", "tickets_ticket_claim", desk_views.claim),
        ("<int:pk>/hand-back/", "tickets_ticket_hand_back", desk_views.hand_back),
        ("<int:pk>/resolve/", "tickets_ticket_resolve", desk_views.resolve),
        ("<int:pk>/verify/", "tickets_ticket_verify", desk_links.verify_ticket),
        ("<int:pk>/files/<int:attachment_pk>/", "tickets_ticket_attachment", desk_views.attachment),
    )

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The same page under the admin's own address; there is no raw form."""
        return desk_views.page(request, _row_pk(object_id), self)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return list(ORDER)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        return queue(Ticket.objects.all())

    @display(description="Ticket")
    def matter(self, ticket: Ticket) -> SafeString:
        return format_html(
            '<span class="desk-ref">{}</span> <span class="desk-subject">{}</span>', ticket.reference, ticket.subject
        )

    @display(description="Customer")
    def customer(self, ticket: Ticket) -> SafeString:
        conversation = ticket.conversation
        return format_html(
            '<span class="desk-two"><span>{}</span><span class="desk-soft">{}</span></span>',
            conversation.customer.name or "No name",
            conversation.address,
        )

    @display(description="Channel")
    def channel_label(self, ticket: Ticket) -> str:
        return ticket.get_channel_display()

    @display(description="Status", label={status.label: colour for status, colour in STATUS_COLOURS.items()})
    def status_label(self, ticket: Ticket) -> str:
        return str(Status(ticket.status).label)

    @display(description="Escalated for")
    def escalated_for(self, ticket: Any) -> SafeString | str:
        if not ticket.reason:
            return NONE
        reason = Reason(ticket.reason).label
        if ticket.urgency not in {Urgency.HIGH, Urgency.CRITICAL}:
            return str(reason)
        return format_html('{} <span class="desk-urgent">{}</span>', reason, Urgency(ticket.urgency).label)

    @display(description="Held by")
    def held_by(self, ticket: Ticket) -> SafeString | str:
        if ticket.assignee is not None:
            return person(ticket.assignee)
        return format_html('<span class="desk-soft">{}</span>', Handler(ticket.handler).label)

    @display(description="Waiting / changed")
    def waiting(self, ticket: Any) -> SafeString:
        at = ticket.waiting_since or ticket.changed_at
        span = timesince(at, depth=1)
        words, css = (f"waits {span}", "desk-waits") if ticket.waiting_since else (f"{span} ago", "desk-soft")
        return moment(at, words, css)


class WhichDeliveries(ChoiceFilter):
    """Which deliveries: at first those that a person must decide about."""

    title = "state"
    parameter_name = "which"
    words = {name: words for name, (words, _) in desk_deliveries.CHOICES.items()}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return desk_deliveries.CHOICES[self.chosen()][1](queryset)


@admin.register(Delivery)
class DeliveryAdmin(SearchesReferences, ChoicesAdmin):
    """Replies on their way. People decide about those that failed, or of which nobody knows whether they arrived."""

    list_display = ["matter", "channel_label", "address", "status_label", "trouble", "age"]
    list_display_links = ["matter"]
    list_select_related = ["reply__ticket"]
    choice_filter = WhichDeliveries
    list_filter = [WhichDeliveries, "channel"]
    list_per_page = 50
    list_fullwidth = True
    ordering = ["-id"]
    ticket_field = "reply__ticket"
    search_fields = ["address", "=external_id", "reply__ticket__subject"]
    search_help_text = "Address, subject or reference (T-1042)"
    custom_urls = (
        ("<int:pk>/confirm/", "tickets_delivery_confirm", desk_deliveries.confirm),
        ("<int:pk>/send-again/", "tickets_delivery_send_again", desk_deliveries.send_again),
    )

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """A page of its own under the admin's address; there is no raw form."""
        return desk_deliveries.page(request, _row_pk(object_id), self)

    @display(description="Reply on")
    def matter(self, delivery: Delivery) -> SafeString:
        ticket = delivery.reply.ticket
        return format_html(
            '<span class="desk-ref">{}</span> <span class="desk-subject">{}</span>', ticket.reference, ticket.subject
        )

    @display(description="Channel")
    def channel_label(self, delivery: Delivery) -> str:
        is_copy = delivery.channel != delivery.reply.ticket.channel
        return f"{delivery.get_channel_display()}{', copy' if is_copy else ''}"

    @display(description="Status", label={S.label: colour for S, colour in desk_deliveries.COLOURS.items()})
    def status_label(self, delivery: Delivery) -> str:
        return delivery.get_status_display()

    @display(description="Error")
    def trouble(self, delivery: Delivery) -> SafeString | str:
        words = plain_error(delivery.error)
        return format_html('<span class="desk-reason">{}</span>', words) if words else NONE

    @display(description="Since", ordering="changed_at")
    def age(self, delivery: Delivery) -> SafeString:
        return moment(delivery.changed_at)


class WhichProposals(ChoiceFilter):
    """Which pairs: at first those that nobody has decided about."""

    title = "state"
    parameter_name = "which"
    words = {"open": "To decide", "accepted": "Merged", "dismissed": "Not the same", "all": "All"}

    def queryset(self, request: HttpRequest, queryset: QuerySet[MergeProposal]) -> QuerySet[MergeProposal]:
        return queryset if self.chosen() == "all" else queryset.filter(state=self.chosen())


class SeesCustomers(ReadOnlyAdmin):
    """For those who may see customers."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perms(["customers.view_customer", "tickets.view_ticket"])

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(MergeProposal)
class MergeProposalAdmin(SeesCustomers, ChoicesAdmin):
    """Two customers who may be one person. People decide, on either customer's page."""

    list_display = ["pair", "why", "state_label", "age"]
    list_display_links = None
    list_select_related = ["first", "second"]
    choice_filter = WhichProposals
    list_filter = [WhichProposals]
    list_per_page = 25
    ordering = ["-id"]
    search_fields = ["first__name", "second__name", "first__identifiers__value", "second__identifiers__value"]
    search_help_text = "Name, e-mail address or phone number"
    fields = ["pair", "why", "state_label", "age"]
    readonly_fields = fields
    custom_urls = (
        ("<int:pk>/merge/", "tickets_mergeproposal_merge", desk_links.merge_proposed),
        ("<int:pk>/dismiss/", "tickets_mergeproposal_dismiss", desk_links.dismiss_proposed),
    )

    @display(description="Customers")
    def pair(self, proposal: MergeProposal) -> SafeString:
        links = (
            (reverse("admin:customers_customer_change", args=[c.pk]), c) for c in (proposal.first, proposal.second)
        )
        return format_html_join("", '<span class="desk-line"><a class="desk-link" href="{}">{}</a></span>', links)

    @display(description="Evidence")
    def why(self, proposal: MergeProposal) -> SafeString | str:
        lines = [(e.words,) for e in desk_links.shown(proposal)]
        return format_html_join("", '<span class="desk-line">{}</span>', lines) if lines else NONE

    @display(description="State")
    def state_label(self, proposal: MergeProposal) -> str:
        return proposal.get_state_display()

    @display(description="Since", ordering="created_at")
    def age(self, proposal: MergeProposal) -> SafeString:
        return moment(proposal.created_at)


@admin.register(CustomerMerge)
class CustomerMergeAdmin(SeesCustomers):
    """Which customers were joined, by whom, and what was undone."""

    list_display = ["kept", "gone", "why", "by", "merged_at", "undone_at"]
    list_select_related = ["kept", "gone", "by"]
    list_display_links = None
    ordering = ["-id"]
    fields = ["kept", "gone", "why", "by", "merged_at", "undone_at", "undone_by"]
    readonly_fields = fields
    custom_urls = (("<int:pk>/undo/", "tickets_customermerge_undo", desk_links.undo_merge),)


@admin.register(TicketEvent)
class TicketEventAdmin(SearchesReferences, ReadOnlyAdmin):
    """Who did what, for auditors: read only. Codes and ids; it outlives an erasure."""

    list_display = ["at", "ticket_link", "code", "actor", "data"]
    list_filter = ["code"]
    search_fields = ["=ticket_id", "actor"]
    search_help_text = "Reference (T-1042), or an actor such as staff:3"
    ordering = ["-id"]
    ticket_field = "ticket_id"

    @display(description="When (UTC)", ordering="id")
    def at(self, event: TicketEvent) -> str:
        return f"{event.created_at:%Y-%m-%d %H:%M:%S}"

    @display(description="Ticket")
    def ticket_link(self, event: TicketEvent) -> SafeString:
        return format_html(
            '<a class="desk-link" href="{}">T-{}</a>',
            reverse("admin:tickets_ticket_change", args=[event.ticket_id]),
            Ticket.FIRST_REFERENCE + event.ticket_id,
        )
