"""Train the networks of entailment.py on labelled pairs: plain numpy, the same pairs give the same networks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent_runner.entailment import KINDS, SCALE, Net, Pair, in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 384
VIEW = 32  # what is kept of a word
MARKS = 48
SEEN = 64  # of all that was read, before the sum
EPOCHS = 16
BATCH = 64
HINTS = 7
PACE = 2e-3  # of Adam, falling to 0 over the epochs by a cosine
DECAY = 0.05
DROPPED = 0.25
LEAST_SPREAD = 0.05  # a figure that hardly ever differs from 0 is not blown up beyond it
SIDES = ("said", "near")
_PARTS = {"said": 5, "near": 3}  # views that are laid side by side
_FIXED = ("figures", "scale")  # of a network: not trained


def train(pairs: Sequence[Pair], kinds: Sequence[int], seed: int) -> Net:
    """One network that tells pairs with a fault from those without."""
    import numpy as np

    rng = np.random.default_rng(seed)
    target = np.eye(len(KINDS), dtype=np.float32)[list(kinds)]
    net = fresh(pairs, rng)
    first, second = ({n: np.zeros_like(array) for n, array in net.items() if n not in _FIXED} for _ in range(2))
    steps = EPOCHS * -(-len(pairs) // BATCH)
    done = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(pairs))
        for start in range(0, len(pairs), BATCH):
            chosen = order[start : start + BATCH]
            _, slopes = slopes_of(net, [pairs[i] for i in chosen], target[chosen], rng)
            pace = PACE * (1 + np.cos(np.pi * done / steps)) / 2
            done += 1
            for name, slope in slopes.items():
                first[name] += 0.1 * (slope - first[name])
                second[name] += 0.001 * (slope**2 - second[name])
                step = first[name] / (1 - 0.9**done) / (np.sqrt(second[name] / (1 - 0.999**done)) + 1e-8)
                net[name] -= (pace * (step + DECAY * net[name])).astype(np.float32)
    return net


def fresh(pairs: Sequence[Pair], rng: Any) -> Net:
    """A network that knows nothing but which figures the pairs have, and how large these are."""
    import numpy as np

    def around_zero(rows: int, columns: int, scale: float = 1.0) -> "NDArray[Any]":
        drawn: NDArray[Any] = rng.normal(0, scale * rows**-0.5, (rows, columns)).astype(np.float32)
        return drawn

    names = sorted({name for pair in pairs for name, value in pair.figures.items() if value} - {"copy"})
    spread = np.array([in_order(pair.figures, names) for pair in pairs]).std(axis=0)
    net = {"figures": np.array(names), "scale": 1 / np.maximum(spread, LEAST_SPREAD), "view": around_zero(WIDTH, VIEW)}
    for name in SIDES:
        net[f"{name}_weights"] = around_zero(_PARTS[name] * VIEW + HINTS, MARKS)
        net[f"{name}_bias"] = np.zeros(MARKS, dtype=np.float32)
    read = 4 * MARKS + len(names)
    net["whole_weights"], net["whole_bias"] = around_zero(read, SEEN), np.zeros(SEEN, dtype=np.float32)
    net["sum_weights"] = around_zero(read + SEEN, len(KINDS), 0.3)
    net["sum_bias"] = np.zeros(len(KINDS), dtype=np.float32)
    return net


def slopes_of(net: Net, pairs: Sequence[Pair], target: "NDArray[Any]", rng: Any = None) -> tuple[float, Net]:
    """The mean loss over a batch and its gradient; with `rng`, a share of what the layers read is dropped."""
    import numpy as np

    said, near = _Side("said", net, pairs, rng), _Side("near", net, pairs, rng)
    figures = np.array([in_order(pair.figures, net["figures"]) for pair in pairs]) * net["scale"]
    read = np.hstack([*said.pooled, *near.pooled, figures])
    kept = _kept(rng, read.shape)
    read = read * kept
    seen = np.maximum(read @ net["whole_weights"] + net["whole_bias"], 0)
    seen_kept = _kept(rng, seen.shape)
    both = np.hstack([read, seen * seen_kept])
    kinds = both @ net["sum_weights"] + net["sum_bias"]
    logs = kinds - np.logaddexp.reduce(kinds, axis=1, keepdims=True)
    wrong = (np.exp(logs) - target) / len(pairs)
    found = {"sum_weights": both.T @ wrong, "sum_bias": wrong.sum(axis=0)}
    down = wrong @ net["sum_weights"].T
    of_seen = down[:, read.shape[1] :] * seen_kept * (seen > 0)
    found["whole_weights"], found["whole_bias"] = read.T @ of_seen, of_seen.sum(axis=0)
    of_read = (down[:, : read.shape[1]] + of_seen @ net["whole_weights"].T) * kept
    parts = np.split(of_read[:, : 4 * MARKS], 4, axis=1)
    found["view"] = said.add_slopes(found, net, *parts[:2]) + near.add_slopes(found, net, *parts[2:])
    return float(-(logs * target).sum() / len(pairs)), found


def _kept(rng: Any, shape: tuple[int, ...]) -> "NDArray[Any]":
    import numpy as np

    if rng is None:
        return np.ones(shape, dtype=np.float32)
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
