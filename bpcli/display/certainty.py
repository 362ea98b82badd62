"""How sure the answers are: temperature, threshold and intervals, one line each."""

from __future__ import annotations

from math import isinf

from bpcli.display.figures import counted, number
from bpcli.display.text import show
from bpcli.experiment.certainty import Certainty, Coverage, Cut, Probabilities


def certainty(found: Certainty) -> dict[str, str]:
    """A line for each thing that was fitted on rows held out, or why it was not."""
    lines = {}
    if found.probabilities is not None:
        lines["calibration"] = _calibration(found.probabilities)
    if found.cut is not None:
        lines["threshold"] = _threshold(found.cut)
    if found.coverage is not None:
        lines["coverage"] = coverage(found.coverage, "test rows")
    return lines


def _calibration(found: Probabilities) -> str:
    """`temperature 1.32, by 30 validation rows; test log_loss 0.2000 → 0.1800, ece …`"""
    if found.why_not:
        return f"{found.method}, {found.why_not}"
    held = next(reversed(found.after))
    changes = (
        f"{name} {number(found.before[held][name])} → {number(value)}"
        for name, value in found.after[held].items()
    )
    fitted = found.fitted.get("temperature")
    what = found.method if fitted is None else f"{found.method} {number(fitted)}"
    return f"{what}, by {counted(found.rows, f'{found.set} row')}; {held} {', '.join(changes)}"


def threshold(positive: str, value: float) -> str:
    """`'yes' above 0.31`"""
    return f"{show(repr(positive))} above {number(value)}"


def _threshold(found: Cut) -> str:
    """`'yes' above 0.31, the best f1 of 30 validation rows; test f1 0.61 → 0.68`"""
    what = threshold(found.positive, found.threshold)
    if found.metric is None:
        return what
    held = next(reversed(found.after))
    change = f"{number(found.before[held])} → {number(found.after[held])}"
    rows = counted(found.rows, f"{found.set} row")
    return f"{what}, the best {found.metric} of {rows}; {held} {found.metric} {change}"


def coverage(found: Coverage, rows: str) -> str:
    """`intervals for 90 %: ± 12.3, by 30 calibration rows; they hold 91.2 % of the test rows`"""
    percent = f"{100 * found.level:g} %"
    if found.size is not None:
        what = f"sets for {percent}: {number(found.size)} classes in the mean"
    else:
        radius = ("± ∞" if isinf(r) else f"± {number(r)}" for r in found.radius)
        what = f"intervals for {percent}: {', '.join(radius)}"
    few = ", too few" if any(map(isinf, found.radius)) else ""
    also = f", which also chose the {' and the '.join(found.chose)}" if found.chose else ""
    held = (
        "" if found.coverage is None else f"; they hold {100 * found.coverage:.1f} % of the {rows}"
    )
    return f"{what}, by {counted(found.rows, f'{found.set} row')}{few}{also}{held}"
