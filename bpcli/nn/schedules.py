"""Schedules: the factor on the learning rate at each iteration.

A point of time is a share t / T of the training, so a schedule fits a run of any length. The last
update is number T − 1: a schedule that ends at 0 has not reached it there. A schedule that answers
to the loss keeps a memory, which is part of the training state.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.config.component import Component
from bpcli.nn.layer import Array

Factor = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


Memory = dict[str, Array]


class Schedule(Component):
    """rate(t) = learning_rate · factor(t, T), t = 0 … T−1 counted in iterations."""

    family: ClassVar[str] = "schedule"

    def factor(self, t: int, total: int) -> float:
        """The factor for the update number `t` (from 0) of `total`, as far as time decides it."""
        raise NotImplementedError

    def memory(self) -> dict[str, float]:
        """Start values of the arrays (R,) that it keeps; one called `factor` multiplies the rate.

        Empty for a schedule of time alone.
        """
        return {}

    def observe(self, memory: Memory, loss: Array, t: int, total: int) -> None:
        """Take note of the monitored loss (R,) of an epoch that ended with `t` updates done."""


class Constant(Schedule):
    """factor = 1."""

    name: ClassVar[str] = "constant"

    def factor(self, t: int, total: int) -> float:
        return 1.0


class Step(Schedule):
    """factor = gamma^k after k of the points of time in `at`: a stair.

    PyTorch's MultiStepLR; its StepLR where the points lie at equal distances.
    """

    name: ClassVar[str] = "step"
    at: Annotated[
        tuple[Share, ...],
        Field(strict=False, min_length=1, description="shares of the training where it steps"),
    ] = (0.5, 0.75)
    gamma: Annotated[Factor, Field(description="factor of one step")] = 0.1

    def factor(self, t: int, total: int) -> float:
        return math.prod(self.gamma for point in self.at if t / total >= point)


class Exponential(Schedule):
    """factor = end^(t/T): from 1 down to `end`, by the same share at each iteration."""

    name: ClassVar[str] = "exponential"
    end: Annotated[float, Field(gt=0, le=1, description="factor at t = T")] = 0.01

    def factor(self, t: int, total: int) -> float:
        return math.pow(self.end, t / total)


class InverseTime(Schedule):
    """factor = 1 / (1 + decay · t/T): from 1 down to 1 / (1 + decay).

    Robbins & Monro 1951, doi:10.1214/aoms/1177729586
    """

    name: ClassVar[str] = "inverse_time"
    decay: Annotated[float, Field(ge=0, description="1 / factor − 1 at t = T")] = 9.0

    def factor(self, t: int, total: int) -> float:
        return 1 / (1 + self.decay * t / total)


class Polynomial(Schedule):
    """factor = floor + (1 − floor) (1 − t/T)^power: from 1 down to `floor`."""

    name: ClassVar[str] = "polynomial"
    power: Annotated[float, Field(gt=0, description="1: a straight line")] = 1.0
    floor: Annotated[Factor, Field(description="factor at t = T")] = 0.0

    def factor(self, t: int, total: int) -> float:
        return _between(self.floor, 1, math.pow(1 - t / total, self.power))


class Cosine(Schedule):
    """factor = floor + (1 − floor) ½ (1 + cos(π t/T)): from 1 down to `floor`.

    Loshchilov & Hutter 2016, arXiv:1608.03983
    """

    name: ClassVar[str] = "cosine"
    floor: Annotated[Factor, Field(description="factor at t = T")] = 0.0

    def factor(self, t: int, total: int) -> float:
        return _between(self.floor, 1, _half_wave(t / total))


class FlatCosine(Schedule):
    """factor = 1 while t/T < flat, then ½ (1 + cos(π (t/T − flat) / (1 − flat))) down to 0.

    With flat = ½ the schedule of RealMLP's decay, arXiv:2407.04491; fastai has 0.75.
    """

    name: ClassVar[str] = "flat_cosine"
    flat: Annotated[Share, Field(description="share of the training before the fall")] = 0.5

    def factor(self, t: int, total: int) -> float:
        return _half_wave(max(0.0, (t / total - self.flat) / (1 - self.flat)))


class CosineRestarts(Schedule):
    """`cycles` falls from 1 to `floor` along half a cosine, each `growth` times as long as before.

    The cycles fill the training: PyTorch's CosineAnnealingWarmRestarts, whose T_0 is then
    T / (1 + growth + growth² + …).  Loshchilov & Hutter 2016, arXiv:1608.03983
    """

    name: ClassVar[str] = "cosine_restarts"
    cycles: Annotated[int, Field(ge=1, le=50, description="number of falls")] = 4
    growth: Annotated[int, Field(ge=1, le=10, description="length of a cycle by the last")] = 1
    floor: Annotated[Factor, Field(description="factor at the end of a cycle")] = 0.0

    def factor(self, t: int, total: int) -> float:
        lengths = [self.growth**k for k in range(self.cycles)]
        now = t * sum(lengths)  # in units of the first cycle / T: whole numbers, so exact
        for length in lengths:
            if now < length * total:
                return _between(self.floor, 1, _half_wave(now / (length * total)))
            now -= length * total
        return self.floor


class CosLog4(Schedule):
    """factor = ½ (1 − cos(2π log2(1 + 15 t/T))): four waves, each twice as long as the last.

    0 at t/T = 0, 1/15, 3/15, 7/15 and 1; the first update changes nothing.  Holzmüller et al.
    2024, arXiv:2407.04491
    """

    name: ClassVar[str] = "coslog4"

    def factor(self, t: int, total: int) -> float:
        return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t / total)))


class OneCycle(Schedule):
    """Half a cosine up from `start` to 1, half a cosine down to `end`: learning_rate is the peak.

    PyTorch's OneCycleLR: the peak is update number rise · T − 1, the end the last update; its
    start is 1/25 and its end start/10⁴. The momentum stays as it is.  Smith & Topin 2017,
    arXiv:1708.07120
    """

    name: ClassVar[str] = "one_cycle"
    rise: Annotated[Share, Field(description="share of the training before the peak")] = 0.3
    start: Annotated[Factor, Field(description="factor of the first update")] = 0.04
    end: Annotated[Factor, Field(description="factor of the last update")] = 4e-6

    def factor(self, t: int, total: int) -> float:
        peak = self.rise * total - 1
        if t < peak:
            return _between(self.start, 1, 1 - _half_wave(t / peak))
        return _between(self.end, 1, _half_wave((t - peak) / (total - 1 - peak)))


class ReduceOnPlateau(Schedule):
    """factor ← factor · by after each `patience` + 1 epochs in a row without a better loss.

    The loss is the one that `stop.monitor` names, of validation rows where there are some; each
    network has its own. Better is below best − threshold · |best|, and only a better loss is the
    new best: PyTorch's ReduceLROnPlateau with a relative threshold, and without its eps.
    """

    name: ClassVar[str] = "reduce_on_plateau"
    by: Annotated[float, Field(gt=0, lt=1, description="what the rate is multiplied by")] = 0.1
    patience: Annotated[int, Field(ge=0, description="epochs that may be no better")] = 10
    threshold: Annotated[
        float, Field(ge=0, lt=1, description="how much lower is better, as a share of the best")
    ] = 1e-4
    cooldown: Annotated[
        int, Field(ge=0, description="epochs after a reduction that do not count")
    ] = 0
    floor: Annotated[Factor, Field(description="smallest factor")] = 0.0

    def factor(self, t: int, total: int) -> float:
        return 1.0

    def memory(self) -> dict[str, float]:
        return {"factor": 1.0, "best": math.inf, "waited": 0.0, "cooling": 0.0}

    def observe(self, memory: Memory, loss: Array, t: int, total: int) -> None:
        best, waited, cooling = memory["best"], memory["waited"], memory["cooling"]
        known = np.where(np.isfinite(best), np.abs(best), 0)
        better = loss < best - self.threshold * known
        np.copyto(best, loss, where=better)
        waited[...] = np.where(better | (cooling > 0), 0, waited + 1)
        cooling[...] = np.maximum(cooling - 1, 0)
        late = waited > self.patience
        reduced = np.maximum(memory["factor"] * self.by, self.floor)
        np.copyto(memory["factor"], reduced, where=late)
        np.copyto(cooling, self.cooldown, where=late)
        np.copyto(waited, 0, where=late)


class WarmUp(Schedule):
    """Linear from `start` to 1 over a share of the training, `then` another schedule over the rest.

    {warmup: {share: 0.1, then: cosine}}.  Goyal et al. 2017, arXiv:1706.02677
    """

    name: ClassVar[str] = "warmup"
    share: Annotated[Share, Field(description="share of the training that warms up")] = 0.05
    then: Annotated[Schedule, Field(description="what follows, over the rest")] = Constant()
    start: Annotated[Factor, Field(description="factor of the first update")] = 0.01

    def factor(self, t: int, total: int) -> float:
        length = round(self.share * total)
        if t < length:
            return _between(self.start, 1, t / length)
        return self.then.factor(t - length, total - length)

    def memory(self) -> dict[str, float]:
        return self.then.memory()

    def observe(self, memory: Memory, loss: Array, t: int, total: int) -> None:
        length = round(self.share * total)
        if t > length:  # what follows has trained some of this epoch
            self.then.observe(memory, loss, t - length, total - length)


def _half_wave(x: float) -> float:
    """½ (1 + cos(π x)): 1 at x = 0, 0 at x = 1."""
    return 0.5 * (1 + math.cos(math.pi * x))


def _between(low: float, high: float, x: float) -> float:
    """`low` at x = 0, `high` at x = 1."""
    return low + (high - low) * x
