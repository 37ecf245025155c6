"""The only file that speaks to Gmail: Google's client, with limits, and its errors in our words."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException

import google_auth_httplib2
import httplib2
from django.conf import settings
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from channels_app.gmail.access import SECONDS, credentials

PAGE = 500
HIDDEN = {"SPAM", "TRASH"}
# What a Gmail that is away, busy or does not let us in looks like from here.
GMAIL_ERRORS = (HttpError, GoogleAuthError, httplib2.HttpLib2Error, OSError, HTTPException, ValueError, KeyError)


class CursorTooOld(Exception):
    """Gmail's history does not reach back to the cursor any more."""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A mail as Gmail gives it; `at` is when it came in, in seconds since 1970."""

    gmail_id: str
    thread_id: str
    labels: frozenset[str]
    at: float
    raw: bytes


class Gmail:
    """One mailbox. Not for more than one thread: httplib2 is not safe to share."""

    def __init__(self, address: str, opened_by: Credentials | None = None) -> None:
        self.address = address
        opens = opened_by or credentials(address)
        http = google_auth_httplib2.AuthorizedHttp(opens, http=httplib2.Http(timeout=SECONDS))
        options = {"api_endpoint": settings.GMAIL_API_URL} if settings.GMAIL_API_URL else None
        service = build("gmail", "v1", http=http, client_options=options, cache_discovery=False)
        self._users = service.users()

    def newest_history_id(self) -> int:
        """The cursor of now. Raises one of GMAIL_ERRORS, like everything here."""
        return int(self._profile(self.address)["historyId"])

    def owner(self) -> str:
        """The address of the mailbox that lets us in."""
        return str(self._profile("me")["emailAddress"]).lower()

    def _profile(self, user: str) -> dict[str, str]:
        profile: dict[str, str] = self._users.getProfile(userId=user).execute(num_retries=1)
        return profile

    def watch(self, topic: str) -> datetime:
        """Have what happens in the inbox published to the Pub/Sub topic; until when."""
        body = {"topicName": topic, "labelIds": ["INBOX", "SENT"], "labelFilterBehavior": "include"}
        answer = self._users.watch(userId=self.address, body=body).execute(num_retries=1)
        return datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)

    def added_since(self, cursor: int) -> tuple[list[str], int]:
        """The ids of all mails added since `cursor`, or taken out of spam and trash, oldest first, and the cursor after
        them. Raises CursorTooOld."""
        found: dict[str, None] = {}
        page: str | None = None
        newest = 0
        while True:
            call = self._users.history().list(
                userId=self.address,
                startHistoryId=str(cursor),
                historyTypes=["messageAdded", "labelRemoved"],
                maxResults=PAGE,
                pageToken=page,
            )
            try:
                answer = call.execute(num_retries=1)
            except HttpError as error:
                if error.resp.status == 404:
                    raise CursorTooOld from error
                raise
            for row in answer.get("history", []):
                freed = [change for change in row.get("labelsRemoved", []) if HIDDEN & set(change.get("labelIds", []))]
                found.update({change["message"]["id"]: None for change in [*row.get("messagesAdded", []), *freed]})
            # The first page's: what comes in while the others are read is found again, and known.
            newest, page = newest or int(answer["historyId"]), answer.get("nextPageToken")
            if not page:
                return list(found), max(newest, cursor)

    def ids(self, query: str) -> list[str]:
        """The ids of all mails that match Gmail's search, oldest first."""
        found: list[str] = []
        page = None
        while True:
            call = self._users.messages().list(userId=self.address, q=query, maxResults=PAGE, pageToken=page)
            answer = call.execute(num_retries=1)
            found += [message["id"] for message in answer.get("messages", [])]
            page = answer.get("nextPageToken")
            if not page:
                return found[::-1]

    def fetch(self, gmail_id: str) -> Fetched | None:
        """One mail; None when it is gone."""
        call = self._users.messages().get(userId=self.address, id=gmail_id, format="raw")
        try:
            answer = call.execute(num_retries=1)
        except HttpError as error:
            if error.resp.status == 404:
                return None
            raise
        return Fetched(
            gmail_id=answer["id"],
            thread_id=answer["threadId"],
            labels=frozenset(answer.get("labelIds", [])),
            at=int(answer["internalDate"]) / 1000,
            raw=base64.urlsafe_b64decode(answer["raw"] + "=="),
        )

    def create_draft(self, raw: bytes, thread_id: str | None) -> str:
        """A draft in the thread; its id. Nothing leaves yet."""
        message = {"raw": base64.urlsafe_b64encode(raw).decode(), **({"threadId": thread_id} if thread_id else {})}
        call = self._users.drafts().create(userId=self.address, body={"message": message})
        return str(call.execute()["id"])

    def has_draft(self, draft_id: str) -> bool:
        """Whether it is still a draft: then it was certainly not sent."""
        try:
            self._users.drafts().get(userId=self.address, id=draft_id, format="minimal").execute(num_retries=1)
        except HttpError as error:
            if error.resp.status == 404:
                return False
            raise
        return True

    def send_draft(self, draft_id: str) -> str:
        """Send it; the id of the sent mail. A draft that was sent is gone, so it cannot leave twice."""
        return str(self._users.drafts().send(userId=self.address, body={"id": draft_id}).execute()["id"])

    def header(self, gmail_id: str, name: str) -> str:
        """One header of a mail, '' without it."""
        call = self._users.messages().get(userId=self.address, id=gmail_id, format="metadata", metadataHeaders=[name])
        headers = call.execute(num_retries=1)["payload"].get("headers", [])
        return next((str(h["value"]) for h in headers if h["name"].lower() == name.lower()), "")
