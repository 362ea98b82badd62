"""What one number for each metric leaves out: how far it could move, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.labels import LabelTarget
from bpcli.data.targets.make import AnyTarget
from bpcli.experiment.scoring import resample, score
from bpcli.metrics.bootstrap import LEVEL, Bootstrap, Interval
from bpcli.metrics.details import class_table, confusion, label_table
from bpcli.metrics.metric import Floats, Truth
from bpcli.metrics.quantiles import level_table
from bpcli.nn.losses.loss import Loss

Scores = dict[str, float | None]
Parts = dict[str, dict[str, Scores]]  # by_class, by_label, by_target or by_level: {part: scores}


class Assessment(NamedTuple):
    """The scores of some rows in detail."""

    rows: int
    resamples: int  # 0 where there are too few rows to draw from
    intervals: dict[str, Interval]
    over_linear: dict[str, Interval]  # metric − the linear model's; empty where there is none
    parts: Parts
    confusion: list[list[int]] | None  # rows by true class, downwards, and predicted, across

    def record(self) -> dict[str, Any]:
        """The same for a JSON file."""
        drawn: dict[str, Any] = {"level": LEVEL, "resamples": self.resamples}
        drawn["intervals"] = self.intervals
        if self.over_linear:
            drawn["minus_linear"] = self.over_linear
        confused = {} if self.confusion is None else {"confusion": self.confusion}
        return {"rows": self.rows, **drawn, **self.parts, **confused}


def assess(
    target: AnyTarget,
    loss: Loss,
    truth: Truth,
    prediction: Floats,
    seed: int,
    linear: Floats | None = None,
    linear_decided: Floats | None = None,
) -> Assessment:
    """The details of a prediction of some rows, and of its lead over a linear model's."""
    few, decided = len(truth) < 2, target.decided(prediction)
    drawn = Bootstrap(0, {}) if few else resample(loss, truth, prediction, seed, decided)
    beside = None
    if not few and linear is not None:
        beside = resample(loss, truth, linear, seed, linear_decided)
    answered = prediction if decided is None else decided
    classes = isinstance(target, ClassTarget)
    return Assessment(
        len(truth),
        drawn.resamples,
        drawn.intervals(),
        drawn.minus(beside).intervals() if beside else {},
        _parts(target, loss, truth, answered),
        confusion(truth, answered).tolist() if classes else None,
    )


def _parts(target: AnyTarget, loss: Loss, truth: Truth, prediction: Floats) -> Parts:
    if isinstance(target, ClassTarget):
        return {"by_class": _rows(target.classes, class_table(truth, prediction))}
    if isinstance(target, LabelTarget):
        return {"by_label": _rows(target.columns, label_table(truth, prediction))}
    parts: Parts = {}
    if target.width > 1:
        parts["by_target"] = {
            name: dict(score(loss, truth[:, [i]], prediction[:, [i]]))
            for i, name in enumerate(target.columns)
        }
    if levels := loss.quantiles():
        table = level_table(truth, prediction, levels)
        parts["by_level"] = _rows([f"q{level:g}" for level in table], list(table.values()))
    return parts


def _rows(names: Sequence[str], table: Sequence[Any]) -> dict[str, Scores]:
    """The rows of a table by name; a support without weights is a whole number."""
    rows = {name: dict(scores._asdict()) for name, scores in zip(names, table, strict=True)}
    return {
        name: {key: int(x) if key == "support" else x for key, x in scores.items()}
        for name, scores in rows.items()
    }
