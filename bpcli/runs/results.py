"""What a trained network comes to: predictions of every row, scores, baselines, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from bpcli import __version__
from bpcli.data.prepare import Prepared
from bpcli.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from bpcli.experiment.assessment import Assessment, assess
from bpcli.experiment.baseline import Baseline, constant_baseline, linear_baseline
from bpcli.experiment.certainty import SCORED, Certainty
from bpcli.experiment.coefficients import Equations, equations
from bpcli.experiment.finish import Finished, finish, seen_by
from bpcli.experiment.predictor import Predictor
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.scoring import score
from bpcli.experiment.stopping import Record
from bpcli.metrics.metric import Floats, metrics_for
from bpcli.nn.layer import Array
from bpcli.runs import folder as names
from bpcli.runs.files import write_file
from bpcli.runs.folder import environment, write_json
from bpcli.runs.identity import Identity
from bpcli.runs.model import ModelRecord, model_bytes
from bpcli.runs.tables import history_csv, predictions_csv

Metrics = dict[str, dict[str, float]]


class Outcome(NamedTuple):
    """What a finished run came to."""

    folder: Path
    metrics: Metrics  # by set
    baselines: Metrics  # by set
    baseline: str
    held_out: str  # the set that the assessment is of: test where there is one
    assessment: Assessment
    linear: Metrics | None  # of linear or logistic regression; None where the model is one
    equations: Equations | None  # of a linear model, in raw units
    certainty: Certainty
    stop_reason: str
    best_epoch: int | None
    records: list[Record]


class Results(NamedTuple):
    """A trained network's predictions and scores of a learning problem."""

    problem: LearningProblem
    predictor: Predictor
    done: Finished
    outcome: Outcome

    @classmethod
    def of(
        cls,
        problem: LearningProblem,
        weights: Array,
        folder: Path,
        records: list[Record],
        stop_reason: str,
        best_epoch: int | None,
    ) -> Results:
        """Predict every row with the final weights, and score."""
        predictor = problem.predictor(weights)
        raw = predictor.predict_inputs(problem.prepared.x)
        done = finish(problem, seen_by(problem.prepared, raw))
        assurance = done.assurance
        constant = constant_baseline(problem)
        linear = linear_baseline(problem.config, problem.prepared)
        outcome = Outcome(
            folder,
            _scores(problem, done),
            _by_set(problem, constant.prediction),
            constant.description,
            *_assess(problem, done, linear),
            _by_set(problem, linear.prediction, linear.decided) if linear else None,
            None if assurance.calibration.fitted else equations(predictor),
            Certainty.of(problem, done),
            stop_reason,
            best_epoch,
            records,
        )
        return cls(problem, predictor._replace(target=assurance.target), done, outcome)

    def write(self, identity: Identity) -> None:
        """The files of a finished run, the model last."""
        prepared, folder = self.problem.prepared, self.outcome.folder
        metric = metrics_for(self.problem.loss.predicts)[0].name
        write_file(folder / names.HISTORY, history_csv(self.outcome.records, metric))
        write_json(folder / names.METRICS, _metrics_record(self.outcome))
        if TEST in self.done.seen:
            rows, prediction = self.done.seen[TEST]
            text = predictions_csv(prepared.table, rows, _ids(prepared), self.predictor, prediction)
            write_file(folder / names.PREDICTIONS, text)
        model = model_bytes(self._model_record(identity), self.predictor, self.done.assurance)
        write_file(folder / names.MODEL, model)

    def _model_record(self, identity: Identity) -> ModelRecord:
        prepared, config = self.problem.prepared, self.problem.config
        assurance = self.done.assurance
        return ModelRecord(
            bpcli=__version__,
            run=identity.run,
            task=prepared.task,  # type: ignore[arg-type]
            target=assurance.target,
            ids=_ids(prepared),
            features=prepared.features.layout,
            layers=self.problem.network.layers,
            loss=self.problem.loss,
            calibration=assurance.calibration.method,
            conformal=assurance.conformal and assurance.conformal.spec,
            dtype=config.dtype,
            replicas=len(self.predictor.flat),
            threads=environment()["blas_threads"],
            config=identity.config,
            data_sha256=prepared.table.sha256,
            environment=environment(),
        )


def _assess(
    problem: LearningProblem, done: Finished, linear: Baseline | None
) -> tuple[str, Assessment]:
    """The set that says most about new rows, and its scores in detail."""
    prepared = problem.prepared
    which = next(one for one in (TEST, VALIDATION, TRAIN) if one in done.seen)
    rows, prediction = done.seen[which]
    return SET_NAMES[which], assess(
        done.assurance.target,
        problem.loss,
        prepared.target.truth(prepared.table)[rows],
        prediction,
        problem.config.seed,
        linear.prediction[rows] if linear else None,
        linear.decided[rows] if linear and linear.decided is not None else None,
    )


def _by_set(problem: LearningProblem, prediction: Floats, decided: Floats | None = None) -> Metrics:
    sets = {which: problem.prepared.rows(which) for which in (TRAIN, VALIDATION, TEST)}
    truth = problem.prepared.target.truth(problem.prepared.table)
    return {
        SET_NAMES[which]: score(
            problem.loss,
            truth[rows],
            prediction[rows],
            None if decided is None else decided[rows],
        )
        for which, rows in sets.items()
        if len(rows)
    }


def _scores(problem: LearningProblem, done: Finished) -> Metrics:
    """Of the calibrated predictions and their decisions."""
    truth, target = problem.prepared.target.truth(problem.prepared.table), done.assurance.target
    return {
        SET_NAMES[which]: score(problem.loss, truth[rows], prediction, target.decided(prediction))
        for which, (rows, prediction) in done.seen.items()
        if which in SCORED
    }


def _metrics_record(outcome: Outcome) -> dict[str, Any]:
    equation = {} if outcome.equations is None else {"equations": outcome.equations._asdict()}
    return {
        **outcome.metrics,
        "baseline": {"predicts": outcome.baseline, **outcome.baselines},
        **({} if outcome.linear is None else {"linear_baseline": outcome.linear}),
        **equation,
        **outcome.certainty.record(),
        "details": {"set": outcome.held_out, **outcome.assessment.record()},
    }


def _ids(prepared: Prepared) -> tuple[str, ...]:
    return tuple(column.name for column in prepared.columns if column.role == "id")
