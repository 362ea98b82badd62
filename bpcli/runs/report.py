"""What a report tells: the files of a run, an explanation by its rows held out, its network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from bpcli.config.errors import DataError, ModelError, Problem
from bpcli.experiment.predictor import Ensemble
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


def read_report(
    run: Path, sweep: Path | None, tell: Tell = lambda noun, done, total: None
) -> Report:
    """The facts of a completed run.  Raises ModelError."""
    stored = StoredRun.read(run)
    model, ensemble = read_model(run)
    explanation, unexplained = _explained(stored, run, tell)
    try:
        network, unrun = portable(ensemble), ""
    except Unportable as error:
        network, unrun = None, str(error)
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
    )


def _explained(stored: StoredRun, run: Path, tell: Tell) -> tuple[Explanation | None, str]:
    """An explanation by the rows that the run held out, where its data are still there."""
    data = stored.config["data"]
    path = run / str(data.get("test") or data.get("path") or data.get("train"))
    try:
        return explain_model(run, path, {}, _WANTED, tell), ""
    except DataError as error:
        return None, error.problems[0].what


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
