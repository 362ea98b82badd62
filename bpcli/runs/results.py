"""What trained members come to: predictions of every row, scores, baselines, and their files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bpcli import __version__
from bpcli.data.prepare import Prepared
from bpcli.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from bpcli.experiment.assessment import Assessment, assess
from bpcli.experiment.baseline import constant_baseline, linear_baseline
from bpcli.experiment.coefficients import Equations, equations
from bpcli.experiment.fit import Fit
from bpcli.experiment.members import Members, Seen
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.scoring import score
from bpcli.experiment.stopping import Record
from bpcli.metrics.metric import Floats, metrics_for
from bpcli.runs import folder as names
from bpcli.runs.files import write_file
from bpcli.runs.folder import environment, write_json
from bpcli.runs.identity import Identity
from bpcli.runs.model import MemberRecord, ModelRecord, model_bytes
from bpcli.runs.tables import history_csv, predictions_csv

Metrics = dict[str, dict[str, float]]


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
    iterations: int  # of all members
    records: list[Record]

    def ending(self) -> dict[str, Any]:
        """Why and when training ended, of several members in a list."""
        endings = [member.ending() for member in self.members]
        return endings[0] if len(endings) == 1 else {"members": endings}


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
        ensemble = members.ensemble([one.weights for one in fit.replicas])
        each = ensemble.each_of_inputs([one.prepared.x for one in problems])
        seen, linear = members.by_set(each), _linear(members)
        constants = [constant_baseline(one) for one in problems]
        constant = members.by_set([one.prediction for one in constants])
        outcome = Outcome(
            folder,
            _scores(problem, seen),
            [*_members(fit, each)],
            _scores(problem, constant),
            constants[0].description,
            *_assess(problem, seen, linear),
            None if linear is None else _scores(problem, linear),
            equations(ensemble.parts[0]) if ensemble.size == 1 else None,
            fit.iterations,
            fit.records,
        )
        return cls(problem, ensemble, seen, outcome)

    def write(self, identity: Identity) -> None:
        """The files of a finished run, the model last."""
        prepared, folder = self.problem.prepared, self.outcome.folder
        metric = metrics_for(self.problem.loss.predicts)[0].name
        write_file(folder / names.HISTORY, history_csv(self.outcome.records, metric))
        write_json(folder / names.METRICS, _metrics_record(self.outcome))
        if TEST in self.seen:
            named, (rows, prediction) = self.ensemble.parts[0], self.seen[TEST]
            text = predictions_csv(prepared.table, rows, _ids(prepared), named, prediction)
            write_file(folder / names.PREDICTIONS, text)
        write_file(folder / names.MODEL, model_bytes(self._model_record(identity), self.ensemble))

    def _model_record(self, identity: Identity) -> ModelRecord:
        prepared, config = self.problem.prepared, self.problem.config
        return ModelRecord(
            bpcli=__version__,
            run=identity.run,
            task=prepared.task,  # type: ignore[arg-type]
            target=prepared.target,
            ids=_ids(prepared),
            features=prepared.features.layout,
            layers=self.problem.network.layers,
            loss=self.problem.loss,
            dtype=config.dtype,
            replicas=self.ensemble.size,
            members=_member_records(self.ensemble),
            threads=environment()["blas_threads"],
            config=identity.config,
            data_sha256=prepared.table.sha256,
            environment=environment(),
        )


def _member_records(ensemble: Ensemble) -> tuple[MemberRecord, ...]:
    """The parts of a model that has several, each with preprocessing of its own."""
    if len(ensemble.parts) == 1:
        return ()
    return tuple(
        MemberRecord(features=part.features.layout, layers=part.network.layers)
        for part in ensemble.parts
    )


def _members(fit: Fit, each: Floats) -> Iterator[Member]:
    """What each network came to, from what each predicts of all rows (R,N,…)."""
    for one, prediction in zip(fit.replicas, each, strict=True):
        problem = one.lesson.problem
        sets = {which: problem.prepared.rows(which) for which in (TRAIN, VALIDATION, TEST)}
        own = {which: (rows, prediction[rows]) for which, rows in sets.items() if len(rows)}
        yield Member(one.stop_reason, one.best_epoch, one.epochs, _scores(problem, own))


def _linear(members: Members) -> Seen | None:
    """What linear models predict that learn from the members' rows; None where those are linear."""
    found = [linear_baseline(one.config, one.prepared) for one in members.problems]
    predictions = [one.prediction for one in found if one is not None]
    return members.by_set(predictions) if predictions else None


def _assess(problem: LearningProblem, seen: Seen, linear: Seen | None) -> tuple[str, Assessment]:
    """The set that says most about new rows, and its scores in detail."""
    prepared = problem.prepared
    which = next(one for one in (TEST, VALIDATION, TRAIN) if one in seen)
    rows, prediction = seen[which]
    return SET_NAMES[which], assess(
        prepared.target,
        problem.loss,
        prepared.target.truth(prepared.table)[rows],
        prediction,
        problem.config.seed,
        linear[which][1] if linear else None,
    )


def _scores(problem: LearningProblem, seen: Seen) -> Metrics:
    truth = problem.prepared.target.truth(problem.prepared.table)
    return {
        SET_NAMES[which]: score(problem.loss, truth[rows], prediction)
        for which, (rows, prediction) in seen.items()
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
        "details": {"set": outcome.held_out, **outcome.assessment.record()},
    }


def _ids(prepared: Prepared) -> tuple[str, ...]:
    return tuple(column.name for column in prepared.columns if column.role == "id")
