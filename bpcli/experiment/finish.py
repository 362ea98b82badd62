"""From what trained networks predict to answers: what is fitted on rows the weights never saw.

First the probabilities, then the threshold of the calibrated ones, then the scores that intervals
and sets are made by. All of it starts from predictions, of one network or of several together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bpcli.data.arrays import Ints
from bpcli.data.prepare import Prepared
from bpcli.data.split import CALIBRATION, TEST, TRAIN, VALIDATION
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.make import AnyTarget
from bpcli.data.targets.numbers import point
from bpcli.experiment.calibration import Calibrated
from bpcli.experiment.config import Config
from bpcli.experiment.conformal import Conformal, ConformalSpec, scores_of
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.stopping import rows_have_a_say
from bpcli.metrics.metric import Floats, Truth
from bpcli.nn.losses.loss import Loss

Seen = Mapping[int, tuple[Ints, Floats]]  # by set: its rows, and the prediction of each


class Assurance(NamedTuple):
    """What was fitted on rows held out; a call calibrates predictions, each row by itself."""

    target: AnyTarget  # with its threshold
    loss: Loss
    calibration: Calibrated = Calibrated()
    conformal: Conformal | None = None

    def __call__(self, prediction: Floats) -> Floats:
        """The calibrated prediction."""
        return self.calibration(self.loss.predicts, prediction)


class Finished(NamedTuple):
    """What was fitted, and the predictions before and after calibration."""

    assurance: Assurance
    raw: Seen
    seen: Seen


def seen_by(prepared: Prepared, prediction: Floats) -> Seen:
    """Predictions of every row of the table by set; a set without rows is left out."""
    rows = {which: prepared.rows(which) for which in (TRAIN, VALIDATION, TEST, CALIBRATION)}
    return {which: (own, prediction[own]) for which, own in rows.items() if len(own)}


def finish(problem: LearningProblem, raw: Seen) -> Finished:
    """Fit all that the config asks for to predictions of rows that the weights never saw."""
    config, kind = problem.config, problem.loss.predicts
    everywhere = problem.prepared.target.truth(problem.prepared.table)
    calibration = Calibrated()
    if config.calibration is not None and config.calibration.tensors():
        rows, prediction = raw[VALIDATION]
        calibration = Calibrated.of(config.calibration, kind, prediction, everywhere[rows])
    seen = {which: (rows, calibration(kind, p)) for which, (rows, p) in raw.items()}
    assurance = Assurance(
        _with_threshold(problem, seen, everywhere),
        problem.loss,
        calibration,
        _conformal(problem, seen, everywhere),
    )
    return Finished(assurance, raw, seen)


def _with_threshold(problem: LearningProblem, seen: Seen, everywhere: Truth) -> AnyTarget:
    """The target with the threshold that the config asks for."""
    target, decision = problem.prepared.target, problem.config.decision
    if decision is None or not isinstance(target, ClassTarget):
        return target
    rows, p = seen[VALIDATION if decision.needs_rows else TRAIN]
    return target.model_copy(update={"threshold": decision.threshold(p[:, 1], everywhere[rows])})


def _conformal(problem: LearningProblem, seen: Seen, everywhere: Truth) -> Conformal | None:
    """The scores of the calibration rows, or else of the validation rows; None without either."""
    kind = problem.loss.predicts
    own = CALIBRATION in seen
    if kind == "labels" or not (own or VALIDATION in seen):
        return None
    rows, prediction = seen[CALIBRATION if own else VALIDATION]
    spec = ConformalSpec(
        rows=len(rows),
        set="calibration" if own else "validation",
        chose=() if own else _chosen(problem.config),
    )
    found = point(prediction, problem.loss.quantiles())
    return Conformal.of(spec, scores_of(kind, found, everywhere[rows]))


def _chosen(config: Config) -> tuple[str, ...]:
    """What the validation rows decided."""
    epoch = ("epoch",) if rows_have_a_say(config) else ()
    calibrated = config.calibration is not None and config.calibration.tensors()
    return (*epoch, *(("temperature",) if calibrated else ()))
