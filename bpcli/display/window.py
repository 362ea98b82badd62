"""Which part of the scale of scores a plot of a sweep shows."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

_REACH = 3  # times the distance from the best mean to the median one


def window(candidates: Sequence[dict[str, Any]], better: str) -> tuple[float, float]:
    """The span of means ± standard errors, or of it what is near the best.

    A single rate that is far off would press the others into one line.
    """
    known = [one for one in candidates if one["mean"] is not None]
    if not known:
        return 0.0, 0.0
    ends = [end for one in known for end in span(one)]
    best = (max if better == "higher" else min)(known, key=lambda one: one["mean"])
    reach = _REACH * abs(median(one["mean"] for one in known) - best["mean"])
    if not reach:
        return min(ends), max(ends)
    low, high = span(best)
    low, high = min(low, best["mean"] - reach), max(high, best["mean"] + reach)
    return max(low, min(ends)), min(high, max(ends))


def span(one: dict[str, Any]) -> tuple[float, float]:
    """The mean of a candidate ± its standard error."""
    error = one["standard_error"] or 0.0
    return one["mean"] - error, one["mean"] + error
