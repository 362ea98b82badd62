"""What a model must beat: a constant prediction, and a linear model trained the same way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.prepare import Prepared
from bpcli.data.split import TRAIN
from bpcli.data.target import RegressionTarget
from bpcli.experiment.config import Config
from bpcli.experiment.presets import Linear
from bpcli.experiment.problem import LearningProblem, truth_of
from bpcli.experiment.resolve import LOSSES, resolve
from bpcli.metrics.metric import Floats


class Baseline(NamedTuple):
    """A prediction for every row of the table, and what it is."""

    description: str
    prediction: Floats  # (N,O)


def constant_baseline(prepared: Prepared) -> Baseline:
    """The class shares, or the mean, of the training rows: it never looks at the inputs."""
    target, rows = prepared.target, prepared.rows(TRAIN)
    truth = truth_of(target, prepared.table)[rows]
    if isinstance(target, RegressionTarget):
        mean = truth.mean(axis=0, keepdims=True)
        return Baseline("the training rows' mean", np.repeat(mean, len(prepared.x), axis=0))
    shares = np.bincount(truth, minlength=target.width) / len(rows)
    likeliest = target.classes[int(shares.argmax())]
    return Baseline(f"always {likeliest!r}", np.repeat(shares[None], len(prepared.x), axis=0))


def linear_baseline(config: Config, prepared: Prepared) -> Baseline | None:
    """Linear, logistic or softmax regression by this engine; None where the model is linear."""
    if not config.network and config.preprocess.numeric_embedding is None:
        return None
    preprocess = config.preprocess.model_copy(update={"numeric_embedding": None})
    prepared = prepared.refitted(preprocess)
    plain = Config(
        data=config.data,
        seed=config.seed,
        task=config.task,
        preprocess=preprocess,
        network=Linear(),
        loss=LOSSES[prepared.task],
        class_weight=config.class_weight,
    )
    problem = LearningProblem.of(resolve(plain, prepared), prepared)
    fit = problem.fit()
    for _ in fit:
        pass
    prediction = problem.predictor(fit.weights).predict_inputs(prepared.x)
    name = "linear" if prepared.task == "regression" else "logistic"
    return Baseline(f"{name} regression", prediction)
