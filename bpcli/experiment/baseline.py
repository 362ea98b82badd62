"""What a model must beat: a constant prediction, and a linear model trained the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bpcli.data.prepare import Prepared
from bpcli.data.split import TRAIN
from bpcli.experiment.config import Config
from bpcli.experiment.few import CANDIDATES, FEW
from bpcli.experiment.fit import Fit
from bpcli.experiment.presets import Linear
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica, groups_of
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


def linear_baselines(problems: Sequence[LearningProblem]) -> list[Floats]:
    """What linear, logistic or softmax regression by this engine predicts of all rows (N,O), for
    the rows of each problem; nothing where the models are linear themselves.

    Its probabilities are as the equations give them; of few rows it is the one that they may be
    trained as. A loss that needs its own units, or predicts quantiles, is the linear model's too.
    """
    linear = [_linear(one.config, one.prepared) for one in problems if not one.config.is_linear]
    replicas = [Replica(Lesson.of(one), one.method().rates[0]) for one in linear]
    if replicas:
        for _ in Fit(replicas, groups_of(replicas)):
            pass
    trained = zip(linear, replicas, strict=True)
    return [o.predictor(r.weights).predict_inputs(o.prepared.x) for o, r in trained]


def _linear(config: Config, prepared: Prepared) -> LearningProblem:
    """The linear model's problem on the same rows."""
    plain = {"numeric": Linear.numeric, "numeric_embedding": None}
    preprocess = config.preprocess.model_copy(update=plain)
    if preprocess != config.preprocess:
        prepared = prepared.refitted(preprocess)
    own = config.loss if config.loss and _own(config.loss) else None
    is_few = own is None and len(prepared.rows(TRAIN)) < FEW
    linear = Config(
        data=config.data,
        seed=config.seed,
        task=config.task,
        preprocess=preprocess,
        loss=own or LOSSES[prepared.task],
        class_weight=config.class_weight,
        **(CANDIDATES[Linear.name] if is_few else {"network": Linear()}),
    )
    return LearningProblem.of(resolve(linear, prepared), prepared)


def _own(loss: Loss) -> bool:
    """Whether a usual loss would learn something else than this one."""
    return loss.own_units or bool(loss.quantiles())
