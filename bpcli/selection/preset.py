"""Which preset suits a small table, by cross-validation.

A table of few rows seldom tells more than a linear model can say, and whether this one does can be
asked of it. The simplest is taken that no other beats by more than a standard error: of few rows
the best score is often luck, and of two that are alike the simpler one errs less on new rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from bpcli.config.errors import Notice
from bpcli.data.folds import make_folds
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.metrics.metric import Metric, metrics_for
from bpcli.selection.procedure import ENOUGH, Candidate, fold_scores, ranked
from bpcli.selection.statistics import Mean


class PresetChoice(NamedTuple):
    """The preset chosen, the others that have a score in every fold, and how they were compared."""

    winner: Candidate
    others: list[Candidate]  # the best first
    metric: Metric
    method: str

    @classmethod
    def of(cls, candidates: Sequence[Candidate], metric: Metric, method: str) -> Self | None:
        """The choice among candidates, the simplest first; None where all have failed."""
        whole = ranked(candidates, metric)
        if not whole:
            return None
        simple = (one for one in candidates if one in whole)
        winner = next(one for one in simple if not _beaten(one, whole[0], metric))
        return cls(winner, [one for one in whole if one != winner], metric, method)

    def notice(self) -> Notice:
        """`5 stratified folds prefer linear: accuracy 0.9722 ± 0.012, mlp 0.9583 ± 0.014`"""
        listed = (f"{one.name} {self._figure(one)}{self._doubt(one)}" for one in self.others)
        said = ", ".join([f"{self.metric.name} {self._figure(self.winner)}", *listed])
        count = len(self.winner.scores)
        what = f"{count} {self.method} folds prefer {self.winner.name}: {said}"
        return Notice("", "network", what, "name a network to have it without the folds")

    def _figure(self, one: Candidate) -> str:
        mean = one.mean(self.metric)
        error = "" if mean.error is None else f" ± {mean.error:.2g}"
        return f"{mean.value:.4g}{error}"

    def _doubt(self, one: Candidate) -> str:
        ahead = one.order(self.metric) < self.winner.order(self.metric)
        return " (not better by more than a standard error)" if ahead else ""


def preferred(settings: Mapping[str, tuple[Prepared, Config]]) -> PresetChoice | None:
    """The choice among presets by name, the simplest first, each prepared and resolved.

    None of too few folds, or where all have failed. Raises DataError where no folds can be made.
    """
    prepared, config = next(iter(settings.values()))
    folds = make_folds(prepared, config.split.model_copy(update={"repeats": 1}), config.seed)
    numbers = range(len(folds.folds))
    compared = settings.items() if len(numbers) >= ENOUGH else ()
    candidates = [
        Candidate(name, tuple(fold_scores(*own, folds, numbers))) for name, own in compared
    ]
    assert config.loss
    return PresetChoice.of(candidates, metrics_for(config.loss.predicts)[0], folds.method)


def _beaten(one: Candidate, best: Candidate, metric: Metric) -> bool:
    """Whether the best is better by more than the standard error of the difference over folds."""
    sign = 1 if metric.better == "higher" else -1
    pairs = zip(best.scores, one.scores, strict=True)
    ahead = Mean.of([sign * (b.scores[metric.name] - a.scores[metric.name]) for b, a in pairs])
    return ahead.value > (ahead.error or 0.0)
