"""Shares of what was measured, as every kind of evaluation gives and shows them."""

import math
from collections.abc import Sequence


def rate(answers: Sequence[bool]) -> float | None:
    """How many are true, 0-1; None of none."""
    return round(sum(answers) / len(answers), 4) if answers else None


def shown(share: float | None) -> str:
    """A rate for people."""
    return "–" if share is None else f"{share:.3f}"


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them do not exceed."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1)
