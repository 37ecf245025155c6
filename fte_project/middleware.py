"""What Django itself answers under /api/ speaks like the API, and pages say it when nothing can be stored."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from fte_project.db import NOTHING_STORED, TRY_AGAIN_SECONDS

log = structlog.get_logger()
SENTENCES = {
    400: "The request could not be read.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    405: "This method is not possible here.",
    500: "Something went wrong on our side. Nothing was stored that you have not been told of.",
}
TYPED = ("message", "body", "notes", "body_md")  # the fields of our forms that people write whole texts into


def api_errors(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Turn Django's own HTML or plain-text errors under /api/ into {detail, errors}."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_ours = response.headers.get("Content-Type", "").startswith("application/json")
        if not request.path.startswith("/api/") or is_ours or response.status_code not in SENTENCES:
            return response
        said = JsonResponse({"detail": SENTENCES[response.status_code], "errors": []}, status=response.status_code)
        if "Allow" in response.headers:
            said["Allow"] = response["Allow"]
        return said

    return middleware


class SayThatNothingIsStored:
    """A page that meets a database which is away answers 503, and offers to send what was typed into it once more.

    With the same hidden fields: whether it was stored is not known, and they make a second time harmless.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page for such an error; None for every other one. The API speaks for itself."""
        if not isinstance(error, NOTHING_STORED):
            return None
        log.error("database_away", error=error)
        typed = next((name for name in TYPED if request.POST.get(name)), "")
        left_out = {typed, "csrfmiddlewaretoken"}
        fields = [(k, v) for k, v in request.POST.items() if k not in left_out and "password" not in k]
        context = {"name": typed, "text": request.POST.get(typed, ""), "fields": fields}
        response = render(request, "away.html", context, status=503)
        response["Retry-After"] = str(TRY_AGAIN_SECONDS)
        return response
