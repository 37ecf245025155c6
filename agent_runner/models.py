"""What the assistant did, kept so that every run can be explained."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agent_runner.provider import ModelProvider
from fte_project.events import Channel
from knowledge.models import Article
from tickets.models import Conversation, Message, Ticket

# With every class below: the app's models.
__all__ = ["ModelProvider"]


class AgentRun(models.Model):
    """One pass of the assistant over the unanswered messages of a conversation."""

    class Outcome(models.TextChoices):
        STORED = "stored", "Stored"
        NEWER_MESSAGE = "newer_message", "Discarded: the customer wrote meanwhile"
        TAKEN_OVER = "taken_over", "Discarded: people took over"
        FAILED = "failed", "Failed, will be tried again"
        LEASE_LOST = "lease_lost", "Discarded: another worker has it"
        POSTPONED = "postponed", "Postponed: the provider's limit"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="runs")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="runs")
    inputs = models.ManyToManyField(Message, related_name="runs")
    reply = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="produced_by")
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    verdict = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=20, blank=True)
    findings = models.JSONField(default=list)
    attempt = models.PositiveSmallIntegerField(default=1)
    model = models.CharField(max_length=80, blank=True)
    prompt_version = models.CharField(max_length=20, blank=True)
    calls = models.JSONField(default=list)
    hits = models.JSONField(default=list)
    draft = models.TextField(blank=True)
    confidence = models.FloatField(null=True)
    model_calls = models.PositiveSmallIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0, help_text="Of the input.")
    output_tokens = models.PositiveIntegerField(default=0)
    model_ms = models.PositiveIntegerField(default=0, help_text="How long the model was waited for.")
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, help_text="Empty: no prices are set.")
    error = models.TextField(blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_default=Now())
    metered_at = models.DateTimeField(null=True, editable=False, help_text="When it went into the run metrics.")

    class Meta:
        verbose_name = "assistant run"
        ordering = ["-id"]
        # Where the end of a pass is not heard of, its record may be made twice: the database keeps one.
        constraints = [models.UniqueConstraint(fields=["conversation", "started_at"], name="run_once")]
        indexes = [
            models.Index(fields=["ticket"], name="run_ticket"),
            models.Index(fields=["id"], name="run_not_metered", condition=Q(metered_at=None)),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.verdict or self.outcome}"

    @property
    def latency_ms(self) -> int:
        """By two clocks, the worker's and the database's: never less than nothing."""
        return max(0, round((self.finished_at - self.started_at).total_seconds() * 1000))


class RunMetric(models.Model):
    """What the runs of one hour came to, by channel and by how they ended. Sums only: it outlives an erasure."""

    hour = models.DateTimeField()
    channel = models.CharField(max_length=10, choices=Channel.choices)
    outcome = models.CharField(max_length=20, choices=AgentRun.Outcome.choices)
    verdict = models.CharField(max_length=12, blank=True)
    runs = models.PositiveIntegerField(default=0)
    model_calls = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    latency_ms = models.PositiveBigIntegerField(default=0, help_text="Of all runs together.")

    class Meta:
        ordering = ["-hour", "channel", "outcome", "verdict"]
        constraints = [
            models.UniqueConstraint(fields=["hour", "channel", "outcome", "verdict"], name="run_metric_once")
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00} {self.channel} {self.verdict or self.outcome}"


class EvaluationCase(models.Model):
    """A customer's question with the articles that answer it, for `manage.py evaluate`.

    It holds a customer's words: whatever erases the ticket erases it.
    """

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="evaluation_case")
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, help_text="The customer's words, as they would come in a new mail.")
    gold = models.ManyToManyField(
        Article,
        blank=True,
        related_name="evaluation_cases",
        verbose_name="answered by",
        help_text="Any of these articles answers it. Without one the case is not downloaded.",
    )
    note = models.TextField(blank=True, help_text="For colleagues; it is not downloaded.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL)
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.ticket.reference} {self.title}"


class LearningCursor(models.Model):
    """How far learning has read what happened to tickets (one row): the last TicketEvent."""

    singleton = models.BooleanField(primary_key=True, default=True, editable=False)
    event_id = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(singleton=True), name="one_learning_cursor")]

    def __str__(self) -> str:
        return f"event {self.event_id}"
