"""The weights of the gate's figures, fitted to the labelled rows; the same rows give the same weights."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_runner.facts import other_facts
from agent_runner.likeness import figures
from agent_runner.support import WEIGHTS, kept_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = Path(__file__).parent / "data" / "gate.jsonl"
RIDGE = 0.2
STRICTNESS = 0.885
_BY_ITSELF = {"copy", "share_unknown"}  # figures that others are made of
OTHERS = 0.5  # weight of a row made by putting a sentence beside another passage


def fit(path: Path = ROWS) -> dict[str, Any]:
    """What WEIGHTS must hold for the rows as they are now."""
    import numpy as np

    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    told = [(r["sentence"], r["passage"], r["label"] != "faithful", 1.0) for r in rows]
    told += [(sentence, passage, True, OTHERS) for sentence, passage in beside_others(rows)]
    open_rows = [
        (found, is_faulty, weight)
        for sentence, passage, is_faulty, weight in told
        if not other_facts(sentence, passage) and not kept_back(found := figures(sentence, passage))
    ]
    names = sorted(
        {name for found, _, _ in open_rows for name, value in found.items() if value and name not in _BY_ITSELF}
    )
    values = np.array([[found.get(name, 0.0) for name in names] for found, _, _ in open_rows])
    target = np.array([float(is_faulty) for _, is_faulty, _ in open_rows])
    weights, base = fit_weights(values, target, np.array([weight for _, _, weight in open_rows]))
    return {
        "rows_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "weights": {n: round(float(w), 3) for n, w in zip(names, weights, strict=True) if round(float(w), 3)},
        "limit": round(-STRICTNESS - base, 3),
    }


def beside_others(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Each faithful sentence beside a passage that it is not from."""
    faithful = [r for r in rows if r["label"] == "faithful"]
    pairs = [(r, faithful[(7 * n + 101) % len(faithful)]) for n, r in enumerate(faithful)]
    return [(r["sentence"], other["passage"]) for r, other in pairs if r["passage"] != other["passage"]]


def fit_weights(
    values: "NDArray[Any]", target: "NDArray[Any]", importance: "NDArray[Any]"
) -> tuple["NDArray[Any]", float]:
    """A ridge logistic regression with no weight below 0: what speaks against a sentence never speaks for it."""
    import numpy as np

    kept = list(range(values.shape[1]))
    while True:
        found = _newton(np.hstack([values[:, kept], np.ones((len(values), 1))]), target, importance)
        if not kept or found[:-1].min() >= 0:
            break
        kept.pop(int(found[:-1].argmin()))
    weights = np.zeros(values.shape[1])
    weights[kept] = found[:-1]
    return weights, float(found[-1])


def _newton(inputs: "NDArray[Any]", target: "NDArray[Any]", importance: "NDArray[Any]") -> "NDArray[Any]":
    import numpy as np

    penalty = np.diag([*([RIDGE] * (inputs.shape[1] - 1)), 1e-6])
    row = np.zeros(inputs.shape[1])
    for _ in range(15):
        share = 1 / (1 + np.exp(-inputs @ row))
        slope = inputs.T @ (importance * (share - target)) + penalty @ row
        curve = (inputs * (importance * share * (1 - share))[:, None]).T @ inputs + penalty
        row -= np.linalg.solve(curve, slope)
    return row


def main() -> None:
    """Write WEIGHTS anew: python -m agent_runner.gate_fitting."""
    WEIGHTS.write_text(json.dumps(fit(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
