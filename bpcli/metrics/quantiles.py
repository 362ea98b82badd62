"""Metrics of predicted quantiles: truth is (N,D), a prediction is (N,D,Q), one for each level."""

from __future__ import annotations

from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from bpcli.metrics.metric import AMOUNT, SHARE, Better, Floats, Kind, Limits, Metric, Truth, mean

Level = Annotated[float, Field(gt=0, lt=1)]
Levels = Annotated[
    tuple[Level, ...],
    Field(strict=False, min_length=1, description="share of rows below each predicted quantile"),
]


class Pinball(Metric):
    """mean over levels q of max(q e, (q − 1) e), e = truth − prediction, in units of the target.

    Koenker & Bassett 1978, doi:10.2307/1913643
    """

    name: ClassVar[str] = "pinball"
    measures: ClassVar[Kind] = "quantiles"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = AMOUNT
    levels: Levels = (0.1, 0.5, 0.9)

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return mean(pinball(truth, prediction, self.levels).mean(axis=(1, 2)), c)


class Coverage(Metric):
    """Share of rows between the outermost quantiles, ends included; their levels promise a share.

    Levels 0.1 and 0.9 promise 0.8. Of several targets the mean; left out for one level.
    """

    name: ClassVar[str] = "coverage"
    measures: ClassVar[Kind] = "quantiles"
    better: ClassVar[Better] = "nominal"
    limits: ClassVar[Limits] = SHARE
    levels: Levels = (0.1, 0.5, 0.9)

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        if len(self.levels) < 2:
            return np.full(len(c), np.nan)
        between = (prediction[..., 0] <= truth) & (truth <= prediction[..., -1])
        return mean(between.mean(axis=1), c)


class LevelScores(NamedTuple):
    """One row of the table of quantiles."""

    pinball: float
    below: float  # share of rows whose truth is at most the quantile: its level, if well fitted


def level_table(
    truth: Truth, prediction: Floats, levels: tuple[float, ...]
) -> dict[float, LevelScores]:
    """The scores of each level, of several targets their mean."""
    losses = pinball(truth, prediction, levels).mean(axis=(0, 1)).tolist()
    below = (truth[..., None] <= prediction).mean(axis=(0, 1)).tolist()
    return {q: LevelScores(*pair) for q, *pair in zip(levels, losses, below, strict=True)}


def pinball(truth: Truth, prediction: Floats, levels: tuple[float, ...]) -> Floats:
    """max(q e, (q − 1) e) of each row, target and level (N,D,Q)."""
    e = truth[..., None] - prediction
    q = np.array(levels)
    return np.maximum(q * e, (q - 1) * e)
