"""Means over folds with their uncertainty, in plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan, cos, exp, inf, pi, sin, sqrt
from statistics import fmean, variance
from typing import NamedTuple


class Mean(NamedTuple):
    """A mean over folds with its standard error s / √J; None for a single fold."""

    value: float
    error: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """The mean of J ≥ 1 values."""
        error = sqrt(variance(values) / len(values)) if len(values) > 1 else None
        return cls(fmean(values), error)


def corrected_error(values: Sequence[float], held_out: float) -> float:
    """√((1/J + q) s²) of J ≥ 2 values of folds whose training sets overlap.

    `held_out` q = rows held out / rows trained on. The plain s / √J is too small, for the folds
    share training rows.  Nadeau & Bengio 2003, doi:10.1023/A:1024068626366
    """
    return sqrt((1 / len(values) + held_out) * variance(values))


def paired_p(differences: Sequence[float], held_out: float) -> float | None:
    """Two-sided p of no difference: the corrected resampled t-test; None for a single fold."""
    if len(differences) < 2:
        return None
    error, mean = corrected_error(differences, held_out), fmean(differences)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return 1 - within(abs(mean) / error, len(differences) - 1)


def within(t: float, degrees: int) -> float:
    """P(|T| ≤ t) of Student's t with whole degrees of freedom.

    Abramowitz & Stegun 1964, 26.7.3 and 26.7.4
    """
    angle = atan(t / sqrt(degrees))
    term = cos(angle) if degrees % 2 else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(3 if degrees % 2 else 2, degrees, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    if degrees % 2:
        return 2 / pi * (angle + sin(angle) * total)
    return sin(angle) * total


def quantile(share: float, degrees: int) -> float:
    """The t with P(|T| ≤ t) = share, found by halving."""
    low, high = 0.0, 1.0
    while within(high, degrees) < share and high < inf:
        high *= 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if within(middle, degrees) < share else (low, middle)
    return high


def interval(
    values: Sequence[float],
    held_out: float,
    limits: tuple[float, float] = (-inf, inf),
    level: float = 0.95,
) -> tuple[float, float] | None:
    """mean ± t · corrected error: where the mean over J ≥ 2 folds would lie for other rows.

    On a scale on which the metric's limits are infinitely far away: the logit between two, the
    logarithm of the distance from one; the error there by the delta method. None where all folds
    say the same, which tells nothing of other rows.
    """
    reach = quantile(level, len(values) - 1) * corrected_error(values, held_out)
    mean = fmean(values)
    return (_moved(mean, -reach, limits), _moved(mean, reach, limits)) if reach else None


def _moved(value: float, by: float, limits: tuple[float, float]) -> float:
    """The value after a step on that scale, which near the value is as long as `by`."""
    low, high = limits
    below, above = value - low, high - value
    if below == above == inf:
        return value + by
    if below <= 0 or above <= 0:  # by rounding alone
        return value
    factor = exp(by / below + by / above)
    if above == inf:
        return low + below * factor
    if below == inf:
        return high - above / factor
    odds = below / above * factor
    return low + (high - low) * odds / (1 + odds)
