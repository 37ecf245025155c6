"""The assistant's runs, to look at: what it decided, from what, and what it cost."""

from django.contrib import admin
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from agent_runner.gate import Kind
from agent_runner.models import AgentRun, RunMetric
from agent_runner.panels import shown
from fte_project.desk import ReadOnlyAdmin


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
