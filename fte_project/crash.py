"""Named crash points: where a test may kill the process (FTE_CRASH_AT, honoured only when FTE_MODE=test)."""

import os
import signal
from collections import Counter

from django.conf import settings

_passed: Counter[str] = Counter()


def crash(name: str) -> None:
    """SIGKILL this process when FTE_CRASH_AT is `name` (first pass) or `name:n` (n-th pass); else do nothing."""
    if not settings.CRASH_AT:
        return
    wanted, _, nth = settings.CRASH_AT.partition(":")
    if name == wanted:
        _passed[name] += 1
        if _passed[name] == int(nth or 1):
            os.kill(os.getpid(), signal.SIGKILL)
