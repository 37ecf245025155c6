"""The frame's own tables: the outbox, dead letters, timed jobs, heartbeats and service keys."""

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from fte_project.db import Leased, LeasedQuerySet


class OutboxQuerySet(models.QuerySet["OutboxEvent"]):
    def waiting(self) -> Self:
        """Not on Kafka yet and not in another relay's hands."""
        return self.filter(published_at=None).filter(models.Q(claimed_until=None) | models.Q(claimed_until__lt=Now()))

    def lagging(self) -> Self:
        """Not on Kafka although it should be by now: the broker or the relay is away."""
        return self.filter(published_at=None, created_at__lt=Now() - timedelta(seconds=10))


class OutboxEvent(models.Model):
    """An event stored with what it tells of; the relay publishes it. Pruned an hour after that."""

    event_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    topic = models.CharField(max_length=200)
    key = models.CharField(max_length=64)
    payload = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    claimed_until = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="outbox_waiting", condition=models.Q(published_at=None)),
            models.Index(fields=["published_at"], name="outbox_published"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.event_id}"


class DeadLetter(models.Model):
    """Work that was given up after its last try, or a record that was never work. Replayed by a person."""

    class Kind(models.TextChoices):
        CONVERSATION = "conversation", "answering a conversation"
        DELIVERY = "delivery", "delivering a reply"
        RECORD = "record", "a Kafka record"
        CHANNEL = "channel", "reading a mailbox"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    conversation_id = models.BigIntegerField(null=True, db_index=True)  # no foreign key: outlives an erasure
    subject_id = models.BigIntegerField(null=True)  # the holding text of a conversation given up, or the delivery
    origin = models.CharField(max_length=250, blank=True, help_text="topic/partition/offset of a record; the mailbox")
    error = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    replayed_at = models.DateTimeField(null=True)
    replayed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "error"], name="bad_record_once", condition=models.Q(kind="record")
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="bad_record_at", condition=models.Q(kind="record"))]

    def __str__(self) -> str:
        return f"dead letter {self.pk}"


class TimedJobQuerySet(LeasedQuerySet["TimedJob"]):
    def due(self) -> Self:
        return self.filter(due_at__lte=Now()).free()


class TimedJob(Leased):
    """One kind of timed work: when it is due next and how it went last."""

    name = models.CharField(primary_key=True, max_length=80)
    due_at = models.DateTimeField(db_default=Now())
    last_run_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    objects = TimedJobQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """A running role says so every few seconds."""

    role = models.CharField(max_length=20)
    instance = models.CharField(max_length=120)  # host:pid
    started_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(db_default=Now())

    FRESH = timedelta(seconds=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "instance"], name="heartbeat_once")]

    def __str__(self) -> str:
        return f"{self.role} {self.instance}"


class RateCount(models.Model):
    """How often something was done within one window of time. The bucket is a keyed hash: nobody's address is kept."""

    bucket = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "started_at"], name="rate_count_once")]

    def __str__(self) -> str:
        return f"{self.bucket}: {self.count}"


class ApiKey(models.Model):
    """A service key. Only its hash is stored; `scopes` says what it may do."""

    name = models.CharField(max_length=80, unique=True)
    prefix = models.CharField(max_length=12, editable=False)
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest(key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def issue(cls, name: str, scopes: list[str]) -> str:
        """Make (or renew) the key called `name` and return it: this is the only time it can be seen."""
        key = f"fte_{secrets.token_urlsafe(32)}"
        cls.objects.update_or_create(
            name=name,
            defaults={"prefix": key[:12], "sha256": cls.digest(key), "scopes": scopes, "revoked_at": None},
        )
        return key
