"""The line search of L-BFGS: how far to go along a direction, from values and slopes on the way."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np

ENOUGH_FALL = 1e-4  # c1: share of the fall that the slope at the start promises
ENOUGH_FLAT = 0.9  # c2: share of that slope which may be left
MOST_TRIALS = 25  # after the first one


class Point(NamedTuple):
    """A step along the direction, with the value and the slope of the loss there."""

    step: float
    value: float
    slope: float


Trials = Generator[
    float, tuple[float, float], float
]  # asks for a step, is told its value and slope


def strong_wolfe(value: float, slope: float, step: float, reach: float, tolerance: float) -> Trials:
    """A step t with f(t) ≤ f(0) + c1 t f'(0) and |f'(t)| ≤ c2 |f'(0)|; else the lowest one tried.

    `value` and `slope` are those at 0; `step` is the first trial. First longer and longer steps,
    until two have such a point between them; then shorter and shorter intervals, until their length
    times `reach` is within the tolerance. Nocedal & Wright 2006, algorithms 3.5 and 3.6; bounds and
    order of the trials are PyTorch's. A value that is not finite is too far.
    """

    def falls(point: Point) -> bool:
        return point.value <= value + ENOUGH_FALL * point.step * slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -ENOUGH_FLAT * slope

    before = origin = Point(0.0, value, slope)
    point = Point(step, *(yield step))
    left = MOST_TRIALS
    while left and falls(point) and (left > MOST_TRIALS - 2 or point.value < before.value):
        if is_flat(point):
            return point.step
        if point.slope >= 0:
            break
        shortest = point.step + 0.01 * (point.step - before.step)
        step = cubic_minimum(before, point, shortest, 10 * point.step)
        before, point = point, Point(step, *(yield step))
        left -= 1
    if not left:
        before = origin
    low, high = (point, before) if point.value < before.value else (before, point)
    stuck = False
    while left and abs(high.step - low.step) * reach > tolerance:
        step, stuck = _between(low, high, stuck)
        point = Point(step, *(yield step))
        left -= 1
        if not falls(point) or not point.value < low.value:
            low, high = (point, low) if point.value < low.value else (low, point)
            continue
        if is_flat(point):
            return point.step
        if point.slope * (high.step - low.step) >= 0:
            high = low
        low = point
    return low.step


def _between(low: Point, high: Point, stuck: bool) -> tuple[float, bool]:
    """The next step between two, and whether it is close to one of them, though not moved away.

    The second close one in a row, or one at an end, is moved a tenth of the interval away from it.
    """
    first, last = sorted((low.step, high.step))
    step = cubic_minimum(low, high, first, last)
    margin = 0.1 * (last - first)
    if min(last - step, step - first) >= margin:
        return step, False
    if not stuck and first < step < last:
        return step, True
    return (last - margin if last - step < step - first else first + margin), False


def cubic_minimum(a: Point, b: Point, shortest: float, longest: float) -> float:
    """Where the cubic through two points with their slopes is lowest, within bounds.

    The middle of the bounds where it has no minimum, or is not finite.
    """
    a, b = sorted((a, b))
    with np.errstate(all="ignore"):
        bend = np.float64(a.slope + b.slope) - 3 * (a.value - b.value) / (a.step - b.step)
        root = np.sqrt(bend * bend - a.slope * b.slope)
        share = (b.slope + root - bend) / (b.slope - a.slope + 2 * root)
        step = float(b.step - (b.step - a.step) * share)
    return (shortest + longest) / 2 if np.isnan(step) else min(max(step, shortest), longest)
