"""Pub/Sub on the loopback: tells one endpoint what happened in a mailbox, again and again until it says 2xx."""

import base64
import heapq
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests

from channels_app.simulator.google import GoogleKey

ANSWERED = {102, 200, 201, 202, 204}  # everything else makes it come again
PATIENCE_SECONDS = 10.0  # for an answer
FIRST_WAIT, LONGEST_WAIT = 0.1, 60.0
REMEMBERED = 5000


@dataclass(order=True, kw_only=True)
class Push:
    """One notification. `answered_at` is when the endpoint took it; None until then."""

    due: float
    number: int
    address: str = field(compare=False)
    history_id: int = field(compare=False)
    tries: int = field(default=0, compare=False)
    answered_at: float | None = field(default=None, compare=False)


class Pushes:
    """A push subscription: every change is told at least once, in no promised order, signed by `key` for `endpoint`.

    `loses` says of a change whether it is never told: Gmail drops what exceeds one a second in a mailbox.
    """

    def __init__(
        self, endpoint: str, account: str, key: GoogleKey, *, loses: Callable[[], bool] = lambda: False
    ) -> None:
        self.endpoint, self.account, self.key, self.loses = endpoint, account, key, loses
        self.log: deque[Push] = deque(maxlen=REMEMBERED)
        self._numbers = itertools.count(1)
        self._waiting: list[Push] = []
        self._ring = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="pushes", daemon=True)
        self._thread.start()

    def tell(self, address: str, history_id: int) -> None:
        """Something happened in the mailbox; it is told from another thread."""
        with self._ring:
            if self.loses():
                return
            push = Push(due=time.monotonic(), number=next(self._numbers), address=address, history_id=history_id)
            self.log.append(push)
            heapq.heappush(self._waiting, push)
            self._ring.notify()

    def close(self) -> None:
        with self._ring:
            self._is_closed = True
            self._ring.notify()
        self._thread.join(PATIENCE_SECONDS + 1)

    def _work(self) -> None:
        while (push := self._next()) is not None:
            push.tries += 1
            if self._is_taken(push):
                push.answered_at = time.time()
                continue
            push.due = time.monotonic() + min(FIRST_WAIT * 2 ** (push.tries - 1), LONGEST_WAIT)
            with self._ring:
                heapq.heappush(self._waiting, push)

    def _next(self) -> Push | None:
        """The next one that is due, when it is; None at the end."""
        with self._ring:
            while not self._is_closed:
                wait = self._waiting[0].due - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._waiting)
                self._ring.wait(wait)
        return None

    def _is_taken(self, push: Push) -> bool:
        token = self.key.push_token(audience=self.endpoint, account=self.account)
        try:
            answer = requests.post(
                self.endpoint,
                json=_body(push),
                headers={"Authorization": f"Bearer {token}"},
                timeout=PATIENCE_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
        return answer.status_code in ANSWERED


def _body(push: Push) -> dict[str, object]:
    said = json.dumps({"emailAddress": push.address, "historyId": push.history_id}).encode()
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {
        "message": {
            "data": base64.b64encode(said).decode(),
            "messageId": str(push.number),
            "message_id": str(push.number),
            "publishTime": at,
            "publish_time": at,
        },
        "subscription": "projects/simulated/subscriptions/gmail",
    }
