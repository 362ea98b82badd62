"""What a model must beat: a constant prediction, and a linear model trained the same way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.prepare import Prepared
from bpcli.data.split import TRAIN
from bpcli.experiment.config import Config
from bpcli.experiment.fit import Fit
from bpcli.experiment.presets import Linear
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.resolve import LOSSES, resolve
from bpcli.metrics.metric import Floats
from bpcli.nn import room
from bpcli.nn.losses.loss import Loss


class Baseline(NamedTuple):
    """A prediction for every row of the table, and what it is."""

    description: str
    prediction: Floats  # (N,O)


def constant_baseline(problem: LearningProblem) -> Baseline:
    """The class shares, or the mean or quantiles, of the training rows: no input is looked at."""
    prepared = problem.prepared
    truth = room.taken(prepared.target.truth(prepared.table), prepared.rows(TRAIN))
    description, prediction = prepared.target.constant(truth, problem.loss.quantiles())
    every = (len(prepared.x), *prediction.shape[1:])
    return Baseline(description, np.broadcast_to(prediction, every))


def linear_baseline(config: Config, prepared: Prepared) -> Baseline | None:
    """Linear, logistic or softmax regression by this engine; None where the model is linear.

    Its probabilities are as the equations give them. A loss that needs its own units, or predicts
    quantiles, is the linear model's too.
    """
    if config.is_linear:
        return None
    plain = {"numeric": Linear.numeric, "numeric_embedding": None}
    preprocess = config.preprocess.model_copy(update=plain)
    if preprocess != config.preprocess:
        prepared = prepared.refitted(preprocess)
    loss = config.loss if config.loss and _own(config.loss) else LOSSES[prepared.task]
    linear = Config(
        data=config.data,
        seed=config.seed,
        task=config.task,
        preprocess=preprocess,
        network=Linear(),
        loss=loss,
        class_weight=config.class_weight,
    )
    problem = LearningProblem.of(resolve(linear, prepared), prepared)
    fit = Fit.of(problem)
    for _ in fit:
        pass
    (trained,) = fit.replicas
    prediction = problem.predictor(trained.weights).predict_inputs(prepared.x)
    return Baseline(f"linear model, {loss.name}", prediction)


def _own(loss: Loss) -> bool:
    """Whether a usual loss would learn something else than this one."""
    return loss.own_units or bool(loss.quantiles())
