"""What is timed: nets, batches, data, start values and order, the same for every competitor.

A block is `steps` parameter updates of Adam, from the same start values, over rows in a given
order. A competitor repeats blocks and reports the median time of one step; the loss of the weights
that a block ends with, computed here in float64, shows that all did the same work.

numpy is imported by the functions that need it, so that the threads can be fixed before.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np

# W (inputs, outputs) and b (outputs) of each layer
Weights: TypeAlias = "list[tuple[np.ndarray, np.ndarray]]"

LEARNING_RATE = 1e-3
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
SECONDS = 2.0  # a competitor repeats blocks for so long, and at least
BLOCKS = 5  # so often, unless that takes
TOO_LONG = 20.0  # seconds, as with more threads than free cores


@dataclass(frozen=True)
class Workload:
    """One net and the work of one block."""

    name: str
    sizes: tuple[int, ...]
    activation: str
    batch: int
    steps: int

    @property
    def net(self) -> str:
        return f"{'-'.join(map(str, self.sizes))} {self.activation}"

    @property
    def layers(self) -> list[tuple[int, int]]:
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows x (N, inputs) and classes y (N,), which a random linear rule with noise decides."""
        import numpy as np

        rng = np.random.default_rng([1, *self.sizes])
        rows, inputs, classes = self.batch * self.steps, self.sizes[0], self.sizes[-1]
        x = rng.standard_normal((rows, inputs), dtype=np.float32)
        rule = rng.standard_normal((inputs, classes), dtype=np.float32) / np.sqrt(inputs)
        noise = 0.3 * rng.gumbel(size=(rows, classes))
        return x, np.argmax(x @ rule + noise, axis=1)

    def start(self) -> Weights:
        """Start values after Glorot, biases at zero."""
        import numpy as np

        rng = np.random.default_rng([2, *self.sizes])
        weights = []
        for fan_in, fan_out in self.layers:
            bound = np.sqrt(6 / (fan_in + fan_out))
            values = rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
            weights.append((values, np.zeros(fan_out, np.float32)))
        return weights

    def loss(self, weights: Weights) -> float:
        """Cross-entropy over the block's first rows, in float64."""
        import numpy as np

        x, y = self.data()
        h, y = x[:2048].astype(np.float64), y[:2048]
        for index, (w, b) in enumerate(weights):
            if index:
                h = np.tanh(h) if self.activation == "tanh" else np.maximum(h, 0)
            h = h @ w.astype(np.float64) + b.astype(np.float64)
        if h.shape[1] == 1:  # one logistic score is the difference of two
            h = np.concatenate([np.zeros_like(h), h], axis=1)
        h -= h.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(h).sum(axis=1)) - h[np.arange(len(y)), y]))


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("toy", (4, 16, 3), "tanh", batch=16, steps=2000),
        Workload("tiny", (30, 64, 32, 2), "relu", batch=32, steps=1500),
        Workload("tab", (50, 256, 256, 256, 2), "relu", batch=256, steps=150),
        Workload("wide", (784, 512, 256, 10), "relu", batch=128, steps=60),
        Workload("big", (784, 1024, 1024, 10), "relu", batch=1024, steps=10),
    )
}


def asked() -> Workload:
    """The workload that the command line names."""
    return WORKLOADS[sys.argv[1]]


def seconds_per_step(
    workload: Workload, reset: Callable[[], object], block: Callable[[], object]
) -> float:
    """Median over timed blocks after one for warming up; `reset` is not timed."""
    reset()
    block()
    times: list[float] = []
    started = time.perf_counter()
    while not times or _goes_on(len(times), time.perf_counter() - started):
        reset()
        begin = time.perf_counter()
        block()
        times.append((time.perf_counter() - begin) / workload.steps)
    return statistics.median(times)


def _goes_on(blocks: int, seconds: float) -> bool:
    return seconds < (SECONDS if blocks >= BLOCKS else TOO_LONG)


def report(seconds: float, loss: float | None, **facts: object) -> None:
    """The one line that benchmarks/run.py reads."""
    print(json.dumps({"seconds": seconds, "loss": loss, **facts}))
