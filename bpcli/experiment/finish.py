"""From trained weights to a model that answers: what is fitted on rows that the weights never saw.

First the probabilities, then the threshold of the calibrated ones, then the scores that intervals
and sets are made by. Of an ensemble all three are about the mean of its members; over folds about
the predictions out of fold, each of the member that has not seen the row.
"""

from __future__ import annotations

from typing import NamedTuple

from bpcli.data.split import CALIBRATION, VALIDATION
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.make import AnyTarget
from bpcli.data.targets.numbers import point
from bpcli.experiment.calibration import Calibrated
from bpcli.experiment.config import Config
from bpcli.experiment.conformal import Conformal, ConformalSpec, HeldOut, scores_of
from bpcli.experiment.members import Seen
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.stopping import rows_have_a_say
from bpcli.metrics.metric import Floats, Truth
from bpcli.nn import room


class Finished(NamedTuple):
    """What was fitted, and the predictions before and after."""

    target: AnyTarget  # with its threshold
    calibration: Calibrated
    conformal: Conformal | None
    raw: Seen  # before calibration
    seen: Seen

    def decided(self, which: int) -> Floats | None:
        """1 for the class that is answered in a set, where that is not always the likeliest."""
        return self.target.decided(self.seen[which][1])

    def model(self, ensemble: Ensemble) -> Ensemble:
        """The trained networks with all that was fitted."""
        return ensemble._replace(
            target=self.target, calibration=self.calibration, conformal=self.conformal
        )


def finish(problem: LearningProblem, raw: Seen) -> Finished:
    """All that the config asks for, fitted to what trained networks say."""
    config, kind = problem.config, problem.loss.predicts
    calibration, method = Calibrated(), config.calibration
    if method is not None and method.tensors():
        rows, p = raw[VALIDATION]
        calibration = Calibrated.of(method, kind, p, truth_of(problem)[rows])
    seen = {which: (rows, calibration(kind, p)) for which, (rows, p) in raw.items()}
    target = _with_threshold(problem, seen)
    return Finished(target, calibration, _conformal(problem, seen), raw, seen)


def truth_of(problem: LearningProblem) -> Truth:
    """The true answer of every row of the table."""
    return room.kept(problem.prepared.target.truth(problem.prepared.table))


def held_out(config: Config) -> HeldOut:
    """What the rows are called that the weights never saw, and that may choose."""
    return "out-of-fold" if config.over_folds else "validation"


def _with_threshold(problem: LearningProblem, seen: Seen) -> AnyTarget:
    """The target with the threshold that the config asks for."""
    decision, target = problem.config.decision, problem.prepared.target
    if decision is None or not isinstance(target, ClassTarget):
        return target
    rows, p = seen[VALIDATION] if decision.needs_rows else next(iter(seen.values()))
    threshold = decision.threshold(p[:, 1], truth_of(problem)[rows])
    return target.model_copy(update={"threshold": threshold})


def _conformal(problem: LearningProblem, seen: Seen) -> Conformal | None:
    """The scores of the calibration rows, or else of those that validate; None without either."""
    kind, own = problem.loss.predicts, CALIBRATION in seen
    which = CALIBRATION if own else VALIDATION
    if kind == "labels" or which not in seen:
        return None
    rows, prediction = seen[which]
    spec = ConformalSpec(
        rows=len(rows),
        set="calibration" if own else held_out(problem.config),
        chose=() if own else _chosen(problem.config),
    )
    found = point(prediction, problem.loss.quantiles())
    return Conformal.of(spec, scores_of(kind, found, truth_of(problem)[rows]))


def _chosen(config: Config) -> tuple[str, ...]:
    """What the rows that validate decided."""
    epoch = ("epoch",) if rows_have_a_say(config) else ()
    calibrated = config.calibration is not None and config.calibration.tensors()
    return (*epoch, *(("temperature",) if calibrated else ()))
