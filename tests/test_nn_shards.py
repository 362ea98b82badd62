"""Shards: the batches they make, and gradients that are those of all rows together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shards
from shards import PLAIN, begun, run, table

from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.method import Method
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.shards import At, Moment, ShardGradients, Shards, in_turn
from bpcli.nn.training import train
from bpcli.nn.update import Clip


def method(**changes: Any) -> Method:
    return shards.method(**({"iterations": 15, "clip": Clip(norm=1.0)} | changes))


def chosen(of_all: Shards, epoch: int, batch: int) -> list[int]:
    own = [of_all._chosen(number, epoch, batch) for number in range(of_all.method.shards)]
    return np.concatenate(own).tolist()


@pytest.mark.parametrize(("n", "size", "count"), [(103, 20, 4), (7, 3, 5), (64, 64, 3), (9, 1, 2)])
def test_an_epoch_has_every_row_once(n: int, size: int, count: int) -> None:
    rows, how = table(n), method(batch_size=size, shards=count)
    of_all = Shards(how, rows)
    batches = [chosen(of_all, 1, batch) for batch in range(-(-n // size))]
    assert sorted(row for batch in batches for row in batch) == list(range(n))
    assert [len(batch) for batch in batches] == [of_all.rows_of(i) for i in range(len(batches))]
    if n > 100:
        assert batches[0] != chosen(of_all, 2, 0)


@pytest.mark.parametrize("weights", [True, False])
def test_the_gradients_add_up_to_that_of_the_batch(weights: bool) -> None:
    rows, how = table(weights=weights), method(shards=4)
    network, state = begun(how, rows, PLAIN)
    work, at = ShardGradients(network, how, rows), At(state.flat, Moment(1, 2, 7))
    parts = [(p.loss.copy(), p.grad.copy()) for p in in_turn(work, 4)(at)]
    batch = chosen(work.shards, 1, 2)
    whole = Rows(rows.x[:, batch], rows.t[:, batch], None if rows.c is None else rows.c[:, batch])
    one = method(shards=1, batch_size=len(batch))
    alone = ShardGradients(network, one, whole).part(0, At(state.flat, Moment(1, 0, 7)))
    assert sum(loss for loss, _ in parts) == pytest.approx(alone.loss, rel=1e-12)
    assert sum(grad for _, grad in parts) == pytest.approx(alone.grad, rel=1e-9, abs=1e-12)


def test_full_batch_descent_is_what_it_is_without_shards() -> None:
    rows = table()
    full = {"batch_size": 103, "optimizer": SGD(), "rates": (0.1,)}
    apart, whole = (run(method(shards=count, **full), rows, PLAIN).flat for count in (5, 1))
    assert apart == pytest.approx(whole, rel=1e-9, abs=1e-12)


def test_who_computes_the_parts_changes_no_bit() -> None:
    rows, how = table(), method()
    network, _ = begun(how, rows)
    several = [ShardGradients(network, how, rows) for _ in range(3)]

    def elsewhere(task: At) -> Any:
        parts = {}
        for number in (2, 0, 3, 1):
            parts[number] = several[number % 3].part(number, task).kept()
        return [parts[number] for number in sorted(parts)]

    assert run(how, rows, elsewhere=elsewhere).flat.tobytes() == run(how, rows).flat.tobytes()


def test_training_goes_on_in_the_middle_of_an_epoch() -> None:
    rows, how = table(), method()
    network, state = begun(how, rows)
    for _ in train(network, how._replace(iterations=8), state, rows):
        pass
    assert state.iteration == 8
    list(train(network, how, state, rows))
    assert state.flat.tobytes() == run(how, rows).flat.tobytes()


@pytest.mark.parametrize("count", [1, 4])
def test_where_it_diverges_is_named(count: int) -> None:
    rows, how = table(), method(optimizer=SGD(), rates=(0.1,), shards=count)
    rows.x[0, -1, 0] = np.inf
    network, state = begun(how, rows)
    with pytest.raises(Diverged) as error:
        list(train(network, how, state, rows))
    assert (error.value.what, error.value.layer) == ("gradient", "the data")
