"""What Django itself answers under /api/ speaks like the API."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

SENTENCES = {
    400: "The request could not be read.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    405: "This method is not possible here.",
    500: "Something went wrong on our side. Nothing was stored that you have not been told of.",
}


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
