"""What a cross-validation found: the metrics with their uncertainty, and the model to be had."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from bpcli.display.figures import aligned
from bpcli.display.tables import head, quiet_table
from bpcli.display.text import show


def estimate(facts: dict[str, Any], command: str) -> RenderableType:
    """One row a metric: mean ± standard error, the interval, the baseline."""
    metrics = facts["metrics"].values()
    spans = [one["interval"] or (None, None) for one in metrics]
    columns = {
        "mean": aligned([one["mean"] for one in metrics]),
        "±": aligned([one["standard_error"] for one in metrics]),
        "from": aligned([low for low, _ in spans]),
        "to (95 %)": aligned([high for _, high in spans]),
        "baseline": aligned([one["baseline"] for one in metrics]),
    }
    table = quiet_table()
    table.add_column()
    for title in columns:
        style = "bold" if title == "mean" else "dim" if title == "baseline" else ""
        table.add_column(head(title), justify="right", no_wrap=True, style=style)
    for name, row in zip(facts["metrics"], zip(*columns.values(), strict=True), strict=True):
        table.add_row(Text(show(name)), *map(Text, row))
    return Group(table, Text(), *_model(facts, command))


def _model(facts: dict[str, Any], command: str) -> list[Text]:
    """Which model this is the estimate of, and how to get it."""
    folds = facts["folds"]
    repeats = f", {folds['repeats']} times" if folds["repeats"] > 1 else ""
    length, each = "", ""
    if facts["epochs"] is not None:
        length = f" for {facts['epochs']} epochs, the folds' mean"
        each = ", each trained for the mean of the epochs that the others take"
    return [
        Text(f"{folds['folds']} {folds['method']} folds{repeats}{each}", "dim"),
        Text(f"This is the estimate for one training on all rows but the test rows{length}."),
        Text.assemble(("Get it: ", "bold"), (command, "cyan"), overflow="fold"),
    ]
