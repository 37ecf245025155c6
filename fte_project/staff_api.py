"""What staff and services may read: by a staff session, or by an X-API-Key with the scope `read`."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError
from ninja.security import APIKeyHeader

from fte_project.models import ApiKey
from tickets.models import Conversation, Ticket


class StaffOrKey(APIKeyHeader):
    """Lets in a logged-in member of staff, or the holder of a key with the scope."""

    param_name = "X-API-Key"

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        user = request.user
        if user.is_authenticated and user.is_active and user.has_perm("tickets.view_ticket"):
            return user
        if not key:
            return None
        return ApiKey.objects.filter(sha256=ApiKey.digest(key), revoked_at=None, scopes__contains=[self.scope]).first()


router = Router(tags=["staff"], auth=StaffOrKey("read"))


class EscalationOut(Schema):
    reason: str
    urgency: str
    detail: str
    opened_at: datetime
    closed_at: datetime | None


class StaffTicketOut(Schema):
    reference: str
    conversation_id: int
    status: str
    handler: str
    escalations: list[EscalationOut]


class StaffMessageOut(Schema):
    id: int
    direction: str
    author: str
    kind: str
    channel: str
    body: str
    created_at: datetime
    deliveries: list[dict[str, str]]


class ConversationOut(Schema):
    id: int
    customer: str
    trust: str
    first_channel: str
    tickets: list[StaffTicketOut]
    messages: list[StaffMessageOut]


def _ticket(ticket: Ticket) -> StaffTicketOut:
    return StaffTicketOut(
        reference=ticket.reference,
        conversation_id=ticket.conversation_id,
        status=ticket.status,
        handler=ticket.handler,
        escalations=[
            EscalationOut(
                reason=e.reason,
                urgency=e.urgency,
                detail=e.detail,
                opened_at=e.opened_at,
                closed_at=e.closed_at,
            )
            for e in ticket.escalations.all()
        ],
    )


@router.get("/tickets/{reference}", response=StaffTicketOut)
def ticket(request: HttpRequest, reference: str) -> StaffTicketOut:
    """A ticket by its reference (T-1042), with its escalations, newest first."""
    try:
        return _ticket(Ticket.objects.all().by_reference(reference))
    except Ticket.DoesNotExist as error:
        raise HttpError(404, "There is no such ticket.") from error


@router.get("/conversations/{conversation_id}", response=ConversationOut)
def conversation(request: HttpRequest, conversation_id: int) -> ConversationOut:
    """A conversation with its tickets, messages and deliveries."""
    found = (
        Conversation.objects.select_related("customer")
        .prefetch_related("tickets__escalations", "messages__deliveries")
        .filter(pk=min(conversation_id, 2**62))
        .first()
    )
    if found is None:
        raise HttpError(404, "There is no such conversation.")
    return ConversationOut(
        id=found.pk,
        customer=str(found.customer),
        trust=found.trust,
        first_channel=found.first_channel,
        tickets=[_ticket(t) for t in found.tickets.all()],
        messages=[
            StaffMessageOut(
                id=m.pk,
                direction=m.direction,
                author=m.author,
                kind=m.kind,
                channel=m.channel,
                body=m.body,
                created_at=m.created_at,
                deliveries=[{"channel": d.channel, "status": d.status} for d in m.deliveries.all()],
            )
            for m in found.messages.all()
        ],
    )
