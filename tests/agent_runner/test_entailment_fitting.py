"""The networks behind the gate are trained by our own numpy: its gradient is right, and it learns what it is shown."""

import numpy as np
import pytest

from agent_runner.entailment import KINDS, Pair, outcome, pair
from agent_runner.entailment_fitting import fresh, slopes_of, train

PASSAGE = "Wardens can lock a gate for 24 hours. Guests cannot lock it."
SAID = (
    ("faithful", "A gate can be locked by wardens."),
    ("number", "Wardens can lock a gate for 48 hours."),
    ("negation", "Guests can lock it."),
    ("name", "Owners can lock a gate for 24 hours."),
    ("added_step", "Wardens can lock a gate and call the police."),
)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return [pair(sentence, PASSAGE) for _, sentence in SAID]


def test_the_gradient_is_that_of_the_loss(pairs: list[Pair]) -> None:
    rng = np.random.default_rng(3)
    net = {n: a.astype(np.float64) if a.dtype.kind == "f" else a for n, a in fresh(pairs, rng).items()}
    target = np.eye(len(KINDS))[range(len(SAID))]
    _, slopes = slopes_of(net, pairs, target)
    for name, slope in slopes.items():
        assert slope.shape == net[name].shape
        for place in rng.integers(0, slope.size, 5):
            at = np.unravel_index(place, slope.shape)
            step = np.zeros_like(net[name])
            step[at] = 1e-5
            above, below = (slopes_of({**net, name: net[name] + sign * step}, pairs, target)[0] for sign in (1.0, -1.0))
            assert slope[at] == pytest.approx((above - below) / 2e-5, rel=2e-3, abs=2e-6), name


def test_a_trained_network_tells_apart_what_it_was_shown_and_the_same_pairs_give_the_same(pairs: list[Pair]) -> None:
    kinds = [KINDS.index(kind) for kind, _ in SAID]
    shown, of_each = pairs * 12, kinds * 12
    net = train(shown, of_each, seed=1)
    assert [int(outcome(net, one).argmax()) for one in pairs] == kinds
    again = train(shown, of_each, seed=1)
    assert all(np.array_equal(net[name], again[name]) for name in net)
