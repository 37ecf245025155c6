"""A provider's limit in tokens a minute, on a clock that may run faster than ours."""

import math
import threading
import time
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class TokenBucket:
    """Full at the beginning, refilled all the time. `granted` and `refused` say what was asked of it.

    `speed`: how many of its minutes pass in one of ours; the waits that it names are ours. `names_limits`: with
    OpenAI's x-ratelimit headers.
    """

    tokens_a_minute: int = 30_000
    speed: float = 1.0
    names_limits: bool = False
    granted: list[tuple[float, float]] = field(default_factory=list)  # when, how many tokens
    refused: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._left, self._at = float(self.tokens_a_minute), time.monotonic()

    @property
    def tokens_a_second(self) -> float:
        return self.tokens_a_minute / 60 * self.speed

    def take(self, tokens: float) -> tuple[bool, dict[str, str]]:
        """Whether a request of so many tokens is let through, and the headers of its answer."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self.tokens_a_minute, self._left + (now - self._at) * self.tokens_a_second)
            self._at = now
            is_granted = tokens <= self._left
            if is_granted:
                self._left -= tokens
                self.granted.append((now, tokens))
            else:
                self.refused += 1
            return is_granted, self._headers(0 if is_granted else tokens - self._left)

    def _headers(self, missing: float) -> dict[str, str]:
        headers = {}
        if missing:
            seconds = missing / self.tokens_a_second
            # OpenAI names whole seconds; on a faster clock they are shorter.
            headers["Retry-After"] = f"{math.ceil(seconds * self.speed) / self.speed:.3f}"
        if self.names_limits:
            full = (self.tokens_a_minute - self._left) / self.tokens_a_second
            headers |= {
                "x-ratelimit-limit-tokens": str(self.tokens_a_minute),
                "x-ratelimit-remaining-tokens": str(int(self._left)),
                "x-ratelimit-reset-tokens": f"{full * 1000:.0f}ms",
            }
        return headers

    def used(self) -> float:
        """Of all tokens that were to be had from the first request let through to the last, the share that was used.

        With what lay ready at the beginning; so 1 cannot be exceeded.
        """
        first, last = self.granted[0][0], self.granted[-1][0]
        return sum(tokens for _, tokens in self.granted) / (
            self.tokens_a_minute + (last - first) * self.tokens_a_second
        )

    def used_by_the_clock(self) -> float:
        """The tokens let through, over the limit times the minutes that it took."""
        first, last = self.granted[0][0], self.granted[-1][0]
        return sum(tokens for _, tokens in self.granted) / ((last - first) * self.tokens_a_second)
