"""Which preset suits a small table, by cross-validation.

A table of few rows seldom tells more than a linear model can say, and whether this one does can be
asked of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bpcli.config.errors import Notice
from bpcli.data.folds import make_folds
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.metrics.metric import metrics_for
from bpcli.selection.procedure import ENOUGH, Candidate, fold_scores, ranked


class PresetChoice(NamedTuple):
    """The presets that have a score in every fold, the best first, and how they were compared."""

    ranked: list[Candidate]
    metric: str
    method: str

    def notice(self) -> Notice:
        """`5 stratified folds prefer linear: accuracy 0.9722 ± 0.012, mlp 0.9583 ± 0.014`"""
        best, *others = self.ranked
        listed = (f"{one.name} {_figure(one)}" for one in others)
        said = ", ".join([f"{self.metric} {_figure(best)}", *listed])
        what = f"{len(best.scores)} {self.method} folds prefer {best.name}: {said}"
        return Notice("", "network", what, "name a network to have it without the folds")


def preferred(settings: Mapping[str, tuple[Prepared, Config]]) -> PresetChoice:
    """The presets by name, each prepared and resolved, ranked; of too few folds none.

    Raises DataError where no folds can be made.
    """
    prepared, config = next(iter(settings.values()))
    folds = make_folds(prepared, config.split.model_copy(update={"repeats": 1}), config.seed)
    numbers = range(len(folds.folds))
    compared = settings.items() if len(numbers) >= ENOUGH else ()
    candidates = [
        Candidate(name, tuple(fold_scores(*own, folds, numbers))) for name, own in compared
    ]
    assert config.loss
    metric = metrics_for(config.loss.predicts)[0]
    return PresetChoice(ranked(candidates, metric), metric.name, folds.method)


def _figure(one: Candidate) -> str:
    mean = one.mean
    error = "" if mean.error is None else f" ± {mean.error:.2g}"
    return f"{mean.value:.4g}{error}"
