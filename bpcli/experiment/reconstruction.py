"""How well the inputs of rows come back from a few latent numbers, beside linear ones and none."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from bpcli.data.prepare import Prepared
from bpcli.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from bpcli.experiment.embedding import embedded
from bpcli.experiment.predictor import Predictor
from bpcli.metrics.metric import Floats

Scores = dict[str, dict[str, float]]  # by set
MEAN = "the mean of the training rows"


class Column(NamedTuple):
    """The mean squared error of one input, in scaled units, by each way to make it again."""

    input: str
    mse: float
    pca: float
    mean: float


class Reconstruction(NamedTuple):
    """The rows of a table: what stands for them, and what is made of it."""

    latent: Floats  # (N,D)
    rebuilt: Floats  # (N,I), the inputs as the network makes them
    linear: Floats  # (N,I), as as many principal components do
    mean: Floats  # (1,I), of the training rows

    @classmethod
    def of(cls, part: Predictor, prepared: Prepared) -> Self:
        """What the only network of a model makes of every row."""
        x, latent = prepared.x, embedded(part, prepared.x)
        train = x[prepared.rows(TRAIN)]
        linear = principal(train, x, latent.shape[1])
        mean = train.mean(axis=0, keepdims=True)
        return cls(latent, part.predict_inputs(x), linear, mean)

    def scores(self, prepared: Prepared) -> tuple[Scores, Scores, Scores]:
        """Those of each set: of the network, of principal components, of the mean."""
        mean = np.broadcast_to(self.mean, self.rebuilt.shape)
        first, second, third = (
            scores_of_sets(prepared, y) for y in (self.rebuilt, self.linear, mean)
        )
        return first, second, third

    def columns(self, prepared: Prepared, which: int) -> list[Column]:
        """The errors of each input over the rows of a set."""
        rows, names = prepared.rows(which), prepared.features.layout.names
        x = prepared.x[rows]
        errors = [
            ((y - x) ** 2).mean(axis=0).tolist()
            for y in (self.rebuilt[rows], self.linear[rows], self.mean)
        ]
        return [Column(*values) for values in zip(names, *errors, strict=True)]


def held_out(prepared: Prepared) -> int:
    """The set that says most about new rows."""
    return next(one for one in (TEST, VALIDATION, TRAIN) if len(prepared.rows(one)))


def principal(train: Floats, x: Floats, width: int) -> Floats:
    """Rows x (N,I) as the first principal components of the training rows make them again."""
    mean = train.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(train.T, bias=True).reshape(x.shape[1], -1))
    top = axes[:, ::-1][:, :width]
    rebuilt: Floats = mean + (x - mean) @ top @ top.T
    return rebuilt


def row_errors(x: Floats, rebuilt: Floats) -> Floats:
    """The mean squared error (N,) over the inputs of each row, in scaled units."""
    errors: Floats = ((rebuilt - x) ** 2).mean(axis=1)
    return errors


def reconstruction_scores(x: Floats, rebuilt: Floats) -> dict[str, float]:
    """`mse`, and `explained`, the share of the rows' own variance that it leaves out."""
    error, spread = row_errors(x, rebuilt).mean(), row_errors(x, x.mean(axis=0)).mean()
    scores = {"mse": float(error)}
    return scores | ({"explained": float(1 - error / spread)} if spread else {})


def scores_of_sets(prepared: Prepared, rebuilt: Floats) -> Scores:
    """The scores of each set that has rows."""
    sets = {SET_NAMES[which]: prepared.rows(which) for which in (TRAIN, VALIDATION, TEST)}
    return {
        name: reconstruction_scores(prepared.x[rows], rebuilt[rows])
        for name, rows in sets.items()
        if len(rows)
    }
