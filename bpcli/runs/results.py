"""What trained members come to: predictions of every row, scores, baselines, and their files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bpcli.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from bpcli.data.targets.make import AnyTarget
from bpcli.experiment.assessment import Assessment, assess
from bpcli.experiment.baseline import constant_baseline, linear_baselines
from bpcli.experiment.certainty import Certainty
from bpcli.experiment.coefficients import Equations, equations
from bpcli.experiment.finish import Finished, finish, truth_of
from bpcli.experiment.fit import Fit
from bpcli.experiment.members import Members, Seen
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.scoring import score
from bpcli.experiment.stopping import Record
from bpcli.metrics.metric import Floats, metrics_for
from bpcli.nn import room
from bpcli.runs import folder as names
from bpcli.runs.files import write_file, write_parts
from bpcli.runs.folder import write_json
from bpcli.runs.identity import Identity
from bpcli.runs.model import model_bytes
from bpcli.runs.model_record import ids_of, model_record
from bpcli.runs.tables import history_csv, predictions_csv

Metrics = dict[str, dict[str, float]]
SCORED = (TRAIN, VALIDATION, TEST)


class Member(NamedTuple):
    """What one network of a run came to."""

    stop_reason: str
    best_epoch: int | None  # whose weights were kept; None for the last one
    epochs: int
    metrics: Metrics  # by set, as this network alone predicts

    def ending(self) -> dict[str, Any]:
        """Why and when its training ended."""
        return {"stop_reason": self.stop_reason, "best_epoch": self.best_epoch}


class Outcome(NamedTuple):
    """What a finished run came to."""

    folder: Path
    metrics: Metrics  # by set
    members: list[Member]
    baselines: Metrics  # by set
    baseline: str
    held_out: str  # the set that the assessment is of: test where there is one
    assessment: Assessment
    linear: Metrics | None  # of linear or logistic regression; None where the model is one
    equations: Equations | None  # of a linear model, in raw units
    certainty: Certainty
    iterations: int  # of all members
    records: list[Record]

    def ending(self) -> dict[str, Any]:
        """Why and when training ended, of several members in a list."""
        endings = [member.ending() for member in self.members]
        return endings[0] if len(endings) == 1 else {"members": endings}

    def with_linear(self) -> Metrics:
        """The metrics of each set, and the linear model's on the held-out one."""
        if self.linear is None:
            return self.metrics
        return {**self.metrics, "linear": self.linear[self.held_out]}

    def facts(self) -> dict[str, Any]:
        """What `train --json` says."""
        return {
            "schema_version": 1,
            "run": str(self.folder),
            "metrics": self.metrics,
            "baseline": self.baselines,
            "baseline_predicts": self.baseline,
            "linear_baseline": self.linear,
            "details": {"set": self.held_out, **self.assessment.record()},
            **self.ending(),
            "epochs": max(member.epochs for member in self.members),
            "iterations": self.iterations,
            "seconds": self.records[-1].seconds,
            "equations": self.equations and self.equations._asdict(),
            **self.certainty.record(),
        }


class Results(NamedTuple):
    """What the members of a run predict together, and its scores."""

    problem: LearningProblem
    ensemble: Ensemble
    seen: Seen
    outcome: Outcome

    @classmethod
    def of(cls, members: Members, fit: Fit, folder: Path) -> Results:
        """Predict every row with the final weights, and score."""
        problem, problems = members.problem, members.problems
        trained = members.ensemble([one.weights for one in fit.replicas])
        each = trained.each_of_inputs([one.prepared.x for one in problems])
        done, linear = finish(problem, members.by_set(each)), _linear(members)
        ensemble = done.model(trained)
        constants = [constant_baseline(one) for one in problems]
        constant = members.by_set([one.prediction for one in constants])
        outcome = Outcome(
            folder,
            _scores(problem, done.seen, done.target),
            [*_members(fit, each)],
            _scores(problem, constant, problem.prepared.target),
            constants[0].description,
            *_assess(problem, done, linear),
            None if linear is None else _scores(problem, linear.seen, linear.target),
            equations(ensemble),
            Certainty.of(problem, done),
            fit.iterations,
            fit.records,
        )
        return cls(problem, ensemble, done.seen, outcome)

    def write(self, identity: Identity) -> None:
        """The files of a finished run, the model last."""
        prepared, folder = self.problem.prepared, self.outcome.folder
        metric = metrics_for(self.problem.loss.predicts)[0].name
        write_file(folder / names.HISTORY, history_csv(self.outcome.records, metric))
        write_json(folder / names.METRICS, _metrics_record(self.outcome))
        if TEST in self.seen:
            rows, prediction = self.seen[TEST]
            parts = predictions_csv(
                prepared.table, rows, ids_of(prepared), self.ensemble, prediction
            )
            write_parts(folder / names.PREDICTIONS, parts)
        record = model_record(self.problem, self.ensemble, identity)
        write_file(folder / names.MODEL, model_bytes(record, self.ensemble))


def _members(fit: Fit, each: Floats) -> Iterator[Member]:
    """What each network came to, from what each predicts of all rows (R,N,…)."""
    for one, prediction in zip(fit.replicas, each, strict=True):
        problem = one.lesson.problem
        sets = {which: problem.prepared.rows(which) for which in SCORED}
        own = {w: (rows, room.taken(prediction, rows)) for w, rows in sets.items() if len(rows)}
        yield Member(
            one.stop_reason,
            one.best_epoch,
            one.epochs,
            _scores(problem, own, problem.prepared.target),
        )


def _linear(members: Members) -> Finished | None:
    """What linear models come to that learn from the members' rows, with calibration and threshold
    as the members have them; None where those are linear."""
    predictions = linear_baselines(members.problems)
    return finish(members.problem, members.by_set(predictions)) if predictions else None


def _assess(
    problem: LearningProblem, done: Finished, linear: Finished | None
) -> tuple[str, Assessment]:
    """The set that says most about new rows, and its scores in detail."""
    which = next(one for one in (TEST, VALIDATION, TRAIN) if one in done.seen)
    rows, prediction = done.seen[which]
    return SET_NAMES[which], assess(
        done.target,
        problem.loss,
        truth_of(problem)[rows],
        prediction,
        problem.config.seed,
        linear.seen[which][1] if linear else None,
        linear.decided(which) if linear else None,
    )


def _scores(problem: LearningProblem, seen: Seen, target: AnyTarget) -> Metrics:
    """The scores of each set, by what the target's threshold decides where it has one."""
    truth = truth_of(problem)
    return {
        SET_NAMES[which]: score(
            problem.loss, room.taken(truth, rows), prediction, target.decided(prediction)
        )
        for which, (rows, prediction) in seen.items()
        if which in SCORED
    }


def _metrics_record(outcome: Outcome) -> dict[str, Any]:
    members = [one.metrics for one in outcome.members]
    equation = {} if outcome.equations is None else {"equations": outcome.equations._asdict()}
    return {
        **outcome.metrics,
        **({"members": members} if len(members) > 1 else {}),
        "baseline": {"predicts": outcome.baseline, **outcome.baselines},
        **({} if outcome.linear is None else {"linear_baseline": outcome.linear}),
        **equation,
        **outcome.certainty.record(),
        "details": {"set": outcome.held_out, **outcome.assessment.record()},
    }
