"""What says that two customers are one person: evidence, proposals, codes and merges."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from customers.models import Customer, Identifier

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Mention(models.Model):
    """Something in a message that tells who wrote it: what it came from, or what its words say. Never proof."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail address"
        PHONE = "phone", "Phone number"
        ORDER = "order", "Order number"
        MAILBOX = "mailbox", "Mailbox"  # an address without its +tag, and Gmail's without dots

    message = models.ForeignKey("tickets.Message", on_delete=models.CASCADE, related_name="mentions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=254)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["message", "kind", "value"], name="mention_once")]
        indexes = [models.Index(fields=["kind", "value"], name="mention_value")]

    def __str__(self) -> str:
        return f"{self.kind} in message {self.message_id}"


class CustomerMerge(models.Model):
    """One customer's addresses and conversations were given to another: which ones, so that they can be given back."""

    class Why(models.TextChoices):
        STAFF = "staff", "A person decided"
        CODE = "code", "Proven by a code"

    kept = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="merges_kept")
    gone = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="merges_gone")
    why = models.CharField(max_length=10, choices=Why.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # Through which conversation a code was entered: such a merge stands and falls with whose conversation it is.
    conversation = models.ForeignKey("tickets.Conversation", null=True, on_delete=models.SET_NULL, related_name="+")
    identifier_ids = models.JSONField(default=list)
    conversation_ids = models.JSONField(default=list)
    merged_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["gone"], name="merged_once_at_a_time", condition=Q(undone_at__isnull=True)),
            models.CheckConstraint(condition=~Q(kept=F("gone")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"customer {self.gone_id} into {self.kept_id}"


class MergeProposalQuerySet(models.QuerySet["MergeProposal"]):
    def still_open(self) -> Self:
        return self.filter(state=MergeProposal.State.OPEN)

    def between(self, some: set[int], others: set[int]) -> Self:
        """Those that say that one of `some` customers is one of `others`."""
        return self.filter(Q(first__in=some, second__in=others) | Q(first__in=others, second__in=some))

    def touching(self, customer_ids: set[int]) -> Self:
        return self.filter(Q(first__in=customer_ids) | Q(second__in=customer_ids))


class MergeProposal(models.Model):
    """Two customers may be one person. `evidence` is a list of {code, key, messages, dismissed}: codes and ids only.

    `key` stands for the shared value without telling it: what was dismissed does not come back for the same one.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Merged"
        DISMISSED = "dismissed", "Not the same"

    first = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="proposals_first")
    second = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="proposals_second")
    evidence = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    merge = models.ForeignKey(CustomerMerge, null=True, on_delete=models.SET_NULL, related_name="proposals")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = MergeProposalQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = "possible duplicate"
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="proposal_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="proposal_in_order"),
        ]

    def __str__(self) -> str:
        return f"customers {self.first_id} and {self.second_id}"

    def current_evidence(self) -> list[dict[str, Any]]:
        return [e for e in self.evidence if not e["dismissed"]]

    def add_evidence(self, code: str, key: str, messages: list[int]) -> None:
        """Something new: the proposal is open (again)."""
        self.evidence = [*self.evidence, {"code": code, "key": key, "messages": messages, "dismissed": False}]
        self.state, self.merge, self.decided_by, self.decided_at = self.State.OPEN, None, None, None
        self.save()

    def drop_evidence(self, is_stale: Callable[[dict[str, Any]], bool]) -> None:
        """Without what is stale; what people have dismissed is remembered. Gone when nothing is left."""
        self.evidence = [e for e in self.evidence if e["dismissed"] or not is_stale(e)]
        if self.evidence:
            if not self.current_evidence():
                self.state = self.State.DISMISSED
            self.save(update_fields=["evidence", "state"])
        else:
            self.delete()

    def dismiss(self, by: "User") -> None:
        """They are two people: never proposed again for the same evidence."""
        self.evidence = [{**e, "dismissed": True} for e in self.evidence]
        self.state, self.decided_by, self.decided_at = self.State.DISMISSED, by, Now()
        self.save(update_fields=["evidence", "state", "decided_by", "decided_at"])


class AddressCode(models.Model):
    """A code that proves an address: made from a key and `salt` when it is sent, never stored itself."""

    MAX_TRIES = 3

    conversation = models.ForeignKey("tickets.Conversation", on_delete=models.CASCADE, related_name="codes")
    message = models.OneToOneField("tickets.Message", on_delete=models.CASCADE, related_name="code")
    kind = models.CharField(max_length=10, choices=Identifier.Kind.choices)
    value = models.CharField(max_length=254)
    raw = models.CharField(max_length=320)
    salt = models.CharField(max_length=32)
    tries = models.PositiveSmallIntegerField(default=0)
    has_added = models.BooleanField(default=False, help_text="The address was nobody's before.")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(tries__lte=3), name="code_has_three_tries")]

    def __str__(self) -> str:
        return f"code {self.pk}"
