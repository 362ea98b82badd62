"""Local steps of shards: what a round is, and that who takes the steps changes no bit."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import shards
from shards import PLAIN, begun, run, table

from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.method import Method
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.rounds import LocalSteps, Rounds
from bpcli.nn.shards import Shards
from bpcli.nn.training import train

LINEAR: list[Layer] = [Dense(units=3)]
BATCHES = 6  # an epoch, of 20 rows and a rest of 3, which is less than a row for each shard
EVERY = 4


def method(**changes: Any) -> Method:
    return shards.method(**({"iterations": 3 * BATCHES, "sync_every": EVERY} | changes))


def softmax(z: Array) -> Array:
    p: Array = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("weights", [True, False])
def test_a_round_is_the_mean_of_what_each_shard_comes_to(weights: bool) -> None:
    """By hand: a linear model, plain descent, one epoch of a round of four and one of two."""
    rows, rate = table(weights=weights), 0.5
    how = method(optimizer=SGD(), rates=(rate,), iterations=BATCHES)
    network, state = begun(how, rows, LINEAR)
    (p,) = network.views(state.flat)
    w, b = p.W[0].copy(), p.b[0].copy()
    of_all, c = Shards(how, rows), np.ones((1, 103, 1)) if rows.c is None else rows.c
    for batches in (range(4), range(4, 6)):
        means, total = [np.zeros_like(w), np.zeros_like(b)], 0.0
        for number in range(4):
            own_w, own_b = w.copy(), b.copy()
            every = [of_all._chosen(number, 0, batch) for batch in batches]
            for chosen in (one for one in every if len(one)):
                x, t, share = rows.x[0, chosen], rows.t[0, chosen], c[0, chosen]
                dz = (softmax(x @ own_w + own_b) - t) * share / share.sum()
                own_w, own_b = own_w - rate * x.T @ dz, own_b - rate * dz.sum(axis=0)
            weight = c[0, np.concatenate(every)].sum()
            means = [m + weight * one for m, one in zip(means, (own_w, own_b), strict=True)]
            total += weight
        w, b = (mean / total for mean in means)
    list(train(network, how, state, rows))
    assert p.W[0] == pytest.approx(w, rel=1e-9, abs=1e-12)
    assert p.b[0] == pytest.approx(b.reshape(p.b[0].shape), rel=1e-9, abs=1e-12)


def test_rounds_of_one_step_of_plain_descent_are_exact() -> None:
    rows, plain = table(), {"optimizer": SGD(), "rates": (0.1,), "sync_every": 1}
    how = method(**plain)
    network, state = begun(how, rows, PLAIN)
    whole = run(how, rows, PLAIN)
    rounds = Rounds(network, how, state, rows)
    for epoch in range(3):
        done = rounds.epoch(epoch, 0, BATCHES, epoch * BATCHES)
    assert state.flat == pytest.approx(whole.flat, rel=1e-9, abs=1e-12)
    assert (done.epoch, done.iteration) == (3, 3 * BATCHES)


def test_a_round_ends_with_its_epoch_and_can_be_paused_before() -> None:
    moments: list[int] = []
    rows, how = table(), method()
    network, state = begun(how, rows)
    epochs = list(train(network, how, state, rows, lambda: moments.append(state.iteration)))
    assert moments == [0, 4, 6, 10, 12, 16]
    assert [one.iteration for one in epochs] == [6, 12, 18]
    assert all(np.isfinite(one.loss).all() and one.gradient_norm > 0 for one in epochs)
    assert epochs[-1].loss < epochs[0].loss


def test_training_goes_on_in_the_middle_of_an_epoch() -> None:
    rows, how = table(), method(ema=0.9)
    network, state = begun(how, rows)
    list(train(network, how._replace(iterations=BATCHES + EVERY), state, rows))
    assert state.iteration == 10
    kept, other = state.saved(), begun(how, rows)[1]
    other.restore(kept)
    list(train(network, how, other, rows))
    whole = run(how, rows)
    for name, array in whole.arrays().items():
        assert other.arrays()[name].tobytes() == array.tobytes(), name


def test_who_takes_the_steps_changes_no_bit() -> None:
    rows, how = table(), method()
    several = [LocalSteps(begun(how, rows)[0], how, rows) for _ in range(3)]

    def elsewhere(task: Any) -> Any:
        parts, sent = {}, pickle.dumps(task)
        for number in (2, 0, 3, 1):
            part = several[number % 3].part(number, pickle.loads(sent)).kept()
            parts[number] = pickle.loads(pickle.dumps(part))
        return [parts[number] for number in sorted(parts)]

    assert run(how, rows, elsewhere=elsewhere).flat.tobytes() == run(how, rows).flat.tobytes()


def test_each_of_several_networks_is_as_alone() -> None:
    rows = table()
    both = run(method(rates=(0.01, 0.03), replicas=(0, 7)), rows)
    for r, alone in enumerate((method(), method(rates=(0.03,), replicas=(7,)))):
        assert both.flat[r].tobytes() == run(alone, rows).flat[0].tobytes()


def test_the_running_mean_follows_by_the_number_of_updates() -> None:
    rows, how = table(), method(ema=0.9, iterations=BATCHES)
    network, state = begun(how, rows)
    list(train(network, how._replace(iterations=EVERY), state, rows))
    first = state.flat.copy()
    assert state.average is not None and (state.average == first).all()
    list(train(network, how, state, rows))
    share = (1 - 0.9**2) / (1 - 0.9**BATCHES)
    assert state.average == pytest.approx((1 - share) * first + share * state.flat)


def test_where_it_diverges_is_named_and_undone() -> None:
    rows, how = table(), method(optimizer=SGD(), rates=(0.1,))
    rows.x[0, -1, 0] = np.inf  # a row of the last shard
    network, state = begun(how, rows)
    before = state.flat.copy()
    with pytest.raises(Diverged) as error:
        list(train(network, how, state, rows))
    told = error.value
    assert (told.what, told.layer, told.rate) == ("gradient", "the data", 0.1)
    at = next(i for i in range(BATCHES) if 102 in Shards(how, rows)._chosen(3, 0, i))
    assert told.iteration == at + 1
    assert state.iteration == at // EVERY * EVERY and (at >= EVERY or (state.flat == before).all())
    assert vars(pickle.loads(pickle.dumps(told))) == vars(told)
