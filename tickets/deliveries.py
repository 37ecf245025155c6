"""A reply on its way: one row per channel and part, which is also the queue of the delivery role."""

from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from fte_project.db import Leased, LeasedQuerySet
from fte_project.events import Channel
from tickets.lifecycle import Status


class DeliveryQuerySet(LeasedQuerySet["Delivery"]):
    def due(self) -> Self:
        """Queued, past its time, and not behind an earlier part or reply of the same conversation that still waits."""
        earlier = Delivery.objects.waiting().filter(
            reply__conversation=OuterRef("reply__conversation"), channel=OuterRef("channel"), pk__lt=OuterRef("pk")
        )
        return self.filter(status=Delivery.Status.QUEUED, due_at__lte=Now()).filter(~Exists(earlier))

    def waiting(self) -> Self:
        """Not settled yet: later ones of the conversation wait for it."""
        return self.filter(
            Q(status__in=[Delivery.Status.QUEUED, Delivery.Status.SENDING])
            | Q(status=Delivery.Status.UNKNOWN, look_up_at__isnull=False)
        )

    def doubtful(self) -> Self:
        """To be looked up at the provider now: ambiguous, or left in the middle of a send by a process that died."""
        return self.filter(
            Q(status=Delivery.Status.SENDING, lease_expires_at__lt=Now())
            | Q(status=Delivery.Status.UNKNOWN, look_up_at__lte=Now())
        )

    def undecided(self) -> Self:
        """Perhaps sent, and the provider cannot be asked (any more): only a person can find out."""
        return self.filter(status=Delivery.Status.UNKNOWN, look_up_at=None).exclude(reply__kind="code").free()

    def for_people(self) -> Self:
        """Undecided or failed for good, on a ticket that is not settled: with it, this is settled too; so is a code."""
        stuck = Q(status=Delivery.Status.FAILED) | Q(status=Delivery.Status.UNKNOWN, look_up_at=None)
        settled = Q(reply__ticket__status__in=[Status.RESOLVED, Status.CLOSED]) | Q(reply__kind="code")
        return self.filter(stuck).exclude(settled)


class Delivery(Leased):
    """One part of a reply on its way over one channel."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        READ = "read", "Read"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    reply = models.ForeignKey("tickets.Message", on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    part = models.PositiveSmallIntegerField(default=1)
    address = models.CharField(max_length=320)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    external_id = models.CharField(max_length=255, blank=True)
    error = models.TextField(blank=True)
    due_at = models.DateTimeField(db_default=Now())
    look_up_at = models.DateTimeField(
        null=True, help_text="When the provider is asked about an unknown one; empty: people decide."
    )
    rung_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(
        db_default=Now(), help_text="Its hours of trying begin here; a person may begin them again."
    )
    changed_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["reply", "channel", "part"], name="delivery_once")]
        indexes = [
            models.Index(fields=["due_at"], name="delivery_due", condition=Q(status__in=["queued", "sending"])),
            models.Index(fields=["look_up_at"], name="delivery_look_up", condition=Q(look_up_at__isnull=False)),
            models.Index(fields=["external_id"], name="delivery_external", condition=~Q(external_id="")),
            models.Index(fields=["id"], name="delivery_for_people", condition=Q(status__in=["failed", "unknown"])),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} to {self.address}"
