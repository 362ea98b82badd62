"""What is explained: a model, and rows as inputs that belong to the columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np

from bpcli.config.errors import ModelError, Problem
from bpcli.data.arrays import Flags, Floats, Ints
from bpcli.data.layout import FeatureLayout
from bpcli.data.table import Table
from bpcli.data.targets.classes import ClassTarget
from bpcli.experiment.predictor import Ensemble

Inputs = Sequence[Floats]  # x (N,I) of each part of an ensemble


class Subject(NamedTuple):
    """N rows before a model of C columns and M answers.

    Every input is made from one column, row by row. So what is done to a column of the table, such
    as permuting it, is done to its inputs alike: one-hots, date parts and indicators go together.
    """

    ensemble: Ensemble
    columns: tuple[str, ...]  # C names
    owners: tuple[Ints, ...]  # of each part: the column that an input is made from (I,)
    inputs: Inputs

    @classmethod
    def of(cls, ensemble: Ensemble, table: Table) -> Self:
        """The rows of a table."""
        return cls.encoded(ensemble, [part.features.encode(table) for part in ensemble.parts])

    @classmethod
    def encoded(cls, ensemble: Ensemble, inputs: Inputs) -> Self:
        """Rows that are inputs already.  Raises ModelError for a model that predicts no target."""
        if not ensemble.target.columns:
            what = "has no answers to explain: it was trained without a target"
            fix = "see centres.csv for what clusters are, reconstruction.csv for latent numbers"
            raise ModelError(Problem("BP-E020", "the model", what, fix))
        columns = ensemble.features.layout.columns
        number = {name: i for i, name in enumerate(columns)}
        owners = tuple(
            np.array([number[name] for name in _owners(part.features.layout)], dtype=np.int64)
            for part in ensemble.parts
        )
        return cls(ensemble, columns, owners, inputs)

    @property
    def rows(self) -> int:
        """N."""
        return len(self.inputs[0])

    @property
    def answers(self) -> tuple[str, ...]:
        """The M names of what is predicted: targets, or theirs with a level; classes or labels."""
        target, levels = self.ensemble.target, self.ensemble.loss.quantiles()
        if isinstance(target, ClassTarget):
            return target.classes
        if not levels:
            return target.columns
        return tuple(f"{name} q{level:g}" for name in target.columns for level in levels)

    def predict(self, inputs: Inputs) -> Floats:
        """The prediction (N,…) that `bpcli predict` writes."""
        return self.ensemble.together(self.ensemble.each_of_inputs(inputs))

    def answer(self, inputs: Inputs) -> Floats:
        """The same as M numbers (N,M)."""
        prediction = self.predict(inputs)
        return prediction.reshape(len(prediction), -1)

    def take(self, rows: Ints) -> Self:
        """Some of the rows, by number."""
        return self._replace(inputs=[x[rows] for x in self.inputs])

    def mixed(self, other: Inputs, taken: Flags) -> list[Floats]:
        """Inputs with some columns of `other`, (N,I) or (1,I) each: `taken` is (C,) or (N,C)."""
        triples = zip(self.inputs, other, self.owners, strict=True)
        return [np.where(taken[..., owner], theirs, own) for own, theirs, owner in triples]

    def by_column(self, part: int, values: Floats) -> Floats:
        """The sum over the inputs of each column: (…,I) → (…,C), in the order of the inputs."""
        total = np.zeros((*values.shape[:-1], len(self.columns)))
        for i, owner in enumerate(self.owners[part]):
            total[..., owner] += values[..., i]
        return total


def _owners(layout: FeatureLayout) -> Iterator[str]:
    """The column that each input is made from."""
    yield from layout.numeric
    yield from (one.name for one in layout.dates if one.elapsed)
    yield from layout.indicators
    for one in layout.blocks:
        yield from (one.name for _ in one.inputs)
