"""What a report tells: the files of a run, an explanation by its rows held out, its network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bpcli.config.errors import DataError, ModelError, Problem
from bpcli.data.asking import COMMAND
from bpcli.data.read import read_table
from bpcli.data.split import SET_NAMES, TRAIN
from bpcli.data.without_target import CLUSTERING, UNSUPERVISED
from bpcli.experiment.embedding import embedded
from bpcli.experiment.plane import Plane
from bpcli.experiment.predictor import Ensemble
from bpcli.nn import latent
from bpcli.runs import folder as names
from bpcli.runs.explain import Explanation, Tell, Wanted, explain_model
from bpcli.runs.model import ModelRecord, read_model
from bpcli.runs.portable import Unportable, portable
from bpcli.runs.stored import StoredRun
from bpcli.runs.sweep import SUMMARY

DIAGNOSTICS = "diagnostics.csv"
_WANTED = Wanted(rows=500, repeats=10)
Rows = list[dict[str, str]]


class Report(NamedTuple):
    """Everything in a report, as facts."""

    stored: StoredRun
    model: ModelRecord
    ensemble: Ensemble
    metrics: dict[str, Any]
    history: Rows
    predictions: Rows  # of the test rows
    diagnostics: Rows
    given: str  # config.yaml
    resolved: str
    explanation: Explanation | None
    unexplained: str  # why there is none
    network: dict[str, Any] | None  # that the page can run
    unrun: str  # why there is none
    sweep: dict[str, Any] | None
    plane: Plane | None  # of clusters, where the data are still there


def read_report(
    run: Path, sweep: Path | None, tell: Tell = lambda noun, done, total: None
) -> Report:
    """The facts of a completed run.  Raises ModelError."""
    stored = StoredRun.read(run)
    model, ensemble = read_model(run)
    explanation, network, plane = None, None, None
    unexplained, unrun = "", ""
    if stored.record["task"] not in UNSUPERVISED:
        explanation, unexplained = _explained(stored, run, tell)
        network, unrun = _network(ensemble)
    elif stored.record["task"] == CLUSTERING:
        plane = _plane(ensemble, stored, model)
    return Report(
        stored,
        model,
        ensemble,
        stored.metrics(),
        stored.table(names.HISTORY),
        stored.table(names.PREDICTIONS),
        stored.table(DIAGNOSTICS),
        _text(run / names.GIVEN),
        _text(run / names.RESOLVED),
        explanation,
        unexplained,
        network,
        unrun,
        None if sweep is None else _sweep(sweep),
        plane,
    )


def _explained(stored: StoredRun, run: Path, tell: Tell) -> tuple[Explanation | None, str]:
    """An explanation by the rows that the run held out, where its data are still there."""
    data = stored.config["data"]
    path = run / str(data.get("test") or data.get("path") or data.get("train"))
    try:
        return explain_model(run, path, {}, _WANTED, tell), ""
    except DataError as error:
        return None, error.problems[0].what


def _network(ensemble: Ensemble) -> tuple[dict[str, Any] | None, str]:
    """The network as data that the page can run, or why there is none."""
    try:
        return portable(ensemble), ""
    except Unportable as error:
        return None, str(error)


def _plane(ensemble: Ensemble, stored: StoredRun, model: ModelRecord) -> Plane | None:
    """The training rows by cluster, where their table is still there as it was."""
    data = stored.config["data"]
    path = stored.folder / str(data.get("path") or data.get("train"))
    try:
        table = read_table(path, model.features.reading(str(path), {}), COMMAND)
    except DataError:
        return None
    if table.sha256 != model.data_sha256:
        return None
    (part,) = ensemble.parts
    split = stored.table(names.SPLIT)
    rows = [int(one["row"]) - 1 for one in split if one["set"] == SET_NAMES[TRAIN]]
    x = ensemble.features.encode(table)[rows]
    centres = latent.centres(part.network, part.flat)[0].astype(np.float64)
    return Plane.of(embedded(part, x), part.predict_inputs(x).argmin(axis=1), centres)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _sweep(folder: Path) -> dict[str, Any]:
    """The summary of a learning-rate sweep."""
    try:
        facts = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        if isinstance(facts, dict) and {"candidates", "better", "metric"} <= facts.keys():
            return facts
        what = f"{SUMMARY} is not the summary of a sweep"
    except (OSError, ValueError) as error:
        what = f"{SUMMARY} cannot be read: {getattr(error, 'strerror', None) or error}"
    fix = "give the folder of a completed bpcli lr-sweep"
    raise ModelError(Problem("BP-M040", str(folder), what, fix))
