"""How sure the answers of a finished model are, and how well that holds on rows held out."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bpcli.data.arrays import Ints
from bpcli.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.numbers import point
from bpcli.experiment.calibration import honesty
from bpcli.experiment.conformal import Conformal, covered, members
from bpcli.experiment.decision import Maximize
from bpcli.experiment.finish import Finished, held_out, truth_of
from bpcli.experiment.members import Seen
from bpcli.experiment.problem import LearningProblem
from bpcli.metrics.metric import Floats, Metric, Truth
from bpcli.nn.losses.loss import Loss

LEVEL = Fraction(9, 10)
BySet = dict[str, float]


class Probabilities(NamedTuple):
    """How far the probabilities keep what they say, before and after calibration."""

    method: str
    set: str  # that it was fitted on
    rows: int
    why_not: str  # why there is none; empty where there is
    fitted: dict[str, float]
    before: dict[str, BySet]  # {set: {log_loss, ece}}
    after: dict[str, BySet]


class Cut(NamedTuple):
    """The probability above which the second class is answered."""

    positive: str  # the second class
    threshold: float
    metric: str | None  # that was maximised; None where the threshold was given
    set: str  # on which
    rows: int
    before: BySet  # {set: metric} of the likelier class
    after: BySet


class Coverage(NamedTuple):
    """Intervals or sets of one level, and how often they hold the truth."""

    level: float
    set: str  # that the scores are of
    rows: int
    chose: tuple[str, ...]  # what else these rows decided
    radius: tuple[float, ...]  # of each number's interval; of classes the score that sets end at
    coverage: float | None  # of the rows looked at, over all targets
    size: float | None  # classes in a set, the mean of these rows

    def record(self) -> dict[str, Any]:
        """The same for a JSON file, which knows no infinity."""
        radius = [r if np.isfinite(r) else None for r in self.radius]
        return {**self._asdict(), "radius": radius}


class Certainty(NamedTuple):
    """What there is of each; None where the target has no such thing."""

    probabilities: Probabilities | None
    cut: Cut | None
    coverage: Coverage | None

    @classmethod
    def of(cls, problem: LearningProblem, done: Finished) -> Certainty:
        """Of a finished model."""
        return cls(_probabilities(problem, done), _cut(problem, done), _coverage(problem, done))

    def record(self) -> dict[str, Any]:
        """The same for a JSON file."""
        named = {"calibration": self.probabilities, "decision": self.cut}
        facts: dict[str, Any] = {key: one._asdict() for key, one in named.items() if one}
        if self.coverage is not None:
            facts["conformal"] = self.coverage.record()
        return facts


def _probabilities(problem: LearningProblem, done: Finished) -> Probabilities | None:
    kind, calibration = problem.loss.predicts, done.calibration
    if kind == "numbers":
        return None
    truth = truth_of(problem)
    fitted = {name: float(one[0]) for name, one in calibration.fitted.items()}
    before, after = (
        {name: honesty(kind, p, truth[rows]) for name, (rows, p) in _sets(seen)}
        for seen in (done.raw, done.seen)
    )
    rows = _rows(done)
    used, why_not = (rows, "") if fitted else (0, _why_not(problem, rows))
    own = held_out(problem.config)
    return Probabilities(calibration.method.name, own, used, why_not, fitted, before, after)


def _why_not(problem: LearningProblem, rows: int) -> str:
    if not rows:
        return "there are no validation rows"
    told = problem.config.is_told_by_equations
    return "a linear model is its equations" if told else "the config says so"


def _cut(problem: LearningProblem, done: Finished) -> Cut | None:
    decision, target = problem.config.decision, done.target
    if decision is None or not isinstance(target, ClassTarget) or target.threshold is None:
        return None
    chosen = decision.metric if isinstance(decision, Maximize) else None
    answered = {w: (rows, done.decided(w)) for w, (rows, _) in done.seen.items()}
    return Cut(
        target.classes[1],
        target.threshold,
        chosen.name if chosen else None,
        held_out(problem.config),
        _rows(done) if chosen else 0,
        _values(chosen, problem, done.seen) if chosen else {},
        _values(chosen, problem, answered) if chosen else {},
    )


def _values(metric: Metric, problem: LearningProblem, seen: Mapping[int, Any]) -> BySet:
    """A metric of each set in which it is defined."""
    truth = truth_of(problem)
    found = {name: metric.value(truth[rows], p) for name, (rows, p) in _sets(seen)}
    return {name: value for name, value in found.items() if value is not None}


def coverage(
    conformal: Conformal, loss: Loss, level: Fraction, prediction: Floats, truth: Truth
) -> Coverage:
    """What intervals or sets at a level come to on some rows; there may be none."""
    spec, radius, n = conformal.spec, conformal.radius(level), len(truth)
    p = point(prediction, loss.quantiles())
    held = covered(loss.predicts, p, truth, radius)
    sized = loss.predicts == "classes" and n
    return Coverage(
        float(level),
        spec.set,
        spec.rows,
        spec.chose,
        tuple(radius.tolist()),
        float(held.mean()) if n else None,
        float(members(p, radius).sum(axis=1).mean()) if sized else None,
    )


def _coverage(problem: LearningProblem, done: Finished) -> Coverage | None:
    if (conformal := done.conformal) is None:
        return None
    rows, prediction = done.seen.get(TEST) or _none_of(done.seen)
    return coverage(conformal, problem.loss, LEVEL, prediction, truth_of(problem)[rows])


def _none_of(seen: Seen) -> tuple[Ints, Floats]:
    """No row of a set."""
    rows, prediction = next(iter(seen.values()))
    return rows[:0], prediction[:0]


def _rows(done: Finished) -> int:
    """How many rows validate."""
    return len(done.seen[VALIDATION][0]) if VALIDATION in done.seen else 0


def _sets(seen: Mapping[int, Any]) -> list[tuple[str, Any]]:
    """The sets that are reported, by name."""
    return [(SET_NAMES[w], seen[w]) for w in (TRAIN, VALIDATION, TEST) if w in seen]
