"""The assistant's runs, to look at: what it decided, from what, and what it cost; and the cases to measure it with."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agent_runner import desk_views
from agent_runner.cases import case_rows
from agent_runner.gate import Kind
from agent_runner.models import AgentRun, EvaluationCase, RunMetric
from agent_runner.panels import shown
from fte_project.desk import ReadOnlyAdmin, moment
from tickets.timeline import person


@admin.register(AgentRun)
class AgentRunAdmin(ReadOnlyAdmin):
    """Read only: a run is a record."""

    list_display = ["run", "ticket_link", "verdict_label", "why", "outcome_words", "sureness", "tokens", "latency"]
    list_display_links = ["run"]
    list_filter = ["verdict", "outcome", "model"]
    list_select_related = ["ticket"]
    search_fields = ["ticket__subject", "reason"]
    list_per_page = 50
    ordering = ["-id"]
    fields = ["ticket_link", "started_at", "finished_at", "prompt_version", "record"]

    @display(description="Run", ordering="id")
    def run(self, run: AgentRun) -> str:
        return f"{run.pk}, {run.started_at:%-d %b %H:%M}"

    @display(description="Ticket")
    def ticket_link(self, run: AgentRun) -> SafeString:
        url = reverse("admin:tickets_ticket_change", args=[run.ticket_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, run.ticket)

    @display(
        description="Verdict",
        ordering="verdict",
        label={Kind.ANSWER: "success", Kind.SUGGEST: "info", Kind.DRAFT: "warning", Kind.HAND_OVER: "danger"},
    )
    def verdict_label(self, run: AgentRun) -> tuple[str, str]:
        return run.verdict, run.verdict.replace("_", " ") or "–"

    @display(description="Reason", ordering="reason")
    def why(self, run: AgentRun) -> str:
        return shown(run).why or "–"

    @display(description="Outcome", ordering="outcome")
    def outcome_words(self, run: AgentRun) -> str:
        return run.get_outcome_display()

    @display(description="Confidence", ordering="confidence")
    def sureness(self, run: AgentRun) -> str:
        return "–" if run.confidence is None else f"{run.confidence:.2f}"

    @display(description="Tokens in / out")
    def tokens(self, run: AgentRun) -> str:
        return f"{run.input_tokens} / {run.output_tokens}"

    @display(description="Took")
    def latency(self, run: AgentRun) -> str:
        return f"{run.latency_ms} ms"

    @display(description="What happened")
    def record(self, run: AgentRun) -> SafeString:
        return render_to_string("admin/agent_runner/run.html", {"run": shown(run)})


@admin.register(RunMetric)
class RunMetricAdmin(ReadOnlyAdmin):
    """What the runs of each hour came to."""

    list_display = [
        "hour_label",
        "channel",
        "outcome",
        "verdict_words",
        "runs",
        "model_calls",
        "tokens",
        "cost",
        "latency",
    ]
    list_display_links = None
    sortable_by = ["hour_label"]
    list_filter = ["channel", "outcome", "verdict"]
    list_per_page = 50

    @display(description="Hour (UTC)", ordering="hour")
    def hour_label(self, metric: RunMetric) -> str:
        return f"{metric.hour:%-d %b %Y, %H:00}"

    @display(description="Verdict")
    def verdict_words(self, metric: RunMetric) -> str:
        return metric.verdict.replace("_", " ") or "–"

    @display(description="Tokens in / out")
    def tokens(self, metric: RunMetric) -> str:
        return f"{metric.input_tokens:,} / {metric.output_tokens:,}"

    @display(description="Cost")
    def cost(self, metric: RunMetric) -> str:
        return f"${metric.cost_usd:,.2f}" if metric.cost_usd else "–"

    @display(description="Took, on average")
    def latency(self, metric: RunMetric) -> str:
        return f"{metric.latency_ms // max(1, metric.runs):,} ms"


@admin.register(EvaluationCase)
class EvaluationCaseAdmin(ModelAdmin):
    """Tickets as cases for `manage.py evaluate`: made on a ticket's page, corrected and downloaded here."""

    list_display = ["matter", "answered_by", "made"]
    list_display_links = ["matter"]
    list_select_related = ["ticket", "made_by"]
    list_per_page = 50
    search_fields = ["title", "body", "note", "gold__title", "gold__slug"]
    search_help_text = "Words of the case, or an article"
    ordering = ["-id"]
    fields = ["ticket_link", "title", "body", "gold", "note", "made"]
    readonly_fields = ["ticket_link", "made"]
    autocomplete_fields = ["gold"]
    actions = ["download"]
    custom_urls = (("from-ticket/<int:ticket_pk>/", "agent_runner_evaluationcase_make", desk_views.make),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvaluationCase]:
        cases: QuerySet[EvaluationCase] = super().get_queryset(request)
        return cases.prefetch_related("gold")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "gold" in form.base_fields:  # only to choose from, not to write new ones on the way
            form.base_fields["gold"].widget.can_add_related = False
        return form

    @admin.action(description="Download for evaluate", permissions=["change"])
    def download(self, request: HttpRequest, queryset: QuerySet[EvaluationCase]) -> HttpResponse | None:
        """The cases as a file for `--questions`; those that no article answers yet are left out, and it says so."""
        rows = list(case_rows(queryset))
        if left_out := queryset.count() - len(rows):
            messages.warning(request, f"{left_out} left out: no article is chosen that answers. Open each and choose.")
        if not rows:
            return None
        lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        response = HttpResponse(lines, content_type="application/jsonl; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="cases.jsonl"'
        return response

    @display(description="Case")
    def matter(self, case: EvaluationCase) -> SafeString:
        return format_html(
            '<span class="desk-ref">{}</span> <span class="desk-subject">{}</span>', case.ticket.reference, case.title
        )

    @display(description="Answered by")
    def answered_by(self, case: EvaluationCase) -> SafeString:
        titles = ((article.title,) for article in case.gold.all())
        lines = format_html_join("", '<span class="desk-line">{}</span>', titles)
        return lines or format_html('<span class="desk-urgent">{}</span>', "No article chosen yet")

    @display(description="Ticket")
    def ticket_link(self, case: EvaluationCase) -> SafeString:
        url = reverse("admin:tickets_ticket_change", args=[case.ticket_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, case.ticket)

    @display(description="Made", ordering="made_at")
    def made(self, case: EvaluationCase) -> SafeString:
        return format_html("{}, {}", person(case.made_by), moment(case.made_at))
