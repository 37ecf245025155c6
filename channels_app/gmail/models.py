"""Our Gmail mailboxes, and what we made of every mail in them."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from channels_app.gmail.automatic import Automatic


class GmailMailboxQuerySet(models.QuerySet["GmailMailbox"]):
    def dirty(self) -> Self:
        """Something has happened in them since they were read, or may have."""
        unheard = Now() - timedelta(seconds=settings.GMAIL_POLL_SECONDS)  # nobody need have told us
        rested = Q(error="") | Q(tried_at=None) | Q(tried_at__lt=unheard)  # one that failed is not asked again at once
        return self.filter(rested).filter(Q(read_at=None) | Q(read_at__lt=F("dirty_at")) | Q(read_at__lt=unheard))


class GmailMailbox(models.Model):
    """A mailbox that is read: how far, and how it went last. Nothing older than `connected_at` is answered."""

    address = models.EmailField(unique=True)
    connected_at = models.DateTimeField(db_default=Now())
    history_id = models.PositiveBigIntegerField(null=True, help_text="Gmail's cursor: everything up to it was read.")
    dirty_at = models.DateTimeField(db_default=Now(), help_text="When something was last said to have happened.")
    read_at = models.DateTimeField(null=True, help_text="When it was last read to the end.")
    tried_at = models.DateTimeField(null=True, help_text="When reading it failed last.")
    error = models.TextField(blank=True)
    failing_since = models.DateTimeField(null=True, help_text="Since when every try to read it has failed.")
    is_history_imported = models.BooleanField(default=False)
    watched_until = models.DateTimeField(null=True, help_text="So long Gmail pushes what happens; renewed every day.")
    watch_tried_at = models.DateTimeField(null=True)
    watch_error = models.TextField(blank=True)
    refresh_token = models.TextField(blank=True, help_text="Of a person's consent, encrypted; or empty.")
    consented_at = models.DateTimeField(null=True)
    consent_ends_at = models.DateTimeField(null=True, help_text="Google says when: then the consent screen is a test.")

    objects = GmailMailboxQuerySet.as_manager()

    class Meta:
        verbose_name = "Gmail mailbox"
        verbose_name_plural = "Gmail mailboxes"

    def __str__(self) -> str:
        return self.address


class GmailMail(models.Model):
    """A mail in one of our mailboxes: each is looked at once. What is not a customer's is kept here as the bin."""

    class Fate(models.TextChoices):
        STORED = "stored", "A customer's message"
        OWN = "own", "Our own"
        STAFF = "staff", "Answered from Gmail's own window"
        AUTOMATIC = "automatic", "Automatic, not answered"
        IMPORTED = "imported", "Imported, not answered"
        OLD = "old", "From before the mailbox was connected"
        UNCLEAR = "unclear", "Nobody, or more than one, named as its author"
        SKIPPED = "skipped", "Spam or trash"
        BROKEN = "broken", "Not taken: something went wrong"

    mailbox = models.ForeignKey(GmailMailbox, on_delete=models.CASCADE, related_name="mails")
    gmail_id = models.CharField(max_length=32)
    thread_id = models.CharField(max_length=32, blank=True)
    rfc822_id = models.CharField(max_length=998, blank=True, help_text="The Message-ID header, with its brackets.")
    sender = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    fate = models.CharField(max_length=10, choices=Fate.choices)
    automatic = models.CharField(max_length=10, blank=True, choices=[(kind.value, kind.value) for kind in Automatic])
    message = models.ForeignKey(
        "tickets.Message",
        null=True,
        on_delete=models.SET_NULL,
        related_name="mails",
        help_text="What it became, or the reply that it was.",
    )
    delivery = models.ForeignKey(
        "tickets.Delivery",
        null=True,
        on_delete=models.SET_NULL,
        related_name="mails",
        help_text="What was sent as this mail, or what this bounce is about.",
    )
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "mail"
        verbose_name_plural = "mail"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["mailbox", "gmail_id"], name="gmail_mail_once")]
        indexes = [
            models.Index(fields=["mailbox", "thread_id"], name="gmail_thread"),
            models.Index(fields=["rfc822_id"], name="gmail_rfc822_id", condition=~Q(rfc822_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.subject or self.gmail_id} ({self.fate})"


class Bounce(models.Model):
    """A mail server said that a reply did not arrive. Nothing more is sent there until its owner writes again."""

    delivery = models.ForeignKey("tickets.Delivery", on_delete=models.CASCADE, related_name="bounces")
    address = models.CharField(max_length=320, db_index=True)
    detail = models.CharField(max_length=500, blank=True, help_text="The words of the mail server.")
    bounced_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery"], name="bounce_once")]

    def __str__(self) -> str:
        return f"{self.address}: {self.detail}"
