"""Customers on the desk: read only. They come from their messages; linking and merging are functions of their own."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display

from customers.models import Customer, Identifier
from customers.panels import panels
from fte_project.desk import ReadOnlyAdmin


class IdentifierInline(TabularInline):
    """The addresses of one customer."""

    model = Identifier
    fields = ["kind", "value", "raw", "verified_at"]
    readonly_fields = fields
    extra = 0
    show_title = False
    can_delete = False
    verbose_name_plural = "identifiers"

    def has_add_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return False


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    """Who writes, with their addresses and what they wrote about."""

    list_display = ["name_or_id", "addresses", "language", "conversation_count", "created_at"]
    search_fields = ["name", "identifiers__value"]
    search_help_text = "Name, e-mail address or phone number"
    list_select_related = ["merged_into"]
    ordering = ["-id"]
    fields = ["name", "language", "created_at", "conversations_shown"]
    inlines = [IdentifierInline]
    change_form_outer_before_template = "admin/customers/customer/panels.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        customer = self.get_object(request, object_id or "")
        may_see = customer is not None and self.has_view_permission(request, customer)
        shown = {"panels": panels(customer, request) if may_see else []}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.annotate(conversation_count=Count("conversations", distinct=True)).prefetch_related(
            Prefetch("identifiers", Identifier.objects.order_by("id"))
        )

    @display(description="Customer")
    def name_or_id(self, customer: Customer) -> str:
        return f"{customer}, merged into {customer.merged_into}" if customer.merged_into else str(customer)

    @display(description="Addresses")
    def addresses(self, customer: Customer) -> SafeString:
        values = ((i.value,) for i in customer.identifiers.all())
        return format_html_join("", '<span class="desk-line">{}</span>', values)

    @display(description="Conversations", ordering="conversation_count")
    def conversation_count(self, customer: Any) -> int:
        return int(customer.conversation_count)

    @display(description="Conversations")
    def conversations_shown(self, customer: Customer) -> SafeString:
        """Over the reverse relation: this app knows nothing of tickets."""
        conversations = customer.conversations.prefetch_related("tickets").order_by("-id")[:50]
        return render_to_string("admin/customers/customer/conversations.html", {"conversations": conversations})
