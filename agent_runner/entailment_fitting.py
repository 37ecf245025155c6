"""Train the networks of entailment.py on the labelled rows: plain numpy, the same rows give the same networks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent_runner.entailment import SCALE, Net, Pair

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 384
VIEW = 32  # what is kept of a word
MARKS = 48
EPOCHS = 16
BATCH = 64
KINDS = 5  # faithful, and four kinds of faults
HINTS = 7
PACE = 2e-3  # of Adam, falling to 0 over the epochs by a cosine
DECAY = 0.05
DROPPED = 0.25
SIDES = ("said", "near")
_PARTS = {"said": 5, "near": 3}  # views that are laid side by side


def train(pairs: Sequence[Pair], kinds: Sequence[int], seed: int) -> Net:
    """One network that tells pairs with a fault from those without."""
    import numpy as np

    rng = np.random.default_rng(seed)
    target = np.eye(KINDS, dtype=np.float32)[list(kinds)]
    net = _fresh(rng)
    first, second = ({name: np.zeros_like(array) for name, array in net.items()} for _ in range(2))
    steps = EPOCHS * -(-len(pairs) // BATCH)
    done = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(pairs))
        for start in range(0, len(pairs), BATCH):
            chosen = order[start : start + BATCH]
            slopes = _slopes(net, [pairs[i] for i in chosen], target[chosen], rng)
            pace = PACE * (1 + np.cos(np.pi * done / steps)) / 2
            done += 1
            for name, slope in slopes.items():
                first[name] += 0.1 * (slope - first[name])
                second[name] += 0.001 * (slope**2 - second[name])
                step = first[name] / (1 - 0.9**done) / (np.sqrt(second[name] / (1 - 0.999**done)) + 1e-8)
                net[name] -= (pace * (step + DECAY * net[name])).astype(np.float32)
    return net


def _fresh(rng: Any) -> Net:
    import numpy as np

    def around_zero(rows: int, columns: int, scale: float = 1.0) -> "NDArray[Any]":
        drawn: NDArray[Any] = rng.normal(0, scale * rows**-0.5, (rows, columns)).astype(np.float32)
        return drawn

    net = {"view": around_zero(WIDTH, VIEW)}
    for name in SIDES:
        net[f"{name}_weights"] = around_zero(_PARTS[name] * VIEW + HINTS, MARKS)
        net[f"{name}_bias"] = np.zeros(MARKS, dtype=np.float32)
    net["sum_weights"] = around_zero(4 * MARKS, KINDS, 0.3)
    net["sum_bias"] = np.zeros(KINDS, dtype=np.float32)
    return net


def _slopes(net: Net, pairs: Sequence[Pair], target: "NDArray[Any]", rng: Any) -> Net:
    """The gradient of the mean loss over a batch, with a share of what the layers read dropped."""
    import numpy as np

    said, near = _Side("said", net, pairs, rng), _Side("near", net, pairs, rng)
    pooled = np.hstack([*said.pooled, *near.pooled])
    kept = _kept(rng, pooled.shape)
    odds = (pooled * kept) @ net["sum_weights"] + net["sum_bias"]
    shares = np.exp(odds - np.logaddexp.reduce(odds, axis=1, keepdims=True))
    wrong = (shares - target) / len(pairs)
    found = {"sum_weights": (pooled * kept).T @ wrong, "sum_bias": wrong.sum(axis=0)}
    down = np.split((wrong @ net["sum_weights"].T) * kept, 4, axis=1)
    found["view"] = said.add_slopes(found, net, *down[:2]) + near.add_slopes(found, net, *down[2:])
    return found


def _kept(rng: Any, shape: tuple[int, ...]) -> "NDArray[Any]":
    import numpy as np

    kept: NDArray[Any] = (rng.random(shape, dtype=np.float32) >= DROPPED) / np.float32(1 - DROPPED)
    return kept


class _Side:
    """One of the two layers over words, forward for a batch, and back."""

    def __init__(self, name: str, net: Net, pairs: Sequence[Pair], rng: Any) -> None:
        import numpy as np

        fields = ("said", "anywhere", "there") if name == "said" else ("near", "back")
        self.name = name
        self.words = [np.vstack([getattr(pair, field) for pair in pairs]) for field in fields]
        self.views = [rows @ net["view"] for rows in self.words]
        counts = [len(getattr(pair, fields[0])) for pair in pairs]
        self.starts = np.cumsum([0, *counts[:-1]])
        self.of_pair = np.repeat(np.arange(len(pairs)), counts)
        own, *others = self.views
        hints = np.vstack([getattr(pair, f"{name}_hints") for pair in pairs])
        self.read = np.hstack([own, *others, *(own * other for other in others), hints])
        self.kept = _kept(rng, self.read.shape)
        self.marks = np.maximum((self.read * self.kept) @ net[f"{name}_weights"] + net[f"{name}_bias"], 0)
        self.most = np.maximum.reduceat(self.marks, self.starts)
        self.pooled = (np.add.reduceat(self.marks, self.starts) / SCALE, self.most)

    def add_slopes(self, found: Net, net: Net, of_sum: "NDArray[Any]", of_most: "NDArray[Any]") -> "NDArray[Any]":
        """Add this layer's gradients to `found`; the gradient of the view."""
        import numpy as np

        is_most = self.marks == self.most[self.of_pair]
        slope = (of_sum[self.of_pair] / SCALE + of_most[self.of_pair] * is_most) * (self.marks > 0)
        found[f"{self.name}_weights"] = (self.read * self.kept).T @ slope
        found[f"{self.name}_bias"] = slope.sum(axis=0)
        down = (slope @ net[f"{self.name}_weights"].T) * self.kept
        parts = np.split(down[:, :-HINTS], _PARTS[self.name], axis=1)
        own, *others = self.views
        products = parts[len(self.views) :]
        of_views = [parts[0] + sum(p * other for p, other in zip(products, others, strict=True))]
        of_views += [part + product * own for part, product in zip(parts[1:], products, strict=False)]
        view: NDArray[Any] = sum(rows.T @ slope for rows, slope in zip(self.words, of_views, strict=True))
        return view
