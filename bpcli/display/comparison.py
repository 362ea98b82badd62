"""What `compare` says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from bpcli.display.tables import metrics_table, values_table
from bpcli.display.text import show

if TYPE_CHECKING:
    from bpcli.runs.compare import Comparison, Test


def comparison_parts(comparison: Comparison) -> Iterator[RenderableType]:
    """Tables of what differs, the metrics, and the verdict last."""
    for title, rows in (("config", comparison.config), ("data", comparison.data)):
        if rows:
            yield values_table(title, comparison.runs, rows)
        else:
            yield Text(f"{title}: no difference")
        yield ""
    yield metrics_table(comparison.metrics)
    yield ""
    if comparison.best is None:
        yield Text(f"no paired test: {comparison.why_not}")
        return
    yield Text(f"best: {show(comparison.best, 200)}, by {comparison.measure} of the test rows")
    for test in comparison.tests:
        yield Text(_line(test))


def _line(test: Test) -> str:
    one = test.paired
    interval = ""
    if one.interval:
        low, high = one.interval
        interval = f", 95 % interval {low:.4g} to {high:.4g}"
    verdict = "worse" if test.distinguishable else "indistinguishable"
    difference = f"difference {one.difference:.4g}{interval}"
    return f"{show(test.run, 200)}: {verdict}; {difference}, p = {one.p:.2g} ({one.method})"


def as_facts(comparison: Comparison) -> dict[str, Any]:
    """The same for programs."""
    tests = [
        {"run": test.run, **test.paired._asdict(), "distinguishable": test.distinguishable}
        for test in comparison.tests
    ]
    return {"schema_version": 1, **comparison._asdict(), "tests": tests}
