"""Learning rates at equal ratios, rounded to what a person would write."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.experiment.search import LrSweepSpec
from bpcli.selection.range_test import RangeTest

DIGITS = 3
AT_ONCE = 3  # rates added beyond an end at a time


def rates_of(spec: LrSweepSpec, tests: Sequence[RangeTest] = ()) -> tuple[float, ...]:
    """lowest · ratio^k, the highest included; fewer where rounding makes two of them one.

    Within the span of the range tests, where there are any that leave more than one rate.
    """
    lowest, highest = spec.lowest, spec.highest
    spans = [span for test in tests if (span := test.span())]
    if spans:
        low = max(lowest, min(low for low, _ in spans))
        high = min(highest, max(high for _, high in spans))
        lowest, highest = (low, high) if low < high else (lowest, highest)
    rates = (lowest * (highest / lowest) ** (k / (spec.rates - 1)) for k in range(spec.rates))
    return tuple(dict.fromkeys(map(rounded, rates)))


def beyond(rates: Sequence[float], best: float, most: int) -> tuple[float, ...]:
    """The next rates past the end of the grid at which the best one lies, `most` of them or less.

    Empty where the best rate has others on both sides.
    """
    ordered = sorted(rates)
    step = (ordered[-1] / ordered[0]) ** (1 / (len(ordered) - 1))
    steps = range(1, min(AT_ONCE, most) + 1)
    if best == ordered[0]:
        return tuple(rounded(ordered[0] / step**k) for k in steps)
    if best == ordered[-1]:
        return tuple(rounded(ordered[-1] * step**k) for k in steps)
    return ()


def rounded(rate: float) -> float:
    """Three significant digits."""
    return float(f"{rate:.{DIGITS}g}")
