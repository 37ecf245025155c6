"""What is said, and what must be done about it."""

import uuid
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from customers.models import Customer
from fte_project.db import Leased, LeasedQuerySet
from fte_project.events import Channel
from tickets.deliveries import Delivery
from tickets.lifecycle import Event, Handler, Status, Text, outcome
from tickets.links import AddressCode, CustomerMerge, Mention, MergeProposal
from tickets.reasons import Reason, Urgency

# With every class below: the app's models.
__all__ = ["AddressCode", "CustomerMerge", "Delivery", "Mention", "MergeProposal"]


class Trust(models.TextChoices):
    """How sure we are who writes in a conversation."""

    CLAIMED = "claimed", "Claimed"
    CHANNEL_VERIFIED = "channel_verified", "Verified by the channel"
    CODE_VERIFIED = "code_verified", "Verified by a code"
    STAFF_VERIFIED = "staff_verified", "Verified by staff"


class ConversationQuerySet(LeasedQuerySet["Conversation"]):
    def due(self) -> Self:
        """With customer's words that the assistant should answer now."""
        return self.filter(work_due_at__lte=Now())

    def lock(self, pk: int) -> "Conversation":
        """The conversation, locked until the transaction ends. Every change to it or its tickets begins here."""
        return self.select_for_update(of=("self",)).get(pk=pk)


class Conversation(Leased):
    """All that is said with one customer about one thing. The row is also the queue of the assistant's work."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="conversations")
    trust = models.CharField(max_length=20, choices=Trust.choices, default=Trust.CLAIMED)
    first_channel = models.CharField(max_length=10, choices=Channel.choices)
    name = models.CharField(
        max_length=120, blank=True, help_text="As they gave it here; others may claim their address."
    )
    address = models.CharField(max_length=320, help_text="Where our replies go: the address they wrote from.")
    created_at = models.DateTimeField(db_default=Now())
    work_due_at = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["work_due_at"], name="conversation_due", condition=Q(work_due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"

    def current_ticket(self) -> "Ticket | None":
        """The one ticket that is not closed, if there is one."""
        return self.tickets.exclude(status=Status.CLOSED).first()


class TicketQuerySet(models.QuerySet["Ticket"]):
    def escalated(self) -> Self:
        return self.filter(status=Status.ESCALATED)

    def active(self) -> Self:
        """Waiting for somebody: staff, the assistant or the customer."""
        return self.filter(status__in=[Status.OPEN, Status.PENDING, Status.ESCALATED])

    def unassigned(self) -> Self:
        return self.filter(assignee=None)

    def by_reference(self, reference: str) -> "Ticket":
        """The ticket that people call T-1042. Raises Ticket.DoesNotExist for anything else."""
        number = reference.strip().upper().removeprefix("T-")
        if not number.isdecimal() or len(number) > 15 or int(number) <= Ticket.FIRST_REFERENCE:
            raise Ticket.DoesNotExist(f"There is no ticket {reference}.")
        return self.get(pk=int(number) - Ticket.FIRST_REFERENCE)


class Ticket(models.Model):
    """The unit of work on a conversation: what the desk lists."""

    class Priority(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"

    class Category(models.TextChoices):
        GENERAL = "general", "General"
        TECHNICAL = "technical", "Technical"
        BILLING = "billing", "Billing"
        BUG_REPORT = "bug_report", "Bug report"
        FEEDBACK = "feedback", "Feedback"

    FIRST_REFERENCE = 1000

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="tickets")
    subject = models.CharField(max_length=200)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    category = models.CharField(max_length=20, choices=Category.choices, default=Category.GENERAL)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.MEDIUM)
    issue = models.TextField(blank=True, help_text="What it is about, as the assistant understood it.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    handler = models.CharField(max_length=10, choices=Handler.choices, default=Handler.ASSISTANT)
    handler_epoch = models.PositiveIntegerField(default=0)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    token_version = models.PositiveIntegerField(default=1)
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    token_expires_at = models.DateTimeField()
    resolution_notes = models.TextField(blank=True)
    opened_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], name="one_ticket_not_closed", condition=~Q(status=Status.CLOSED)
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.OPEN, handler=Handler.NOBODY), name="open_ticket_has_handler"
            ),
        ]
        indexes = [models.Index(fields=["status", "changed_at"], name="ticket_status_changed")]

    def __str__(self) -> str:
        return f"{self.reference} {self.subject}"

    @property
    def reference(self) -> str:
        """What people say: T-1042."""
        return f"T-{self.FIRST_REFERENCE + self.pk}"

    def apply(self, event: Event) -> Text:
        """Move through the table and save. A new handler outdates every answer that is still being thought of.

        Returns the text that goes to the customer. Raises NotAllowed.
        """
        status, handler, text = outcome(Status(self.status), Handler(self.handler), event)
        if handler != self.handler or event in {Event.CLAIM, Event.STAFF_REPLY, Event.HAND_BACK, Event.RESOLVE}:
            self.handler_epoch += 1
        if status != Status.CLOSED:
            self.resolved_at = Now() if status == Status.RESOLVED else None
        self.status, self.handler, self.changed_at = status, handler, Now()
        self.save(update_fields=["status", "handler", "handler_epoch", "changed_at", "resolved_at"])
        return text


class MessageQuerySet(models.QuerySet["Message"]):
    def unanswered(self) -> Self:
        """Customers' messages that no reply answers yet, oldest first."""
        return self.filter(direction=Message.Direction.INBOUND, answered_by=None).order_by("id")

    def mailed_to(self, address: str, trust: str) -> Self:
        """By mail to this address. What a stranger who claims it has brought about does not count against its owner."""
        mails = self.filter(channel=Channel.EMAIL, conversation__address=address)
        return mails if trust == Trust.CLAIMED else mails.exclude(conversation__trust=Trust.CLAIMED)

    def automatic_lately(self) -> Self:
        """What no person wrote to a customer within the last hour: answers, and texts that hand over."""
        authors = [Message.Author.ASSISTANT, Message.Author.SYSTEM]
        lately = self.filter(author__in=authors, created_at__gt=Now() - timedelta(hours=1))
        return lately.exclude(kind=Message.Kind.CODE)


class Message(models.Model):
    """Something said by or to the customer. Internal remarks are Notes, so they cannot be sent by mistake."""

    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class Author(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        ASSISTANT = "assistant", "Assistant"
        STAFF = "staff", "Staff"
        SYSTEM = "system", "System"

    class Kind(models.TextChoices):
        """What an outbound message is to the customer."""

        MESSAGE = "message"
        ANSWER = "answer"
        SUGGESTION = "suggestion"  # articles that may help, and a person will answer
        HAND_OVER = "hand_over"  # a person will answer
        QUESTION = "question"  # what exactly do you mean?
        CLOSING = "closing"  # you are welcome
        CODE = "code"  # a code was sent to an address

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    direction = models.CharField(max_length=10, choices=Direction.choices)
    author = models.CharField(max_length=10, choices=Author.choices)
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.MESSAGE)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    mailbox = models.CharField(max_length=120, blank=True, help_text="Our mailbox, number or endpoint.")
    external_id = models.CharField(max_length=255, blank=True)
    body = models.TextField()
    language = models.CharField(max_length=8, blank=True)
    sources = models.JSONField(default=list, help_text="What a reply cites: slug, title, url, passage, revision.")
    cc = models.JSONField(default=list, help_text="Who else got it, or gets it, by mail.")
    sentiment = models.FloatField(null=True, help_text="0 furious, 0.5 neutral, 1 delighted.")
    sentiment_confidence = models.FloatField(null=True, help_text="How sure that is, 0 to 1.")
    answered_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="answers")
    received_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "mailbox", "external_id"],
                name="inbound_once",
                condition=Q(direction="inbound"),
            )
        ]
        indexes = [
            models.Index(
                fields=["conversation"],
                name="message_unanswered",
                condition=Q(direction="inbound", answered_by__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.author} {self.pk}"


class RawPayload(models.Model):
    """The bytes a message came as, kept apart so that they can be kept for a shorter time."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="raw")
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    metadata = models.JSONField(default=dict)
    delete_after = models.DateTimeField(db_index=True)

    KEEP = timedelta(days=90)

    def __str__(self) -> str:
        return f"raw {self.message_id}"


class Attachment(models.Model):
    """A file that came with a message: stored under a random name, its own name only shown."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    file = models.FileField(upload_to="attachments/")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return self.name


class EscalationQuerySet(models.QuerySet["Escalation"]):
    def still_open(self) -> Self:
        return self.filter(closed_at=None)


class Escalation(models.Model):
    """Assistant or rule → people: why, how urgent, and what is ready for them."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="escalations")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    urgency = models.CharField(max_length=10, choices=Urgency.choices, default=Urgency.NORMAL)
    detail = models.TextField(blank=True, help_text="Why, in a sentence for staff.")
    draft = models.TextField(blank=True, help_text="An answer that was not sure enough to be sent.")
    draft_sources = models.JSONField(default=list)
    opened_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    closed_at = models.DateTimeField(null=True)

    objects = EscalationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket"], name="one_open_escalation", condition=Q(closed_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.reason} on {self.ticket.reference}"


class Note(models.Model):
    """An internal remark on a ticket."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"note {self.pk}"


class TicketEvent(models.Model):
    """What happened to a ticket and who did it. Ids and codes only, no foreign key: it outlives an erasure."""

    ticket_id = models.BigIntegerField(db_index=True)
    code = models.CharField(max_length=40)
    actor = models.CharField(max_length=40)  # staff:<id>, assistant, customer, system
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.code} by {self.actor}"


class ChannelSettings(models.Model):
    """What staff may change about a channel; the gate reads its limits from here."""

    channel = models.CharField(primary_key=True, max_length=10, choices=Channel.choices)
    is_enabled = models.BooleanField("on", default=True)
    signature = models.TextField(blank=True, help_text="Ends every reply; empty: the company's name.")
    max_words = models.PositiveIntegerField("longest answer", default=300, help_text="Words.")
    quiet_seconds = models.PositiveSmallIntegerField(
        "quiet time", default=0, help_text="Seconds after a message before it is answered, in case another one follows."
    )

    class Meta:
        verbose_name_plural = "channel settings"

    def __str__(self) -> str:
        return str(Channel(self.channel).label)

    @classmethod
    def of(cls, channel: str) -> "ChannelSettings":
        """The channel's settings; the row exists for every channel (made by a migration)."""
        return cls.objects.get(pk=channel)
