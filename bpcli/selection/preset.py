"""Which preset suits a small table, by cross-validation.

A table of few rows seldom tells more than a linear model can say, and whether this one does can be
asked of it, by the log loss where there are classes. What leads clearly is taken: the linear one
where it leads all others, else the first of the others where it leads them. Where none does, folds
so small cannot tell, and the others are taken together, in turn: one network is scored in a fold,
but the mean of several is what will predict, and it errs less than each of them where they differ.
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
    """The presets that are taken, the others that have a score, and how they were compared."""

    taken: list[Candidate]
    others: list[Candidate]  # the best first
    metric: Metric
    method: str

    @classmethod
    def of(cls, candidates: Sequence[Candidate], metric: Metric, method: str) -> Self | None:
        """The choice among candidates; None where all have failed."""
        whole = [one for one in candidates if not one.failure]
        taken = _leading(whole, metric)
        others = ranked((one for one in whole if one not in taken), metric)
        return cls(taken, others, metric, method) if taken else None

    @property
    def names(self) -> list[str]:
        """Of the presets that are taken."""
        return [one.name for one in self.taken]

    def notice(self) -> Notice:
        """`5 stratified folds prefer mlp: log_loss mlp 0.04722 ± 0.012, linear 0.0583 ± 0.014`"""
        shown = [*self.taken, *self.others]
        figures = ", ".join(f"{one.name} {self._figure(one)}" for one in shown)
        taken = f"prefer {self.names[0]}"
        if len(self.taken) > 1:
            taken = f"cannot tell {' and '.join(self.names)} apart, members are of each in turn"
        what = f"{len(shown[0].scores)} {self.method} folds {taken}: {self.metric.name} {figures}"
        fix = "name a network to have one of it, without the folds"
        return Notice("", "network", what, fix)

    def _figure(self, one: Candidate) -> str:
        mean = one.mean(self.metric)
        error = "" if mean.error is None else f" ± {mean.error:.2g}"
        return f"{mean.value:.4g}{error}"


def _leading(whole: Sequence[Candidate], metric: Metric) -> list[Candidate]:
    """The one that leads, or those that do not differ clearly."""
    linear = [one for one in whole if one.name == Linear.name]
    others = [one for one in whole if one.name != Linear.name]
    for first, rest in ((linear, others), (others[:1], others[1:])):
        if first and all(first[0].leads(other, metric) for other in rest):
            return first
    return others


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
