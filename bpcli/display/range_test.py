"""The curve of a learning-rate range test, and what it suggests."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from bpcli.display.figures import MISSING
from bpcli.display.plots import loss_curve

_WIDTH, _HEIGHT = 72, 10


def range_curve(facts: dict[str, Any]) -> RenderableType:
    """The smoothed training loss over the growing rate, with each suggestion."""
    if not facts["rates"]:
        return Text("The loss was not finite at the lowest rate: there is no curve.")
    span = f"learning rate {facts['rates'][0]:.1e} … {facts['rates'][-1]:.1e}, logarithmic"
    suggestions = ", ".join(
        f"{name} {MISSING if rate is None else f'{rate:.2g}'}"
        for name, rate in facts["suggestions"].items()
    )
    return Group(
        loss_curve(facts["losses"], (), _WIDTH, _HEIGHT),
        Text(span, "dim"),
        Text(),
        Text.assemble(("Suggested: ", "bold"), suggestions),
        Text(
            "A heuristic: it looks at the training loss of one short run. "
            "bpcli lr-sweep without --range-test measures.",
            "dim",
        ),
    )
