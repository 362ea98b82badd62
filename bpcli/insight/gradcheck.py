"""Backpropagation against finite differences: is dL/dθ of this network on these rows right?

Of each parameter array some elements, drawn with the seed, and some random directions through all
of it are looked at, in float64. Along each of them the slope is the central difference
(L(θ + h d) − L(θ − h d)) / 2h. Its error shrinks with h² and its rounding grows with 1/h, so h
falls from 1e-3 until the two agree well. Where they never agree, and the differences themselves
settle on another number, the backward pass is wrong. Where they do not settle the slope cannot be
told: it is too small beside the rounding of L, or stands at a kink (relu at 0), where the slopes to
both sides differ. That is counted, and no verdict. Of a single element the gradient must then lie
between the two; a direction may meet several kinks, which bound nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from bpcli.experiment.problem import LearningProblem
from bpcli.insight.objective import Objective
from bpcli.insight.places import Place, places
from bpcli.nn.layer import Array, Shape
from bpcli.nn.network import Network, Slot
from bpcli.nn.random import Purpose, generator

TOLERANCE = 1e-5  # largest relative error that agrees
WELL = 1e-7  # no smaller step is tried from here on
STEPS = tuple(1e-3 / 4**k for k in range(8))  # 1e-3 … 6e-8
ELEMENTS, DIRECTIONS = 20, 3  # looked at in each parameter array
MOVED = 0.1  # how far start values are moved, in shares of their size
_ROUNDING = 4 * float(np.finfo(np.float64).eps)  # of L, relative

Verdict = Literal["agrees", "differs", "unresolved"]


class Slope(NamedTuple):
    """What both ways say about one direction."""

    analytic: float
    numeric: float
    error: float  # |numeric − analytic| / the larger of the two
    verdict: Verdict


class Checked(NamedTuple):
    """What came of one parameter array."""

    place: Place
    name: str
    shape: Shape
    slopes: tuple[Slope, ...]

    @property
    def told(self) -> tuple[Slope, ...]:
        """The slopes that both ways could tell."""
        return tuple(slope for slope in self.slopes if slope.verdict != "unresolved")

    @property
    def unresolved(self) -> int:
        """How many slopes could not be told: at a kink, or too small."""
        return len(self.slopes) - len(self.told)

    @property
    def worst(self) -> Slope | None:
        """The slope of the largest relative error; None where none could be told."""
        return max(self.told, key=lambda slope: slope.error, default=None)

    @property
    def verdict(self) -> Verdict:
        """Whether all that could be told agrees."""
        if self.worst is None:
            return "unresolved"
        return "differs" if any(slope.verdict == "differs" for slope in self.told) else "agrees"


def checked(objective: Objective, flat: Array, seed: int) -> Iterator[Checked]:
    """Each trained parameter array at the parameters (1,P), in the order of the layers."""
    known = {place.path: place for place in places(objective.network)}
    gradient = objective.gradient(flat)
    for number, slot in enumerate(objective.network.slots):
        if slot.parameter.trained:
            rng = generator(seed, Purpose.CHECK, number)
            slopes = (_slope(objective, flat, gradient, d) for d in _directions(flat, slot, rng))
            yield Checked(known[slot.path], slot.name, slot.parameter.shape, tuple(slopes))


def check(problem: LearningProblem, rows: int) -> Iterator[Checked]:
    """Of a problem, on so many of its training rows, near its start values."""
    double = problem.config.model_copy(update={"dtype": "float64"})
    exact = LearningProblem.of(double, problem.prepared)
    return checked(Objective.of(exact, rows), moved_start(exact.network, double.seed), double.seed)


def moved_start(network: Network, seed: int) -> Array:
    """Start values (1,P), moved a little: a last layer that starts at zero would hide all others,
    and a bias of zero stands where a relu of missing inputs has its kink."""
    flat = network.init(seed, (0,), np.float64)
    rng = generator(seed, Purpose.CHECK)
    for slot in network.slots:
        if slot.parameter.trained:
            part = flat[:, slot.start : slot.stop]
            size = float(np.sqrt(np.mean(part**2))) or slot.parameter.fan_in**-0.5
            part += MOVED * size * rng.standard_normal(part.shape)
    return flat


def _directions(flat: Array, slot: Slot, rng: np.random.Generator) -> Iterator[Array]:
    """Single elements of a parameter array, then random directions through all of it."""
    size = slot.stop - slot.start
    some = np.sort(rng.choice(size, min(size, ELEMENTS), replace=False))
    for element in some:
        along = np.zeros_like(flat)
        along[0, slot.start + element] = 1
        yield along
    for _ in range(DIRECTIONS):
        along = np.zeros_like(flat)
        along[0, slot.start : slot.stop] = rng.standard_normal(size)
        yield along / np.linalg.norm(along)


class _Difference(NamedTuple):
    """One finite difference."""

    numeric: float
    rounding: float  # what of it may be rounding
    kink: bool


def _slope(objective: Objective, flat: Array, gradient: Array, along: Array) -> Slope:
    """Compare along one direction, with smaller and smaller steps until the two agree."""
    analytic, middle = float(np.vdot(gradient, along)), objective.value(flat)
    single, found = np.count_nonzero(along) == 1, list[_Difference]()
    for h in STEPS:
        ahead, behind = objective.value(flat + h * along), objective.value(flat - h * along)
        rounding = _ROUNDING * max(abs(ahead), abs(behind), abs(middle)) / h
        kink = _at_a_kink(analytic, (ahead - middle) / h, (middle - behind) / h, rounding, single)
        found.append(_Difference((ahead - behind) / (2 * h), rounding, kink))
        if _error(analytic, found[-1].numeric) <= WELL:
            break
    nearest = min((one.numeric for one in found), key=lambda n: abs(n - analytic))
    if (error := _error(analytic, nearest)) <= TOLERANCE:
        return Slope(analytic, nearest, error, "agrees")
    settled = next((some for some in _threes(found) if _settles(some, analytic)), None)
    if settled is None:
        return Slope(analytic, nearest, error, "unresolved")
    numeric = settled[1].numeric
    return Slope(analytic, numeric, _error(analytic, numeric), "differs")


def _error(analytic: float, numeric: float) -> float:
    size = max(abs(numeric), abs(analytic))
    return abs(numeric - analytic) / size if size else 0.0


def _at_a_kink(analytic: float, right: float, left: float, rounding: float, single: bool) -> bool:
    """Whether the slopes to both sides differ, with the gradient of an element between them."""
    low, high = sorted((left, right))
    apart = high - low > TOLERANCE * max(abs(low), abs(high)) + 8 * rounding
    return apart and (not single or low - rounding <= analytic <= high + rounding)


def _threes(found: list[_Difference]) -> Iterator[list[_Difference]]:
    """Three steps, one after the other."""
    return (found[i : i + 3] for i in range(len(found) - 2))


def _settles(some: list[_Difference], analytic: float) -> bool:
    """Whether differences agree with each other far better than any of them with the gradient."""
    if all(one.kink for one in some):
        return False
    numbers = [one.numeric for one in some]
    apart = min(abs(number - analytic) for number in numbers)
    return max(numbers) - min(numbers) <= apart / 10 and apart > 8 * max(o.rounding for o in some)
