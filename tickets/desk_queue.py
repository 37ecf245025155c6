"""The desk's list: every ticket in the order in which people should look at it."""

from django.db.models import Case, DateTimeField, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.expressions import OrderBy
from django.http import HttpRequest

from tickets.lifecycle import Handler, Status
from tickets.models import Escalation, Message, Ticket

ORDER: list[OrderBy] = [
    F("desk_rank").asc(),
    F("waiting_since").asc(nulls_last=True),
    F("changed_at").desc(),
    F("pk").desc(),
]


def queue(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """`tickets` for the desk's list: escalated first, oldest waiting first.

    Adds `waiting_since` (None when nobody waits for us), and `reason` and `urgency` of the open escalation.
    """
    escalation = Escalation.objects.all().still_open().filter(ticket=OuterRef("pk"))
    unanswered = Message.objects.all().unanswered().filter(ticket=OuterRef("pk"))
    return tickets.annotate(
        desk_rank=Case(
            When(status=Status.ESCALATED, then=Value(0)),
            When(status=Status.OPEN, handler=Handler.STAFF, then=Value(1)),
            When(status=Status.OPEN, then=Value(2)),
            When(status=Status.PENDING, then=Value(3)),
            When(status=Status.RESOLVED, then=Value(4)),
            default=Value(5),
        ),
        # An escalation's holding text answers the customer's messages, so the wait counts from the escalation.
        waiting_since=Case(
            When(status=Status.ESCALATED, then=Subquery(escalation.values("opened_at")[:1])),
            When(status=Status.OPEN, then=Subquery(unanswered.values("received_at")[:1])),
            output_field=DateTimeField(),
        ),
        reason=Subquery(escalation.values("reason")[:1]),
        urgency=Subquery(escalation.values("urgency")[:1]),
    ).order_by(*ORDER)


def escalated_count(_: HttpRequest) -> str:
    """How many tickets wait for people, for the sidebar; empty when none does."""
    return str(Ticket.objects.all().escalated().count() or "")
