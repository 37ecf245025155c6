"""Who writes to us."""

from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now


class CustomerManager(models.Manager["Customer"]):
    def known_by(self, kind: str, value: str, *, raw: str, name: str) -> "Customer":
        """The customer who owns this identifier (its normal form), made when nobody does. Belongs in a transaction.

        Until its end the identifier stays where it is: a merge waits for it, and it waits for a merge.
        """
        for _ in range(2):
            found = Identifier.objects.all().hold(kind, value)
            if found is not None:
                # Not by a join: after waiting for a merge it would still show the customer of before.
                return self.get(pk=found.customer_id)
            try:
                with transaction.atomic():
                    customer = self.create(name=name)
                    Identifier.objects.create(customer=customer, kind=kind, value=value, raw=raw)
                    return customer
            except IntegrityError:
                continue  # another request made the same identifier: it is committed now, so read it
        raise RuntimeError("an identifier that exists could not be read")


class Customer(models.Model):
    """A person, over all channels. What they may see is decided by each conversation's trust, not here.

    One who was merged into another stays as a row without addresses, so that it can be undone.
    """

    name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=8, blank=True)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_from")
    created_at = models.DateTimeField(db_default=Now())

    objects = CustomerManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("pk")), name="customer_not_merged_into_itself"
            )
        ]

    def __str__(self) -> str:
        return self.name or f"customer {self.pk}"

    @property
    def email(self) -> str:
        """Their first e-mail address in normal form, or an empty string."""
        addresses = [i.value for i in self.identifiers.all() if i.kind == Identifier.Kind.EMAIL]
        return addresses[0] if addresses else ""


class IdentifierQuerySet(models.QuerySet["Identifier"]):
    def hold(self, kind: str, value: str) -> "Identifier | None":
        """The identifier with this normal form, locked against merging until the transaction ends."""
        return self.select_for_update(no_key=True).filter(kind=kind, value=value).first()


class Identifier(models.Model):
    """One address of a customer: `value` in normal form decides, `raw` is what was typed or sent."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Phone"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=254)
    raw = models.CharField(max_length=320)
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = IdentifierQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="identifier_once")]

    def __str__(self) -> str:
        return self.value
