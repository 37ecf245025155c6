"""The form's HTTP interface: submit, look, write again."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import BaseModel

from channels_app.web_form.parsing import (
    CodeIn,
    ConfirmIn,
    FollowUpIn,
    SubmitIn,
    checked,
    follow_up,
    message_key,
    read_body,
    submission,
)
from fte_project import limits
from fte_project.events import Channel
from tickets.codes import CodeRefused, enter_code, masked, send_code
from tickets.intake import InboundMessage, OtherMessageSameId, Received, receive
from tickets.models import ChannelSettings, Message, Ticket, Trust
from tickets.tokens import FIRST_VERSION, status_token, status_url, ticket_of

router = Router(tags=["support"])


class ErrorOut(Schema):
    detail: str
    errors: list[dict[str, str]] = []


class SubmittedOut(Schema):
    reference: str
    token: str
    status_url: str


class CitationOut(Schema):
    slug: str
    title: str
    url: str
    passage: str | None = None


class MessageOut(Schema):
    id: int
    author: str
    kind: str
    text: str
    at: datetime
    citations: list[CitationOut] = Field(default_factory=list)
    attachments: list[str] = Field(default_factory=list)


class CodeSentOut(Schema):
    sent_to: str = Field(description="The address, shortened.")
    expires_at: datetime


class ConfirmedOut(Schema):
    address: str = Field(description="The address, shortened.")
    is_own: bool = Field(description="The address of this request; else another one of the same person.")
    token: str = Field(description="From now on. Once its own address is confirmed, earlier links open nothing.")
    status_url: str


class TicketOut(Schema):
    reference: str
    subject: str
    status: str
    category: str
    priority: str
    opened_at: datetime
    is_confirmed: bool = Field(description="Whether it is proven that the address is theirs who write here.")
    messages: list[MessageOut]


def _json_body(model: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def _body(model: type[SubmitIn] | type[FollowUpIn]) -> dict[str, Any]:
    """The two ways to send the fields, for the OpenAPI document."""
    schema = model.model_json_schema()
    with_files = {
        **schema,
        "properties": {
            **schema["properties"],
            "attachments": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 5},
        },
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema},
                "multipart/form-data": {"schema": with_files},
            },
        }
    }


ERRORS = {400: ErrorOut, 409: ErrorOut, 413: ErrorOut, 415: ErrorOut, 422: ErrorOut, 429: ErrorOut}


@router.post("/submit", response={201: SubmittedOut, **ERRORS}, openapi_extra=_body(SubmitIn))
def submit(request: HttpRequest) -> Status[Any]:
    """Open a ticket. Send an Idempotency-Key to make a retry harmless. At most 5 attachments of 10 MB."""
    check_is_on()
    fields, files = read_body(request)
    form = checked(SubmitIn, fields)
    return _answer(request, submission(form, key=message_key(request), files=files))


@router.get("/ticket/{token}", response={200: TicketOut, 404: ErrorOut})
def ticket(request: HttpRequest, token: str) -> TicketOut:
    """The ticket that a status token opens, with everything the customer may see."""
    return public_view(open_ticket(token))


@router.post(
    "/ticket/{token}/messages",
    response={201: SubmittedOut, 404: ErrorOut, **ERRORS},
    openapi_extra=_body(FollowUpIn),
)
def write_again(request: HttpRequest, token: str) -> Status[Any]:
    """Add a message. When the ticket is closed it opens a new one, whose reference and link are returned."""
    current = open_ticket(token)
    fields, files = read_body(request)
    form = checked(FollowUpIn, fields)
    return _answer(request, follow_up(form, current, key=message_key(request), files=files), about=current)


@router.post(
    "/ticket/{token}/codes",
    response={202: CodeSentOut, 404: ErrorOut, **ERRORS},
    openapi_extra=_json_body(CodeIn),
)
def ask_for_code(request: HttpRequest, token: str) -> Status[Any]:
    """Have a code sent by e-mail, to confirm the address of this request or to add another one.

    It is valid for 10 minutes and three tries. The answer is the same whether the address is known here or not.
    """
    current = open_ticket(token)
    form = checked(CodeIn, read_body(request)[0])
    try:
        code = send_code(current, form.address, network=limits.client_network(request))
    except CodeRefused as error:
        raise HttpError(422, str(error)) from error
    code.refresh_from_db(fields=["expires_at"])
    return Status(202, CodeSentOut(sent_to=masked(code.value), expires_at=code.expires_at))


@router.post(
    "/ticket/{token}/codes/confirm",
    response={200: ConfirmedOut, 404: ErrorOut, **ERRORS},
    openapi_extra=_json_body(ConfirmIn),
)
def confirm_address(request: HttpRequest, token: str) -> Status[Any]:
    """Enter the code that was sent last; a wrong one costs a try."""
    current = open_ticket(token)
    form = checked(ConfirmIn, read_body(request)[0])
    try:
        proven = enter_code(current, form.code)
    except CodeRefused as error:
        raise HttpError(422, str(error)) from error
    current.refresh_from_db()
    return Status(
        200,
        ConfirmedOut(
            address=proven.address,
            is_own=proven.is_own,
            token=status_token(current),
            status_url=status_url(current),
        ),
    )


def check_is_on() -> None:
    """Raise HttpError 503 when staff have switched the form off; open conversations go on."""
    if not ChannelSettings.of(Channel.WEB_FORM).is_enabled:
        raise HttpError(503, "This form is switched off at the moment. Please try again later.")


def open_ticket(token: str) -> Ticket:
    """The token's ticket. Raises HttpError 404, the same for unknown, expired and revoked."""
    try:
        return ticket_of(token)
    except Ticket.DoesNotExist as error:
        raise HttpError(404, "This link is not valid, or it has expired.") from error


def take(request: HttpRequest, inbound: InboundMessage, about: Ticket | None = None) -> Received:
    """Store what the form sent, within the limits; what is stored already is not counted again.

    Raises limits.TooMany, OtherMessageSameId.
    """
    address = limits.destination(inbound.sender.value)
    done = {"ip": limits.client_network(request), "global": ""}
    if about is None:
        done["email"] = address
    else:
        # Links to closed tickets lead to the conversation's open one: all of them count together.
        done["ticket"] = str(about.conversation_id)
        if about.conversation.trust == Trust.CLAIMED:  # each answer is mailed to what may be a stranger's address
            done["follow_ups"] = address
    return receive(inbound, about=about, admit=lambda: limits.count(done))


def _answer(request: HttpRequest, inbound: InboundMessage, about: Ticket | None = None) -> Status[Any]:
    try:
        received = take(request, inbound, about)
    except OtherMessageSameId as error:
        raise HttpError(409, "This Idempotency-Key was used before, with another content.") from error
    opened, version = received.ticket, first_version(about)
    links = {"token": status_token(opened, version), "status_url": status_url(opened, version)}
    return Status(201, SubmittedOut(reference=opened.reference, **links))


def first_version(about: Ticket | None) -> int | None:
    """Which link whoever posted may have: without one (`about`) only the first, however often they repeat the post.

    Once the owner of the address has shown up there is another one, for the owner alone.
    """
    return FIRST_VERSION if about is None else None


def public_view(ticket: Ticket) -> TicketOut:
    """What a customer may see of this one ticket: no names of staff, no internal words."""
    messages = ticket.messages.prefetch_related("attachments").order_by("id")
    return TicketOut(
        reference=ticket.reference,
        subject=ticket.subject,
        status=ticket.status,
        category=ticket.category,
        priority=ticket.priority,
        opened_at=ticket.opened_at,
        is_confirmed=ticket.conversation.trust != Trust.CLAIMED,
        messages=[_public_message(m) for m in messages],
    )


def _public_message(message: Message) -> MessageOut:
    return MessageOut(
        id=message.pk,
        author=message.author,
        kind=message.kind,
        text=message.body,
        at=message.created_at,
        citations=[CitationOut(**{k: s.get(k) for k in ("slug", "title", "url", "passage")}) for s in message.sources],
        attachments=[a.name for a in message.attachments.all()],
    )
