"""The reasons beside predictions: the columns that add most to what is answered for a row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.data.table import Table
from bpcli.data.targets.numbers import point
from bpcli.experiment.predictor import Ensemble
from bpcli.insight.integrated import integrated_gradients
from bpcli.insight.subject import Subject
from bpcli.metrics.metric import Floats
from bpcli.runs.spreadsheet import Column


def reason_columns(ensemble: Ensemble, table: Table, count: int) -> Iterator[Column]:
    """`reason_<i>` and `attribution_<i>` for each of the strongest columns, with the name of the
    target or label where there are several.

    By integrated gradients of the number predicted, of the middle one of quantiles, or of the
    probability of the class or label. A row's reasons depend on that row alone.
    """
    names = ensemble.target.columns
    found = integrated_gradients(
        Subject.of(ensemble, table),
        choice=lambda answers: _answered(ensemble, answers),
        names=names,
    )
    columns, values = found.strongest(count)
    for j, name in enumerate(names):
        tail = "" if len(names) == 1 else f"_{name}"
        for k in range(columns.shape[2]):
            named = [found.columns[i] for i in columns[:, j, k].tolist()]
            yield f"reason_{k + 1}{tail}", named
            yield f"attribution_{k + 1}{tail}", values[:, j, k].tolist()


def _answered(ensemble: Ensemble, answers: Floats) -> Floats:
    """Which of the M answers (N,M) are explained, as sums of them (N,J,M)."""
    target, levels = ensemble.target, ensemble.loss.quantiles()
    if target.kind == "classes":
        decided = target.decided(answers)
        likeliest = answers if decided is None else decided
        one_hot: Floats = np.eye(answers.shape[1])[likeliest.argmax(axis=1)]
        return one_hot[:, None]
    each = np.eye(answers.shape[1])
    if levels:
        each = point(each.reshape(len(each), target.width, len(levels)), levels).T
    every: Floats = np.broadcast_to(each, (len(answers), *each.shape))
    return every
