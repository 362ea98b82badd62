"""What `verify` says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from bpcli.display.text import show

if TYPE_CHECKING:
    from bpcli.runs.verify import Verdict


def verdict_lines(verdict: Verdict) -> Iterator[Text]:
    """The outcome first, then where the runs part, then what is different around them."""
    yield Text(f"{verdict.outcome}: {_explained(verdict)}")
    if verdict.parting:
        one = verdict.parting
        what = f"{show(one.quantity)} was {show(one.then)}, is {show(one.now)}"
        yield Text(f"first difference: epoch {one.epoch}, {what}")
    changed = [name for name, same in verdict.files.items() if not same]
    if changed:
        yield Text(f"other bytes: {', '.join(changed)}")
    for key, (then, now) in verdict.environment.items():
        yield Text(f"environment: {show(key)} was {show(str(then), 200)}, is {show(str(now), 200)}")


def _explained(verdict: Verdict) -> str:
    if verdict.outcome == "byte-equal":
        return "history, weights, split, metrics and predictions are the same bytes"
    return (
        f"the weights differ by at most {verdict.difference:.2g} of the largest in their tensor; "
        f"the tolerance is {verdict.tolerance:g}"
    )
