"""From trained weights to a model that answers: what is fitted on rows that the weights never saw.

First the probabilities, then the threshold of the calibrated ones, then the scores that intervals
and sets are made by.
"""

from __future__ import annotations

from typing import NamedTuple

from bpcli.data.split import CALIBRATION, VALIDATION
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.make import AnyTarget
from bpcli.data.targets.numbers import point
from bpcli.experiment.calibration import Calibrated
from bpcli.experiment.config import Config
from bpcli.experiment.conformal import Conformal, ConformalSpec, scores_of
from bpcli.experiment.predictor import Predictor
from bpcli.experiment.problem import LearningProblem
from bpcli.metrics.metric import Floats, Truth
from bpcli.nn.layer import Array


class Finished(NamedTuple):
    """The model, and its predictions of every row of the table."""

    predictor: Predictor
    raw: Floats  # before calibration
    prediction: Floats

    @property
    def decided(self) -> Floats | None:
        """1 for the class that is answered, where that is not always the likeliest."""
        return self.predictor.target.decided(self.prediction)


def finish(problem: LearningProblem, weights: Array) -> Finished:
    """The model that trained parameters (R,P) make, with all that the config asks for."""
    prepared, config, kind = problem.prepared, problem.config, problem.loss.predicts
    predictor = problem.predictor(weights)
    raw = predictor.predict_inputs(prepared.x)
    truth, rows = prepared.target.truth(prepared.table), prepared.rows(VALIDATION)
    calibration, method = Calibrated(), config.calibration
    if method is not None and method.tensors():
        calibration = Calibrated.of(method, kind, raw[rows], truth[rows])
    prediction = calibration(kind, raw)
    return Finished(
        predictor._replace(
            calibration=calibration,
            target=_with_threshold(prepared.target, config, prediction[rows], truth[rows]),
            conformal=_conformal(problem, prediction, truth),
        ),
        raw,
        prediction,
    )


def _with_threshold(
    target: AnyTarget, config: Config, prediction: Floats, truth: Truth
) -> AnyTarget:
    """The target with the threshold that the config asks for."""
    if config.decision is None or not isinstance(target, ClassTarget):
        return target
    return target.model_copy(
        update={"threshold": config.decision.threshold(prediction[:, 1], truth)}
    )


def _conformal(problem: LearningProblem, prediction: Floats, truth: Truth) -> Conformal | None:
    """The scores of the calibration rows, or else of the validation rows; None without either."""
    prepared, kind = problem.prepared, problem.loss.predicts
    own, watched = prepared.rows(CALIBRATION), prepared.rows(VALIDATION)
    rows = own if len(own) else watched
    if kind == "labels" or not len(rows):
        return None
    spec = ConformalSpec(
        rows=len(rows),
        set="calibration" if len(own) else "validation",
        chose=() if len(own) else _chosen(problem.config),
    )
    found = point(prediction[rows], problem.loss.quantiles())
    return Conformal.of(spec, scores_of(kind, found, truth[rows]))


def _chosen(config: Config) -> tuple[str, ...]:
    """What the validation rows decided."""
    epoch = ("epoch",) if config.stop.watches_validation else ()
    calibrated = config.calibration is not None and config.calibration.tensors()
    return (*epoch, *(("temperature",) if calibrated else ()))
