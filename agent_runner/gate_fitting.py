"""The weights of the gate's figures and its networks, fitted to the labelled pairs; the same pairs give the same."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_runner.entailment import NET, Net, Pair, outcome, pair
from agent_runner.entailment_fitting import train
from agent_runner.facts import other_name
from agent_runner.likeness import SENTENCE_END
from agent_runner.support import AGAINST, WEIGHTS, figures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = Path(__file__).parent / "data" / "gate_pairs.jsonl"
KINDS = ("faithful", "number", "negation", "name", "added_step")  # in this order the networks know them
RIDGE = 0.2
STRICTNESS = -0.3  # log odds of a fault from which a sentence is kept back: rather a draft too many
NETWORKS = 3
FOLDS = 3  # to know what a network says of pairs that it has not seen
EVERY = 4  # of the faithful sentences, one in so many is laid beside a passage that it is not from
OWN = 2  # of a passage's sentences, the shortest
_BY_ITSELF = {"copy"}  # a figure that others are made of


@dataclass(frozen=True, kw_only=True)
class Row:
    """A sentence about a passage, and which of KINDS it is."""

    passage: str
    sentence: str
    kind: int


def read_rows(path: Path = ROWS) -> list[Row]:
    """The labelled pairs: a line for each passage, with its sentences by kind."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Row(passage=line["passage"], sentence=sentence, kind=number)
        for line in lines
        for number, kind in enumerate(KINDS)
        for sentence in line.get(kind, ())
    ]


def with_plain_ones(rows: Sequence[Row]) -> list[Row]:
    """The rows, some faithful sentences beside another passage, which says nothing of them, and what passages say
    themselves."""
    faithful = [row for row in rows if not row.kind]
    others = [faithful[(7 * n + 101) % len(faithful)] for n in range(len(faithful))]
    strangers = [
        Row(passage=other.passage, sentence=row.sentence, kind=KINDS.index("added_step"))
        for row, other in list(zip(faithful, others, strict=True))[::EVERY]
        if row.passage != other.passage
    ]
    own = [
        Row(passage=passage, sentence=sentence, kind=0)
        for passage in dict.fromkeys(row.passage for row in rows)
        for sentence in sorted(SENTENCE_END.split(passage), key=len)[:OWN]
    ]
    return [*rows, *strangers, *own]


def fit() -> tuple[dict[str, Any], list[Net]]:
    """What WEIGHTS must hold for the pairs as they are now, and the networks of NET. Takes some minutes."""
    rows = with_plain_ones(read_rows())
    pairs = [pair(row.sentence, row.passage) for row in rows]
    with ProcessPoolExecutor() as pool:
        unseen = list(pool.map(_said_of_unseen, *zip(*_folds(rows, pairs), strict=True)))
        networks = list(pool.map(train, [pairs] * NETWORKS, [[row.kind for row in rows]] * NETWORKS, range(NETWORKS)))
    odds = {place: value for some in unseen for place, value in some.items()}
    return _weights(rows, [odds[place] for place in range(len(rows))]), networks


def _folds(rows: Sequence[Row], pairs: Sequence[Pair]) -> Iterator[tuple[list[Pair], list[int], dict[int, Pair]]]:
    """For each fold of the passages: what to train with, and the pairs that it leaves out."""
    passages = {passage: n % FOLDS for n, passage in enumerate(sorted({row.passage for row in rows}))}
    for fold in range(FOLDS):
        kept = [n for n, row in enumerate(rows) if passages[row.passage] != fold]
        left_out = {n: pairs[n] for n, row in enumerate(rows) if passages[row.passage] == fold}
        yield [pairs[n] for n in kept], [rows[n].kind for n in kept], left_out


def _said_of_unseen(seen: list[Pair], kinds: list[int], unseen: dict[int, Pair]) -> dict[int, float]:
    network = train(seen, kinds, seed=0)
    return {place: outcome(network, found) for place, found in unseen.items()}


def _weights(rows: Sequence[Row], odds: Sequence[float]) -> dict[str, Any]:
    import numpy as np

    told = [
        ({**figures_of(row.sentence, row.passage), AGAINST: against}, row.kind > 0)
        for row, against in zip(rows, odds, strict=True)
        if not other_name(row.sentence, row.passage)
    ]
    names = sorted({name for found, _ in told for name, value in found.items() if value and name not in _BY_ITSELF})
    values = np.array([[found.get(name, 0.0) for name in names] for found, _ in told])
    weights, base = fit_weights(values, np.array([float(is_faulty) for _, is_faulty in told]))
    return {
        "rows_sha256": sha256(),
        "weights": {n: round(float(w), 3) for n, w in zip(names, weights, strict=True) if round(float(w), 3)},
        "limit": round(STRICTNESS - base, 3),
    }


def sha256() -> str:
    """The fingerprint of the pairs."""
    return hashlib.sha256(ROWS.read_bytes()).hexdigest()


def fit_weights(values: "NDArray[Any]", target: "NDArray[Any]") -> tuple["NDArray[Any]", float]:
    """A ridge logistic regression with no weight below 0: what speaks against a sentence never speaks for it."""
    import numpy as np

    kept = list(range(values.shape[1]))
    while True:
        found = _newton(np.hstack([values[:, kept], np.ones((len(values), 1))]), target)
        if not kept or found[:-1].min() >= 0:
            break
        kept.pop(int(found[:-1].argmin()))
    weights = np.zeros(values.shape[1])
    weights[kept] = found[:-1]
    return weights, float(found[-1])


def _newton(inputs: "NDArray[Any]", target: "NDArray[Any]") -> "NDArray[Any]":
    import numpy as np

    penalty = np.diag([*([RIDGE] * (inputs.shape[1] - 1)), 1e-6])
    row = np.zeros(inputs.shape[1])
    for _ in range(15):
        share = 1 / (1 + np.exp(-inputs @ row))
        slope = inputs.T @ (share - target) + penalty @ row
        curve = (inputs * (share * (1 - share))[:, None]).T @ inputs + penalty
        row -= np.linalg.solve(curve, slope)
    return row


def main() -> None:
    """Write WEIGHTS and NET anew: manage.py shell -c "from agent_runner.gate_fitting import main; main()"."""
    import numpy as np

    weights, networks = fit()
    WEIGHTS.write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")
    arrays: dict[str, Any] = {
        name: np.stack([network[name] for network in networks]).astype(np.float16) for name in networks[0]
    }
    np.savez_compressed(NET, **arrays)
