"""Pub/Sub tells that something happened in a mailbox. It only rings: what happened is read from Gmail itself."""

import base64
import json

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.errors import HttpError

from channels_app.gmail import push
from channels_app.gmail.models import GmailMailbox
from fte_project.crash import crash
from fte_project.schedule import run_soon
from fte_project.text import clean_line

log = structlog.get_logger()
router = Router(tags=["webhooks"])
BODY_LIMIT = 64 * 1024
READ = "gmail.read"


@router.post("/gmail", response={204: None}, include_in_schema=False)
def pushed(request: HttpRequest) -> HttpResponse:
    """Mark the mailbox as to be read. 401 for who is not Google; 204 also for what will never make sense: it ends."""
    if not (settings.GMAIL_ADDRESS and settings.GMAIL_PUSH_AUDIENCE):
        raise HttpError(404, "Pushes are off: GMAIL_PUSH_AUDIENCE is not set.")
    try:
        push.check(request.headers.get("Authorization", ""))
    except push.NotGoogle as error:
        log.warning("push_refused", why=str(error))
        raise HttpError(401, "Only Google's Pub/Sub may call this.") from error
    except push.KeysAway as error:
        raise HttpError(503, "Google's keys cannot be fetched right now.") from error
    address = _mailbox_of(request)
    crash("push_heard")
    marked = GmailMailbox.objects.filter(address=address).update(dirty_at=Now()) if address else 0
    if marked:
        run_soon(READ)
        crash("push_marked")
    else:
        log.warning("push_makes_no_sense", mailbox=address[:100])
    return HttpResponse(status=204)


def _mailbox_of(request: HttpRequest) -> str:
    """The address that the push is about, '' when it says none. Its historyId is not needed: we have our own cursor."""
    if int(request.headers.get("Content-Length") or 0) > BODY_LIMIT:
        return ""
    try:
        message = json.loads(request.body)["message"]
        said = json.loads(base64.b64decode(message["data"], validate=True))
        return clean_line(str(said["emailAddress"]), limit=254).lower()
    except (RequestDataTooBig, ValueError, KeyError, TypeError, RecursionError):
        return ""
