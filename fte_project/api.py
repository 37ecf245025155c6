"""The one HTTP API: routers of the apps, and how errors speak."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from channels_app.gmail.webhook import router as gmail
from channels_app.web_form.api import router as support
from channels_app.web_form.parsing import InvalidForm
from fte_project.db import NOTHING_STORED, TRY_AGAIN_SECONDS
from fte_project.limits import TooMany
from fte_project.staff_api import router as staff

log = structlog.get_logger()
api = NinjaAPI(title="Support desk", version="1", description="Write to the desk and follow the answer.")
api.add_router("/support", support)
api.add_router("/webhooks", gmail)
api.add_router("", staff)


def _say(request: HttpRequest, status: int, detail: str, errors: list[dict[str, str]] | None = None) -> HttpResponse:
    return api.create_response(request, {"detail": detail, "errors": errors or []}, status=status)


@api.exception_handler(InvalidForm)
def invalid_form(request: HttpRequest, error: InvalidForm) -> HttpResponse:
    return _say(request, 422, "Some fields are not right.", error.errors)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors: list[dict[str, str]] = [{"field": str(e["loc"][-1]), "message": str(e["msg"])} for e in error.errors]
    return _say(request, 422, "Some values are not right.", errors)


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    said = "Log in to the desk, or send a valid X-API-Key." if error.status_code == 401 else str(error)
    return _say(request, error.status_code, said)


@api.exception_handler(Http404)
def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return _say(request, 404, "There is nothing here.")


@api.exception_handler(TooMany)
def too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    response = _say(request, 429, str(error))
    response["Retry-After"] = str(error.seconds)
    return response


def too_big(request: HttpRequest, error: Any) -> HttpResponse:
    return _say(request, 413, "The request is too large.")


def database_away(request: HttpRequest, error: Any) -> HttpResponse:
    """Nothing was stored; the sender may try again."""
    log.error("database_away", error=error)
    response = _say(request, 503, "We cannot store your message right now. Please try again in a minute.")
    response["Retry-After"] = str(TRY_AGAIN_SECONDS)
    return response


HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    RequestDataTooBig: too_big,
    TooManyFieldsSent: too_big,
    **dict.fromkeys(NOTHING_STORED, database_away),
}
for kind, handler in HANDLERS.items():
    api.add_exception_handler(kind, handler)
