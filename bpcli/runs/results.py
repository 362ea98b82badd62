"""What a trained network comes to: predictions of every row, scores, baselines, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from bpcli import __version__
from bpcli.data.prepare import Prepared
from bpcli.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from bpcli.experiment.assessment import Assessment, assess
from bpcli.experiment.baseline import Baseline, constant_baseline, linear_baseline
from bpcli.experiment.coefficients import Equations, equations
from bpcli.experiment.predictor import Ensemble, Predictor
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
    stop_reason: str
    best_epoch: int | None
    records: list[Record]


class Results(NamedTuple):
    """A trained network's predictions and scores of a learning problem."""

    problem: LearningProblem
    predictor: Predictor
    prediction: Floats  # of every row of the table
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
        prediction = predictor.predict_inputs(problem.prepared.x)
        constant = constant_baseline(problem)
        linear = linear_baseline(problem.config, problem.prepared)
        outcome = Outcome(
            folder,
            _by_set(problem, prediction),
            _by_set(problem, constant.prediction),
            constant.description,
            *_assess(problem, prediction, linear),
            _by_set(problem, linear.prediction) if linear else None,
            equations(predictor),
            stop_reason,
            best_epoch,
            records,
        )
        return cls(problem, predictor, prediction, outcome)

    def write(self, identity: Identity) -> None:
        """The files of a finished run, the model last."""
        prepared, folder = self.problem.prepared, self.outcome.folder
        metric = metrics_for(self.problem.loss.predicts)[0].name
        write_file(folder / names.HISTORY, history_csv(self.outcome.records, metric))
        write_json(folder / names.METRICS, _metrics_record(self.outcome))
        test = prepared.rows(TEST)
        if len(test):
            text = predictions_csv(
                prepared.table, test, _ids(prepared), self.predictor, self.prediction
            )
            write_file(folder / names.PREDICTIONS, text)
        write_file(
            folder / names.MODEL,
            model_bytes(self._model_record(identity), Ensemble((self.predictor,))),
        )

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
            replicas=len(self.predictor.flat),
            threads=environment()["blas_threads"],
            config=identity.config,
            data_sha256=prepared.table.sha256,
            environment=environment(),
        )


def _assess(
    problem: LearningProblem, prediction: Floats, linear: Baseline | None
) -> tuple[str, Assessment]:
    """The set that says most about new rows, and its scores in detail."""
    prepared = problem.prepared
    which = next(one for one in (TEST, VALIDATION, TRAIN) if len(prepared.rows(one)))
    rows = prepared.rows(which)
    return SET_NAMES[which], assess(
        prepared.target,
        problem.loss,
        prepared.target.truth(prepared.table)[rows],
        prediction[rows],
        problem.config.seed,
        linear.prediction[rows] if linear else None,
    )


def _by_set(problem: LearningProblem, prediction: Floats) -> Metrics:
    sets = {which: problem.prepared.rows(which) for which in (TRAIN, VALIDATION, TEST)}
    truth = problem.prepared.target.truth(problem.prepared.table)
    return {
        SET_NAMES[which]: score(problem.loss, truth[rows], prediction[rows])
        for which, rows in sets.items()
        if len(rows)
    }


def _metrics_record(outcome: Outcome) -> dict[str, Any]:
    equation = {} if outcome.equations is None else {"equations": outcome.equations._asdict()}
    return {
        **outcome.metrics,
        "baseline": {"predicts": outcome.baseline, **outcome.baselines},
        **({} if outcome.linear is None else {"linear_baseline": outcome.linear}),
        **equation,
        "details": {"set": outcome.held_out, **outcome.assessment.record()},
    }


def _ids(prepared: Prepared) -> tuple[str, ...]:
    return tuple(column.name for column in prepared.columns if column.role == "id")
