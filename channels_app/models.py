"""Who is on duty, and what the staff were told outside the desk."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from channels_app.gmail.models import Bounce, GmailMail, GmailMailbox
from fte_project.db import Leased, LeasedQuerySet

__all__ = ["Bounce", "GmailMail", "GmailMailbox"]  # with every class below: the app's models


class StaffDuty(models.Model):
    """Whether somebody of the desk wants to be told of new work. Who has no row is on duty."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="duty")
    is_on_duty = models.BooleanField(default=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "duty"
        verbose_name_plural = "who is on duty"

    def __str__(self) -> str:
        return f"{self.user}: {'on' if self.is_on_duty else 'off'} duty"


class StaffNoticeQuerySet(LeasedQuerySet["StaffNotice"]):
    def due(self) -> Self:
        return self.filter(status=StaffNotice.Status.QUEUED, due_at__lte=Now())

    def cut_off(self) -> Self:
        """Left in the middle of a send by a process that died: nobody knows whether it went out."""
        return self.filter(status=StaffNotice.Status.SENDING, lease_expires_at__lt=Now())


class StaffNotice(Leased):
    """One telling of one thing to one place: sent at most once, and never forgotten before it was tried."""

    class Kind(models.TextChoices):
        ESCALATION = "escalation", "A ticket needs a person"
        UNCLAIMED = "unclaimed", "Nobody has taken it"
        DEAD_LETTER = "dead_letter", "Work was given up"

    class Way(models.TextChoices):
        MAIL = "mail", "E-mail"
        WEBHOOK = "webhook", "Webhook"
        NONE = "none", "Nobody to tell"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "No longer needed"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    subject_id = models.BigIntegerField(help_text="The escalation or the dead letter.")
    way = models.CharField(max_length=8, choices=Way.choices)
    address = models.CharField(max_length=254, blank=True, help_text="The mail address; empty for the webhook.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    error = models.TextField(blank=True)
    due_at = models.DateTimeField(db_default=Now())
    rung_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    objects = StaffNoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["kind", "subject_id", "way", "address"], name="notice_once")]
        indexes = [
            models.Index(fields=["due_at"], name="notice_due", condition=Q(status__in=["queued", "sending"])),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id} by {self.way}"
