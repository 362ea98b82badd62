"""One training run from a loaded config to a complete run folder."""

from __future__ import annotations

from collections.abc import Iterator
from os.path import relpath
from pathlib import Path
from typing import Any, NamedTuple

from bpcli import __version__
from bpcli.config.dump import dump
from bpcli.config.errors import NumericError
from bpcli.data.account import account
from bpcli.data.prepare import Prepared, prepare
from bpcli.data.split import SET_NAMES, TEST, TRAIN, VALIDATION
from bpcli.experiment.assessment import Assessment, assess
from bpcli.experiment.baseline import Baseline, constant_baseline, linear_baseline
from bpcli.experiment.coefficients import Equations, equations
from bpcli.experiment.config import Config
from bpcli.experiment.load import Loaded
from bpcli.experiment.memory import require_training_memory
from bpcli.experiment.predictor import Predictor
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.resolve import resolve, with_target_scaler
from bpcli.experiment.scoring import score
from bpcli.experiment.stopping import Record
from bpcli.metrics.metric import Floats, metrics_for
from bpcli.runs import folder as names
from bpcli.runs.files import write_file
from bpcli.runs.folder import environment, new_folder, write_json
from bpcli.runs.model import ModelRecord, model_bytes
from bpcli.runs.source import MODEL
from bpcli.runs.tables import history_csv, predictions_csv, split_csv

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


class TrainingRun:
    """Prepare at construction, train by iteration, evaluate and write by `finish`.

    Everything that can be checked is checked before the folder is made.
    """

    def __init__(self, loaded: Loaded, output: Path | None = None, *, force: bool = False) -> None:
        self.loaded = loaded
        self.prepared, self.config = prepare_and_resolve(loaded)
        self.problem = LearningProblem.of(self.config, self.prepared)
        require_training_memory(self.problem)
        self.fit = self.problem.fit()
        self.folder = new_folder(loaded.path, output, force=force)
        self.records: list[Record] = []
        self._account = account(self.prepared)

    def __iter__(self) -> Iterator[Record]:
        """Train; `run.json` tells the truth at every moment."""
        write_file(self.folder / names.GIVEN, self.loaded.text)
        write_file(
            self.folder / names.RESOLVED,
            dump(written_from(self.config, self.loaded.folder, self.folder)),
        )
        write_file(self.folder / names.SPLIT, split_csv(self.prepared))
        self._write_state("running")
        try:
            for record in self.fit:
                self.records.append(record)
                yield record
        except BaseException as error:
            self._write_state(_state_after(error), stop_reason=str(error))
            raise

    def finish(self) -> Outcome:
        """Predict every row with the final weights, score, and write what is left."""
        predictor = self.problem.predictor(self.fit.weights)
        prediction = predictor.predict_inputs(self.prepared.x)
        outcome = self._outcome(predictor, prediction)
        self._write_results(predictor, prediction, outcome)
        self._write_state(
            "completed", stop_reason=outcome.stop_reason, best_epoch=outcome.best_epoch
        )
        return outcome

    def _outcome(self, predictor: Predictor, prediction: Floats) -> Outcome:
        constant = constant_baseline(self.problem)
        linear = linear_baseline(self.config, self.prepared)
        return Outcome(
            self.folder,
            self._by_set(prediction),
            self._by_set(constant.prediction),
            constant.description,
            *self._assess(prediction, linear),
            self._by_set(linear.prediction) if linear else None,
            equations(predictor),
            self.fit.stop_reason,
            self.fit.best_epoch,
            self.records,
        )

    def _assess(self, prediction: Floats, linear: Baseline | None) -> tuple[str, Assessment]:
        """The set that says most about new rows, and its scores in detail."""
        prepared = self.prepared
        which = next(one for one in (TEST, VALIDATION, TRAIN) if len(prepared.rows(one)))
        rows = prepared.rows(which)
        return SET_NAMES[which], assess(
            prepared.target,
            self.problem.loss,
            prepared.target.truth(prepared.table)[rows],
            prediction[rows],
            self.config.seed,
            linear.prediction[rows] if linear else None,
        )

    def _by_set(self, prediction: Floats) -> Metrics:
        sets = {which: self.prepared.rows(which) for which in (TRAIN, VALIDATION, TEST)}
        truth = self.prepared.target.truth(self.prepared.table)
        return {
            SET_NAMES[which]: score(self.problem.loss, truth[rows], prediction[rows])
            for which, rows in sets.items()
            if len(rows)
        }

    def _write_results(self, predictor: Predictor, prediction: Floats, outcome: Outcome) -> None:
        prepared, folder = self.prepared, self.folder
        metric = metrics_for(self.problem.loss.predicts)[0].name
        write_file(folder / names.HISTORY, history_csv(self.records, metric))
        write_json(folder / names.METRICS, _metrics_record(outcome))
        test = prepared.rows(TEST)
        if len(test):
            text = predictions_csv(prepared.table, test, _ids(prepared), predictor, prediction)
            write_file(folder / names.PREDICTIONS, text)
        write_file(folder / MODEL, model_bytes(self._model_record(), predictor))

    def _model_record(self) -> ModelRecord:
        prepared, config = self.prepared, self.config
        portable = config.model_dump(mode="json")
        portable["data"] |= {key: Path(path).name for key, path in config.data.files.items()}
        return ModelRecord(
            bpcli=__version__,
            task=prepared.task,  # type: ignore[arg-type]
            target=prepared.target,
            ids=_ids(prepared),
            features=prepared.features.layout,
            layers=self.problem.network.layers,
            loss=self.problem.loss,
            dtype=config.dtype,
            replicas=len(self.fit.weights),
            threads=environment()["blas_threads"],
            config=portable,
            data_sha256=prepared.table.sha256,
            environment=environment(),
        )

    def _write_state(self, state: str, **facts: Any) -> None:
        prepared = self.prepared
        last = self.records[-1] if self.records else None
        record = {
            "state": state,
            "task": prepared.task,
            "task_reason": prepared.reason,
            **facts,
            "epochs": last.epoch if last else 0,
            "iterations": last.iteration if last else 0,
            "seconds": round(last.seconds, 3) if last else 0.0,
            "rate_halved_at": self.fit.halvings,
            "seed": self.config.seed,
            "threads": self.config.threads,
            "parameters": self.problem.network.size,
            "data": {
                "files": self.config.data.files,
                "sha256": prepared.table.sha256,
                "account": self._account,
            },
            "columns": [column.model_dump() for column in prepared.columns],
            "notices": [notice._asdict() for notice in prepared.notices],
            "environment": environment(),
        }
        write_json(self.folder / names.RECORD, record)


def prepare_and_resolve(loaded: Loaded) -> tuple[Prepared, Config]:
    """The table of a config, and the config with nothing left open."""
    given = with_target_scaler(loaded.config)
    prepared = prepare(
        given.data,
        given.split,
        given.preprocess,
        given.task,
        given.seed,
        loaded.folder,
        numbers=given.loss is not None and given.loss.predicts == "numbers",
    )
    return prepared, resolve(given, prepared)


def expanded(loaded: Loaded) -> dict[str, Any]:
    """The resolved config as plain values, as it would be written beside the given one."""
    _, config = prepare_and_resolve(loaded)
    return written_from(config, loaded.folder, loaded.folder)


def written_from(config: Config, folder: Path, place: Path) -> dict[str, Any]:
    """The config's plain values; its data paths, relative to `folder`, start from `place`."""
    written: dict[str, Any] = _without_none(config.model_dump(mode="json"))
    for key, path in config.data.files.items():
        written["data"][key] = relpath((folder / path).resolve(), place.resolve())
    return written


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


def _state_after(error: BaseException) -> str:
    if isinstance(error, NumericError):
        return "diverged"
    interrupted = isinstance(error, KeyboardInterrupt | GeneratorExit)
    return "interrupted" if interrupted else "failed"


def _without_none(value: Any) -> Any:
    """A mapping without the keys that say nothing: their default is to be absent."""
    if not isinstance(value, dict):
        return value
    return {key: _without_none(item) for key, item in value.items() if item is not None}
