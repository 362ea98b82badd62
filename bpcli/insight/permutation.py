"""Permutation importance: how much worse a score gets when a column tells nothing any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Floats
from bpcli.experiment.scoring import metrics_of
from bpcli.insight.subject import Subject
from bpcli.metrics.metric import Metric, Truth
from bpcli.nn.random import Purpose, generator

DEFAULT = {"numbers": "rmse", "classes": "log_loss", "labels": "brier_macro"}


class Importance(NamedTuple):
    """Of a column, or of columns permuted together."""

    columns: tuple[str, ...]
    worse: Floats  # (repeats,), above 0 where the score got worse

    @property
    def mean(self) -> float:
        """The importance."""
        return float(self.worse.mean())

    @property
    def standard_error(self) -> float | None:
        """Of the mean over the permutations; these rows are taken as they are."""
        count = len(self.worse)
        return float(self.worse.std(ddof=1) / np.sqrt(count)) if count > 1 else None


class Judge:
    """One metric of the predictions of some rows.  Raises ValueError for an unknown one."""

    def __init__(self, subject: Subject, truth: Truth, metric: str | None = None) -> None:
        self._subject, self._truth = subject, truth
        self.name = metric or DEFAULT[subject.ensemble.loss.predicts]
        known = {one.name: one for one in self._metrics() if one.better != "nominal"}
        if self.name not in known:
            raise ValueError(f"expected a metric such as {', '.join(known)}, got '{self.name}'")
        self.better = known[self.name].better

    def __call__(self, inputs: Sequence[Floats]) -> float:
        """The score; NaN where it is not defined."""
        prediction = self._subject.predict(inputs)
        decided = self._subject.ensemble.target.decided(prediction)
        for metrics, seen in metrics_of(self._subject.ensemble.loss, prediction, decided):
            for metric in metrics:
                if metric.name == self.name:
                    value = metric.value(self._truth, seen)
                    return np.nan if value is None else value
        raise AssertionError(self.name)

    def _metrics(self) -> Iterator[Metric]:
        prediction = self._subject.predict([x[:1] for x in self._subject.inputs])
        for metrics, _ in metrics_of(self._subject.ensemble.loss, prediction):
            yield from metrics


def importances(
    subject: Subject, judge: Judge, groups: Sequence[Sequence[int]], repeats: int, seed: int
) -> Iterator[Importance]:
    """The importance of each group of columns, one after another.

    All groups are permuted alike in each repeat, so that differences between them are theirs.
    Breiman 2001, doi:10.1023/A:1010933404324; Fisher et al. 2019, arXiv:1801.01489
    """
    before, sign = judge(subject.inputs), 1 if judge.better == "lower" else -1
    for group in groups:
        taken = np.zeros(len(subject.columns), dtype=bool)
        taken[list(group)] = True
        worse = np.empty(repeats)
        for i in range(repeats):
            order = generator(seed, Purpose.PERMUTATION, i).permutation(subject.rows)
            shuffled = subject.mixed([x[order] for x in subject.inputs], taken)
            worse[i] = sign * (judge(shuffled) - before)
        yield Importance(tuple(subject.columns[i] for i in group), worse)
