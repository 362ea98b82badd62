"""Which preset suits a small table, by cross-validation.

A table of few rows seldom tells more than a linear model can say, and whether this one does can be
asked of it: the best in the mean over the folds is taken, by the log loss where there are classes.
The linear one has to lead by more than a standard error: one network is scored in a fold, but their
mean is what will predict, and it errs less than each of them where they are no linear ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

from bpcli.config.errors import Notice
from bpcli.data.folds import Folds, make_folds
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.presets import Linear
from bpcli.metrics.metric import Metric, goal
from bpcli.selection.procedure import ENOUGH, Candidate, FoldScore, fold_scores, ranked
from bpcli.selection.sharing import in_common


class PresetChoice(NamedTuple):
    """The preset that is taken, the others that have a score, and how they were compared."""

    winner: Candidate
    others: list[Candidate]  # the best first
    metric: Metric
    method: str

    @classmethod
    def of(cls, candidates: Sequence[Candidate], metric: Metric, method: str) -> Self | None:
        """The choice among candidates, of equal ones the first; None where all have failed."""
        whole = ranked(candidates, metric)
        if not whole:
            return None
        best, *others = whole
        if others and best.name == Linear.name and not best.leads(others[0], metric):
            best, *others = others[0], best, *others[1:]
        return cls(best, others, metric, method)

    @property
    def name(self) -> str:
        """Of the preset that is taken."""
        return self.winner.name

    def notice(self) -> Notice:
        """`5 stratified folds prefer mlp: log_loss 0.04722 ± 0.012, linear 0.0583 ± 0.014`"""
        listed = (f"{one.name} {self._figure(one)}" for one in self.others)
        said = ", ".join([f"{self.metric.name} {self._figure(self.winner)}", *listed])
        if self.others and self.others[0].order(self.metric) < self.winner.order(self.metric):
            said += "; linear leads by less than a standard error"
        count = len(self.winner.scores)
        what = f"{count} {self.method} folds prefer {self.winner.name}: {said}"
        fix = "name a network to have one of it, without the folds"
        return Notice("", "network", what, fix)

    def _figure(self, one: Candidate) -> str:
        mean = one.mean(self.metric)
        error = "" if mean.error is None else f" ± {mean.error:.2g}"
        return f"{mean.value:.4g}{error}"


def folds_to_ask(prepared: Prepared, config: Config) -> Folds | None:
    """The folds of a choice; None of too few.  Raises DataError where none can be made."""
    folds = make_folds(prepared, config.split.model_copy(update={"repeats": 1}), config.seed)
    return folds if len(folds.folds) >= ENOUGH else None


def preferred(settings: Mapping[str, tuple[Prepared, Config]]) -> PresetChoice | None:
    """The choice among presets by name, each prepared and resolved.

    None of too few folds, or where all have failed. Raises DataError where no folds can be made.
    """
    prepared, config = next(iter(settings.values()))
    folds = folds_to_ask(prepared, config)
    if folds is None:
        return None
    numbers = range(len(folds.folds))
    scores: dict[str, list[FoldScore]] = {}
    for names in _alike(settings):
        rows, configs = settings[names[0]][0], [settings[name][1] for name in names]
        scores |= zip(names, fold_scores(rows, configs, folds, numbers), strict=True)
    candidates = [Candidate(name, tuple(scores[name])) for name in settings]
    assert config.loss
    return PresetChoice.of(candidates, goal(config.loss.predicts), folds.method)


def _alike(settings: Mapping[str, tuple[Prepared, Config]]) -> Iterable[list[str]]:
    """The names of those that train together."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name, (_, config) in settings.items():
        alike[in_common(config)].append(name)
    return alike.values()
