"""What training changes, and all that it needs to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bpcli.nn.batches import Rows
from bpcli.nn.calibration import calibrate
from bpcli.nn.layer import Array
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.team import shared


class Saved(NamedTuple):
    """The values of a state: every array by its name, and the counts."""

    arrays: Mapping[str, Array]
    counts: Mapping[str, int]


@dataclass(slots=True)
class State:
    """What training changes: named arrays, and the number of updates done so far.

    Between two updates it is all that training needs to go on, also in the middle of an epoch.
    Parameters (R,P), the optimizer's slots (R,…), the running mean of the parameters (R,P) where
    asked for, what schedule and loss remember, and the losses of the epoch so far (R,).
    """

    flat: Array
    slots: dict[str, Array]
    loss_sum: Array  # over the rows of the epoch so far, each before the update of its batch
    last_loss: Array  # of the last batch; nothing yet at iteration 0
    average: Array | None = None
    schedule: dict[str, Array] = field(default_factory=dict)
    loss: dict[str, Array] = field(default_factory=dict)
    iteration: int = 0
    rows_seen: int = 0  # in the epoch so far

    @classmethod
    def start(cls, network: Network, method: Method, dtype: str, rows: Rows | None = None) -> State:
        """Start values of every replica, with the optimizer's slots at zero.

        Raises ValueError where start values depend on training rows and there are none.
        """
        flat = shared((len(method.replicas), network.size), dtype)
        flat[...] = network.init(method.seed, method.replicas, dtype)
        calibrate(network, flat, rows, method.seed, method.replicas)
        memory = method.optimizer.memory(*flat.shape)
        slots = {name: shared(shape, dtype) for name, shape in memory.items()}
        state = cls(flat, slots, np.zeros(len(flat)), np.zeros(len(flat)))
        if method.ema is not None:
            state.average = shared(flat.shape, dtype)
            state.average[...] = flat
        for name, value in method.schedule.memory().items():
            state.schedule[name] = shared(flat.shape[:1], np.float64)
            state.schedule[name][...] = value
        if rows is not None:
            state.loss = method.loss.memory(rows.t, flat)
        return state

    def arrays(self) -> dict[str, Array]:
        """Every array by its name: `flat`, `slots.<name>`, `average`, `schedule.<name>` …"""
        named = {"flat": self.flat, "loss_sum": self.loss_sum, "last_loss": self.last_loss}
        named |= {f"slots.{name}": slot for name, slot in self.slots.items()}
        if self.average is not None:
            named["average"] = self.average
        named |= {f"loss.{name}": array for name, array in self.loss.items()}
        return named | {f"schedule.{name}": array for name, array in self.schedule.items()}

    def counts(self) -> dict[str, int]:
        """Every number that is not in an array."""
        return {"iteration": self.iteration, "rows_seen": self.rows_seen}

    def saved(self) -> Saved:
        """The values of this moment, in arrays of their own."""
        return Saved({name: a.copy() for name, a in self.arrays().items()}, self.counts())

    def pick(self, replicas: Sequence[int]) -> State:
        """The state of some of the replicas, in arrays of its own; their loss remembers nothing."""
        rows = list(replicas)
        return State(
            _picked(self.flat, rows),
            {name: _picked(slot, rows) for name, slot in self.slots.items()},
            self.loss_sum[rows],
            self.last_loss[rows],
            None if self.average is None else _picked(self.average, rows),
            {name: _picked(own, rows) for name, own in self.schedule.items()},
            iteration=self.iteration,
            rows_seen=self.rows_seen,
        )

    def restore(self, saved: Saved) -> None:
        """Take saved values into the arrays of this state."""
        for name, array in self.arrays().items():
            np.copyto(array, saved.arrays[name])
        self.iteration, self.rows_seen = saved.counts["iteration"], saved.counts["rows_seen"]

    @property
    def result(self) -> Array:
        """The parameters that predict: their running mean where there is one."""
        return self.flat if self.average is None else self.average


def _picked(array: Array, rows: list[int]) -> Array:
    """Some of the rows, in memory that a team of processes shares."""
    picked: Array = shared((len(rows), *array.shape[1:]), array.dtype)
    picked[...] = array[rows]
    return picked
