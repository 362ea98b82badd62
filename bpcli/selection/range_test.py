"""The learning-rate range test: one short run with a growing rate.  A heuristic, not an estimate.

It looks at the training loss of some hundred updates, so it tells where training goes fast and
where it diverges, not which rate predicts best.  Smith 2017, doi:10.1109/WACV.2017.58
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log10
from typing import Any, NamedTuple

import numpy as np

from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.problem import LearningProblem
from bpcli.nn.divergence import Diverged
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State
from bpcli.nn.training import train

LOWEST, HIGHEST, UPDATES = 1e-7, 10.0, 100
SMOOTHING = 0.98  # share of the running mean that a new loss does not change
BLOW_UP = 4.0  # the test ends where the smoothed loss is so many times its lowest


class RangeTest(NamedTuple):
    """The rate of each update, and the smoothed training loss before it."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    def facts(self) -> dict[str, Any]:
        """The curve, and the suggestions where it allows them."""
        return {
            "heuristic": True,
            "rates": list(self.rates),
            "losses": list(self.losses),
            "suggestions": {
                "valley": self.valley(),
                "steep": self.steep(),
                "minimum": self.minimum(),
            },
        }

    def span(self) -> tuple[float, float] | None:
        """Where the best rate should be: a tenth of the valley … the rate with the lowest loss."""
        valley, minimum = self.valley(), self.minimum()
        return (valley / 10, minimum * 10) if valley and minimum else None

    def minimum(self) -> float | None:
        """A tenth of the rate with the lowest loss."""
        return self.rates[int(np.argmin(self.losses))] / 10 if self.losses else None

    def steep(self) -> float | None:
        """The rate at which the loss falls fastest over log rate."""
        used = self._used()
        if len(used) < 2:
            return None
        slopes = np.gradient([self.losses[i] for i in used], [log10(self.rates[i]) for i in used])
        return self.rates[used[int(np.argmin(slopes))]]

    def valley(self) -> float | None:
        """Half way down the longest run of falling losses: at a third and a sixth of its length."""
        used = self._used()
        if len(used) < 2:
            return None
        first, last = longest_fall([self.losses[i] for i in used])
        length = last - first
        return self.rates[used[first + length // 3 + length // 6]]

    def _used(self) -> range:
        """Without the first tenth, where nothing is learnt yet, and the last five."""
        return range(len(self.rates) // 10, max(0, len(self.rates) - 5))


def longest_fall(losses: Sequence[float]) -> tuple[int, int]:
    """First and last index of the longest falling subsequence."""
    lengths, starts = [1] * len(losses), list(range(len(losses)))
    for later, loss in enumerate(losses):
        for earlier in range(later):
            if losses[earlier] > loss and lengths[earlier] + 1 > lengths[later]:
                lengths[later], starts[later] = lengths[earlier] + 1, starts[earlier]
    last = int(np.argmax(lengths))
    return starts[last], last


def range_test(config: Config, prepared: Prepared) -> RangeTest:
    """Train on the training rows from the start values, each update at a higher rate."""
    problem = LearningProblem.of(config, prepared)
    rows = problem.training_rows()
    method = problem.method()._replace(schedule=Constant(), parts=1)
    state = State.start(problem.network, method, config.dtype, rows)
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    for k in range(UPDATES):
        rate = LOWEST * (HIGHEST / LOWEST) ** (k / (UPDATES - 1))
        now = method._replace(rates=(rate,), iterations=k + 1)
        try:
            epoch = next(train(problem.network, now, state, rows), None)
        except Diverged:
            break
        if epoch is None:  # the optimizer has converged
            break
        loss = float(epoch.loss[0])
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smooth = mean / (1 - SMOOTHING ** (k + 1))
        if not isfinite(smooth) or (losses and smooth > BLOW_UP * min(losses)):
            break
        rates.append(rate)
        losses.append(smooth)
    return RangeTest(tuple(rates), tuple(losses))
