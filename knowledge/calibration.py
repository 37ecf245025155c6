"""What nearness is worth: when the articles know something about a question, and how sure the first one is."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median, quantiles
from typing import Any, Self

from knowledge.embeddings import LOCAL_MODEL_ID
from knowledge.models import Calibration

ENOUGH_HEADINGS = 10
ENOUGH_QUESTIONS = 50  # … to trust them more than headings
ENOUGH_TO_FIT = 100  # … to fit this installation's own lines
RIGHT = 0.85  # share of what is answered alone that must be right
AT_LEAST = 0.4  # confidence of each of them, however good the others are
WORTH_A_LOOK = 0.6  # … of the suggestions of which one must be
STRANGE = (
    0.2  # messages that are no questions for the articles, for each question: a guess, as the set's size says nothing
)
ENOUGH_TO_LIMIT = 10  # questions that must be above a limit
CLEARLY = 0.12  # units above the floor from which something is answered alone

type Line = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The numbers of one embedding model in one knowledge base.

    `floor`: nearness below which nothing is known. `unit`: how far the articles' own headings are from strange
    questions; leads are measured in it, so that the lines of one model serve another. Lines: intercept and slope.
    `answer_from`: confidence from which the first article is quoted alone; `suggest_from`: confidence that one of the
    first three answers, from which they are suggested.
    """

    floor: float
    unit: float
    top1: Line = (-2.3, 7.5)
    top3: Line = (-1.4, 7.6)
    answer_from: float = 0.74
    suggest_from: float = 0.46

    def is_clear(self, nearness: float) -> bool:
        """Whether the articles are so near that one may answer alone: a word in common lifts strange messages a bit."""
        return nearness >= self.floor + CLEARLY * self.unit

    def confidence(self, lead: float) -> float:
        """0–1: how likely an article with this lead over the next ones answers."""
        return _logistic(self.top1, lead / self.unit)

    def confidence_top3(self, lead: float) -> float:
        """0–1: how likely one of the first three articles answers; of the first one's lead."""
        return _logistic(self.top3, lead / self.unit)

    @classmethod
    def of(cls, row: Calibration) -> Self:
        values = row.values
        return cls(
            floor=row.floor,
            unit=values["unit"],
            top1=tuple(values["top1"]),
            top3=tuple(values["top3"]),
            answer_from=values.get("answer_from", cls.answer_from),
            suggest_from=values.get("suggest_from", cls.suggest_from),
        )


# The local model ships calibrated: EVALUATION.md says on what.
SHIPPED = {LOCAL_MODEL_ID: Thresholds(floor=0.445, unit=0.37)}


def thresholds(model_id: str) -> Thresholds | None:
    """The model's numbers here: this installation's own, or the shipped ones; None: it was never calibrated."""
    row = Calibration.objects.filter(pk=model_id).first()
    return Thresholds.of(row) if row else SHIPPED.get(model_id)


class CannotCalibrate(ValueError):
    """There is too little to go by, or the model cannot tell the articles' questions from others; says what to do."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A question as the search saw it. `first`: the first hit answers; `among3`: one of the first three does."""

    nearness: float
    lead: float
    first: bool = False
    among3: bool = False


def fitted(headings: Sequence[Tried], questions: Sequence[Tried], strange: Sequence[Tried]) -> Thresholds:
    """Thresholds from the articles' own headings, real questions with known answers, and off-topic ones.

    The floor lies half-way between where strange questions end and where the articles' own begin. With enough real
    questions the lines are fitted to them, too. Raises CannotCalibrate.
    """
    if len(headings) < ENOUGH_HEADINGS:
        raise CannotCalibrate(f"Only {len(headings)} headings are indexed, {ENOUGH_HEADINGS} are needed: add articles.")
    ends = _quantile([t.nearness for t in strange], 97)
    real = len(questions) >= ENOUGH_QUESTIONS
    begins = _quantile([t.nearness for t in questions], 10) if real else _quantile([t.nearness for t in headings], 25)
    unit = median(t.nearness for t in headings) - median(t.nearness for t in strange)
    if unit <= 0 or median(t.nearness for t in (questions if real else headings)) <= ends:
        raise CannotCalibrate(
            "The model cannot tell questions about the articles from others: check that the articles are indexed, and "
            "that the off-topic questions really are."
        )
    found = Thresholds(floor=(ends + begins) / 2, unit=unit)
    if len(questions) >= ENOUGH_TO_FIT:
        known = [t for t in (*questions, *strange) if t.nearness >= found.floor]
        leads = [t.lead / unit for t in known]
        found = replace(
            found,
            top1=_line(leads, [t.first for t in known], found.top1),
            top3=_line(leads, [t.among3 for t in known], found.top3),
        )
    return _limited(found, questions, strange) if real else found


def _limited(found: Thresholds, questions: Sequence[Tried], strange: Sequence[Tried]) -> Thresholds:
    """With the limits that this knowledge base's own questions allow."""
    weights = [(t, 1.0) for t in questions] + [(t, STRANGE * len(questions) / len(strange)) for t in strange]
    weighted = [(t, weight) for t, weight in weights if t.nearness >= found.floor]
    clear = [(found.confidence(t.lead), t.first, weight) for t, weight in weighted if found.is_clear(t.nearness)]
    answer_from = max(AT_LEAST, _lowest(clear, RIGHT, found.answer_from))
    rest = [
        (found.confidence_top3(t.lead), t.among3, weight)
        for t, weight in weighted
        if not (found.is_clear(t.nearness) and found.confidence(t.lead) >= answer_from)
    ]
    return replace(found, answer_from=answer_from, suggest_from=_lowest(rest, WORTH_A_LOOK, found.suggest_from))


def _lowest(tried: Sequence[tuple[float, bool, float]], share: float, usual: float) -> float:
    """The lowest confidence from which at least `share` is right, by (confidence, is right, weight)."""
    right = total = 0.0
    lowest = None
    for confidence, is_right, weight in sorted(tried, reverse=True):
        right, total = right + weight * is_right, total + weight
        if right >= share * total and total >= ENOUGH_TO_LIMIT:
            lowest = confidence
    return usual if lowest is None else lowest


def keep(model_id: str, found: Thresholds, figures: dict[str, Any]) -> None:
    """From now on the model's similarities are judged by these numbers."""
    values = {name: value for name, value in asdict(found).items() if name != "floor"}
    Calibration.objects.update_or_create(
        model_id=model_id, defaults={"floor": found.floor, "values": values, "figures": figures}
    )


def logistic(log_odds: float) -> float:
    """The share, 0–1, that these log odds stand for."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def _logistic(line: Line, x: float) -> float:
    return logistic(line[0] + line[1] * x)


def _quantile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def _line(xs: Sequence[float], ys: Sequence[bool], start: Line, rounds: int = 50) -> Line:
    """Logistic regression by Newton's method, drawn a little towards `start` so that it exists for any data."""
    a, b = start
    for _ in range(rounds):
        ga, gb, haa, hab, hbb = start[0] - a, start[1] - b, 1.0, 0.0, 1.0
        for x, y in zip(xs, ys, strict=True):
            p = _logistic((a, b), x)
            w = p * (1 - p)
            ga, gb = ga + y - p, gb + (y - p) * x
            haa, hab, hbb = haa + w, hab + w * x, hbb + w * x * x
        det = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        a, b = a + da, b + db
        if abs(da) + abs(db) < 1e-9:
            break
    return a, b
