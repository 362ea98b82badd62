"""Training on shuffled targets: what is learned then cannot hold for other rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from bpcli.config.errors import Notice
from bpcli.data.arrays import Ints
from bpcli.data.prepare import Prepared
from bpcli.data.split import TEST, VALIDATION
from bpcli.data.suspicions import same_rows
from bpcli.experiment.fit import Fit
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica
from bpcli.metrics.metric import Floats
from bpcli.nn.random import Purpose, generator

SURE = 3.0  # standard errors above chance


class Beyond(NamedTuple):
    """The correlation of predictions and shuffled targets on rows held out; by chance 0."""

    rows: str  # test or validation
    correlations: tuple[float, ...]  # one a training

    @property
    def mean(self) -> float:
        """Over the trainings."""
        return float(np.mean(self.correlations))

    @property
    def standard_error(self) -> float:
        """Of the mean."""
        return float(np.std(self.correlations, ddof=1) / np.sqrt(len(self.correlations)))

    def record(self) -> dict[str, Any]:
        """The same for a JSON file."""
        facts = {"rows": self.rows, "trainings": len(self.correlations)}
        return facts | {"correlation": self.mean, "standard_error": self.standard_error}

    def notices(self) -> list[Notice]:
        """A finding where it is above chance."""
        if self.mean <= SURE * self.standard_error:
            return []
        what = f"trained on shuffled targets, predictions and targets of {self.rows} rows still "
        what += f"correlate: {self.mean:.3f} ± {self.standard_error:.3f} over "
        what += f"{len(self.correlations)} trainings"
        fix = "some rows held out are known from training: look for repeated rows and groups"
        return [Notice("BP-A009", "--permute", what, fix)]


def shuffled_trainings(problem: LearningProblem, count: int) -> Iterator[tuple[str, float]]:
    """The set held out, and the correlation after each training.

    Rows with the same inputs get the same shuffled target. So a row held out that stands among
    the training rows too is known, as it would be with its own target. One network each, whatever
    `ensemble` says.
    """
    prepared = problem.prepared
    which = TEST if len(prepared.rows(TEST)) else VALIDATION
    rows = prepared.rows(which)
    group = same_rows(prepared.table, list(prepared.features.layout.columns))
    (rate,) = problem.method().rates
    for number in range(count):
        order = _order(prepared, group, problem.config.seed, number)
        table = prepared.table.with_cells_of(prepared.target.columns, order)
        own = problem._replace(prepared=prepared._replace(table=table, t=prepared.t[order]))
        replica = Replica(Lesson.of(own), rate, number)
        for _ in Fit([replica], [[0]]):
            pass
        prediction = own.predictor(replica.weights).predict_inputs(prepared.x[rows])
        yield (
            ("test" if which == TEST else "validation"),
            _correlation(prediction, own.prepared.t[rows]),
        )


def _order(prepared: Prepared, group: Ints, seed: int, number: int) -> Ints:
    """The row whose target each row gets (N,): rows of a group get that of one row."""
    order = np.arange(prepared.table.n_rows)
    used = np.flatnonzero(prepared.sets >= 0)
    _, first, place = np.unique(group[used], return_index=True, return_inverse=True)
    drawn = generator(seed, Purpose.PERMUTATION, number).permutation(len(first))
    order[used] = used[first[drawn][place]]
    return order


def _correlation(prediction: Floats, t: Floats) -> float:
    """The mean over the numbers predicted of Pearson's r; of quantiles, of their mean."""
    if prediction.ndim == 3:
        prediction = prediction.mean(axis=-1)
    found = []
    for ours, theirs in zip(prediction.T, t.T, strict=True):
        if np.ptp(ours) > 0 and np.ptp(theirs) > 0:
            found.append(float(np.corrcoef(ours, theirs)[0, 1]))
    return float(np.mean(found)) if found else 0.0
