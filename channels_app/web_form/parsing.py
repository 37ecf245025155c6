"""What the form may send, checked field by field, and how it becomes an InboundMessage."""

import json
import unicodedata
import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from ninja.errors import HttpError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from customers.identifiers import normal_email
from customers.models import Identifier
from fte_project.events import Channel
from fte_project.text import clean_line, clean_text
from tickets.intake import Address, InboundFile, InboundMessage
from tickets.models import Ticket

FILE_OVERHEAD_BYTES = 512 * 1024  # field values and multipart borders beside the files


class InvalidForm(Exception):
    """What is wrong with the fields, as a list of {field, message}."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(errors)
        self.errors = errors


def _storable(value: Any) -> Any:
    """Refuse characters that cannot be stored instead of changing what somebody wrote."""
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)):
        raise ValueError("This contains characters that cannot be stored.")
    return value


def _an_email(value: str) -> str:
    normal_email(value)
    return value


def _a_name(value: str) -> str:
    """Names are greeted in our mails, which a stranger can send to any address: they must not advertise."""
    plain = unicodedata.normalize("NFKC", value).casefold()
    if any(mark in plain for mark in ("://", "www.", "@")):
        raise ValueError("Please write your name without links and addresses.")
    return value


# Pydantic runs these from the last to the first: refuse, then clean.
Line = Annotated[str, BeforeValidator(lambda v: clean_line(v) if isinstance(v, str) else v), BeforeValidator(_storable)]
Words = Annotated[
    str, BeforeValidator(lambda v: clean_text(v) if isinstance(v, str) else v), BeforeValidator(_storable)
]


class SubmitIn(BaseModel):
    """The form's fields and rules."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[Line, Field(min_length=2, max_length=120), AfterValidator(_a_name)]
    email: Annotated[Line, Field(max_length=254), AfterValidator(_an_email)]
    subject: Annotated[Line, Field(min_length=5, max_length=200)]
    category: Ticket.Category = Ticket.Category.GENERAL
    priority: Ticket.Priority = Ticket.Priority.MEDIUM
    message: Annotated[Words, Field(min_length=10, max_length=1000)]


class FollowUpIn(BaseModel):
    """A further message on the status page."""

    model_config = ConfigDict(extra="ignore")

    message: Annotated[Words, Field(min_length=1, max_length=4000)]


class CodeIn(BaseModel):
    """Where a code goes: the address of the request, or another one of the same person."""

    model_config = ConfigDict(extra="ignore")

    address: Annotated[Line, Field(max_length=254, description="Empty: the address of this request.")] = ""


class ConfirmIn(BaseModel):
    """The code that was sent last."""

    model_config = ConfigDict(extra="ignore")

    code: Annotated[Line, Field(min_length=1, max_length=40, examples=["123456"])]


def _sentence(error: ErrorDetails) -> str:
    """What is wrong with one field, for the person who filled it in."""
    limits = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "Please fill this in."
        case "too_short" | "string_too_short":
            short = limits["min_length"]
            return f"Please write at least {short} characters." if short > 1 else "Please write something."
        case "too_long" | "string_too_long":
            return f"Please write at most {limits['max_length']} characters."
        case "enum":
            return f"Choose one of these: {limits['expected']}."
        case "string_type":
            return "This must be text."
    return error["msg"].removeprefix("Value error, ")


def checked[M: BaseModel](model: type[M], values: Mapping[str, Any]) -> M:
    """The values as `model`. Raises InvalidForm with one sentence per field."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InvalidForm(
            [
                {
                    "field": str(e["loc"][0]) if e["loc"] else "",
                    "message": _sentence(e),
                }
                for e in error.errors()
            ]
        ) from error


def read_body(request: HttpRequest) -> tuple[dict[str, Any], tuple[InboundFile, ...]]:
    """The fields and files of a JSON or multipart request. Raises HttpError 400, 413 or 415 with a sentence."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    length = int(declared) if declared.isdecimal() and len(declared) < 16 else 0  # Django, too, reads nonsense as 0
    if request.content_type == "application/json":
        if length > settings.JSON_MAX_BYTES:
            raise HttpError(413, f"The request is larger than {settings.JSON_MAX_BYTES // 1024} KB.")
        return _json_object(request), ()
    if request.content_type == "multipart/form-data":
        most = settings.ATTACHMENTS_PER_MESSAGE * settings.ATTACHMENT_MAX_BYTES + FILE_OVERHEAD_BYTES
        if length > most:
            raise HttpError(413, f"The request is larger than {most // 1024 // 1024} MB.")
        try:
            return dict(request.POST.items()), uploaded_files(request)
        except (RequestDataTooBig, TooManyFilesSent) as error:
            raise HttpError(413, "The form is too large, or has too many files.") from error
        except (BadRequest, MultiPartParserError, ValueError) as error:
            raise HttpError(400, "The form could not be read.") from error
    raise HttpError(415, "Send the form as application/json, or as multipart/form-data with attachments.")


def _json_object(request: HttpRequest) -> dict[str, Any]:
    try:
        body = request.body
    except RequestDataTooBig as error:  # no Content-Length, or a wrong one
        raise HttpError(413, f"The request is larger than {settings.JSON_MAX_BYTES // 1024} KB.") from error
    if len(body) > settings.JSON_MAX_BYTES:
        raise HttpError(413, f"The request is larger than {settings.JSON_MAX_BYTES // 1024} KB.")
    try:
        values = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise HttpError(400, "The body is not valid JSON in UTF-8.") from error
    if not isinstance(values, dict):
        raise HttpError(400, "The body must be a JSON object.")
    return values


def uploaded_files(request: HttpRequest) -> tuple[InboundFile, ...]:
    """The files of a multipart request, within the limits. Raises HttpError 413."""
    uploads: list[UploadedFile[Any]] = [f for _, group in request.FILES.lists() for f in group]
    if len(uploads) > settings.ATTACHMENTS_PER_MESSAGE:
        raise HttpError(413, f"At most {settings.ATTACHMENTS_PER_MESSAGE} attachments are possible.")
    for upload in uploads:
        if (upload.size or 0) > settings.ATTACHMENT_MAX_BYTES:
            raise HttpError(413, f"An attachment is larger than {settings.ATTACHMENT_MAX_BYTES // 1024 // 1024} MB.")
    return tuple(
        InboundFile(
            name=clean_line(upload.name or "file", limit=200) or "file",
            content_type=clean_line(upload.content_type or "application/octet-stream", limit=120),
            content=upload.read(),
        )
        for upload in uploads
    )


def message_key(request: HttpRequest) -> str:
    """What makes a repeated request the same message: its Idempotency-Key, or a new one. Raises HttpError 400."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not key.isprintable():
        raise HttpError(400, "Idempotency-Key must be at most 200 printable characters.")
    return key or str(uuid.uuid4())


def submission(form: SubmitIn, *, key: str, files: tuple[InboundFile, ...] = ()) -> InboundMessage:
    """A first message from the form. The address is what somebody typed: a claim."""
    return InboundMessage(
        channel=Channel.WEB_FORM,
        mailbox="submit",
        external_id=key,
        sender=Address(kind=Identifier.Kind.EMAIL, value=normal_email(form.email), raw=form.email),
        name=form.name,
        subject=form.subject,
        body=form.message,
        category=form.category,
        priority=form.priority,
        raw=form.model_dump_json().encode(),
        files=files,
    )


def follow_up(form: FollowUpIn, ticket: Ticket, *, key: str, files: tuple[InboundFile, ...] = ()) -> InboundMessage:
    """A further message by the holder of a status link: by the same sender, about the same thing."""
    conversation = ticket.conversation
    return InboundMessage(
        channel=Channel.WEB_FORM,
        mailbox=f"messages:{ticket.pk}",
        external_id=key,
        sender=Address(kind=Identifier.Kind.EMAIL, value=conversation.address, raw=conversation.address),
        name=conversation.customer.name,
        subject=ticket.subject,
        body=form.message,
        category=ticket.category,
        priority=ticket.priority,
        raw=form.model_dump_json().encode(),
        files=files,
    )
