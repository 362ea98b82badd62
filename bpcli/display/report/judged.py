"""Charts of the test rows: reliability of probabilities, predictions over the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bpcli.data.numbers import to_numbers, truth_of
from bpcli.display.report import charts

if TYPE_CHECKING:
    from bpcli.data.arrays import Floats
    from bpcli.runs.report import Report, Rows

_LEAST = 8  # rows
_TARGETS = 4
Charts = list[tuple[str, str]]  # each with its caption


def judged(report: Report) -> Charts:
    """The charts that the predictions of the test rows allow."""
    rows, target = report.predictions, report.ensemble.target
    if len(rows) < _LEAST:
        return []
    match target.kind:
        case "classes":
            return [_of_classes(rows, target.columns[0], target.classes)]
        case "labels":
            return [_of_labels(rows, target.columns)]
        case _:
            return [*_of_numbers(report, rows, target.columns)]


def _of_classes(rows: Rows, name: str, classes: tuple[str, ...]) -> tuple[str, str]:
    shares = np.array([[float(row[f"p_{word}"]) for word in classes] for row in rows])
    right = np.array([row[name].strip() for row in rows]) == np.array(classes)[shares.argmax(1)]
    caption = "Of answers that are so sure, the share that is right: on the line both are equal."
    return charts.reliability(shares.max(axis=1), right.astype(np.float64)), caption


def _of_labels(rows: Rows, names: tuple[str, ...]) -> tuple[str, str]:
    said = np.array([float(row[f"p_{name}"]) for name in names for row in rows])
    words = [row[name].strip() for name in names for row in rows]
    truth = truth_of(words, to_numbers(words, "."))
    caption = "Of labels that are given so probably, the share that is there."
    return charts.reliability(said, (truth > 0).astype(np.float64)), caption


def _of_numbers(report: Report, rows: Rows, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    layout = report.ensemble.features.layout
    for name in names[:_TARGETS]:
        key = "prediction" if len(names) == 1 else f"prediction_{name}"
        predicted = np.array([float(row[key]) for row in rows])
        words = [row[name].strip() for row in rows]
        truth: Floats = to_numbers(words, layout.decimal, layout.thousands)
        known = np.isfinite(truth)
        if known.sum() < _LEAST:
            continue
        pair = truth[known], predicted[known]
        yield charts.residuals(name, *pair), "Test rows: on the line both are equal."
        yield charts.errors(name, *pair), "How far predictions are off."
