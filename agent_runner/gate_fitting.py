"""The networks of the gate, fitted to the labelled pairs; the same pairs give the same networks."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_runner.entailment import KINDS, NET, pair
from agent_runner.entailment_fitting import train
from agent_runner.likeness import SENTENCE_END

ROWS = Path(__file__).parent / "data" / "gate_pairs.jsonl"
NETWORKS = 3
EVERY = 4  # of the faithful sentences, one in so many is laid beside a passage that it is not from
OWN = 2  # of a passage's sentences, the shortest


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
        for sentence in sorted(filter(str.strip, SENTENCE_END.split(passage)), key=len)[:OWN]
    ]
    return [*rows, *strangers, *own]


def sha256() -> str:
    """The fingerprint of the pairs."""
    return hashlib.sha256(ROWS.read_bytes()).hexdigest()


def main() -> None:
    """Write NET anew, in a quarter of an hour and with 4 GB of memory.

    manage.py shell -c "from agent_runner.gate_fitting import main; main()"
    """
    import numpy as np

    rows = with_plain_ones(read_rows())
    pairs = [pair(row.sentence, row.passage) for row in rows]
    networks = [train(pairs, [row.kind for row in rows], seed) for seed in range(NETWORKS)]
    known: dict[str, Any] = {"rows": np.array(sha256()), "figures": networks[0]["figures"]}
    layers: dict[str, Any] = {
        name: np.stack([network[name] for network in networks]).astype(np.float16)
        for name in networks[0]
        if name not in known
    }
    np.savez_compressed(NET, **known, **layers)
