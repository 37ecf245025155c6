"""Who writes to us."""

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now


class CustomerManager(models.Manager["Customer"]):
    def known_by(self, kind: str, value: str, *, raw: str, name: str) -> "Customer":
        """The customer who owns this identifier (its normal form), made when nobody does. Safe under concurrency."""
        for _ in range(2):
            found = Identifier.objects.filter(kind=kind, value=value).select_related("customer").first()
            if found is not None:
                return found.customer
            try:
                with transaction.atomic():
                    customer = self.create(name=name)
                    Identifier.objects.create(customer=customer, kind=kind, value=value, raw=raw)
                    return customer
            except IntegrityError:
                continue  # another request made the same identifier: it is committed now, so read it
        raise RuntimeError("an identifier that exists could not be read")


class Customer(models.Model):
    """A person, over all channels. What they may see is decided by each conversation's trust, not here."""

    name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = CustomerManager()

    def __str__(self) -> str:
        return self.name or f"customer {self.pk}"

    @property
    def email(self) -> str:
        """Their first e-mail address in normal form, or an empty string."""
        addresses = [i.value for i in self.identifiers.all() if i.kind == Identifier.Kind.EMAIL]
        return addresses[0] if addresses else ""


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

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="identifier_once")]

    def __str__(self) -> str:
        return self.value
