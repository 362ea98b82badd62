"""Evaluate: the metrics of a stored model on a labelled file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem, did_you_mean, listing
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.make import AnyTarget
from bpcli.data.targets.unsupervised import ClusterTarget, LatentTarget
from bpcli.experiment.assessment import Assessment, assess
from bpcli.experiment.certainty import Coverage, coverage
from bpcli.experiment.embedding import embedded
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.reconstruction import reconstruction_scores
from bpcli.experiment.scoring import score
from bpcli.metrics.clusters import Clustered, cluster_scores
from bpcli.metrics.metric import Floats, Truth
from bpcli.runs.extras import NOTHING, Asked
from bpcli.runs.predict import Predictions


class Evaluation(NamedTuple):
    """Metrics of the labelled rows of a table."""

    metrics: dict[str, float]
    assessment: Assessment
    decision: tuple[str, float] | None  # the second class and its threshold, where there is one
    coverage: Coverage | None  # of intervals or sets, where they are asked for
    notices: tuple[Notice, ...]


def evaluate_model(
    model: Path, data: Path, dialect: Mapping[str, str], asked: Asked = NOTHING
) -> Evaluation:
    """Every metric of the model on a labelled CSV; rows without a label are left out, and said."""
    predictions = Predictions(model, data, dialect, asked)
    reader, target = predictions.reader, predictions.ensemble.target
    if isinstance(target, ClusterTarget):
        return _clusters(predictions, target)
    if isinstance(target, LatentTarget):
        return _reconstruction(predictions)
    require_targets(target.columns, reader.names, data.name)
    truths, values = [], []
    for table, part in predictions:
        labelled = target.usable(table)
        truths.append(target.truth(table)[labelled])
        values.append(part[labelled])
    truth, prediction = np.concatenate(truths), np.concatenate(values)
    if not len(truth):
        raise without_labels(target.columns, data.name)
    notes = _seen(predictions)
    if left_out := reader.rows - len(truth):
        what = f"rows without a target left out: {left_out}"
        notes.append(Notice("BP-D112", data.name, what))
    loss, seed = predictions.ensemble.loss, predictions.record.config["seed"]
    return Evaluation(
        score(loss, truth, prediction, target.decided(prediction)),
        assess(target, loss, truth, prediction, seed),
        _decision(target),
        _coverage(predictions.ensemble, asked, prediction, truth),
        (*predictions.notices, *notes),
    )


def _clusters(predictions: Predictions, target: ClusterTarget) -> Evaluation:
    """How good the clusters of all rows are; known groups are compared where the file has them."""
    (network,) = predictions.ensemble.parts
    points, distances = [], []
    groups: list[str] = []
    for table, part in predictions:
        points.append(embedded(network, predictions.ensemble.features.encode(table)))
        distances.append(part)
        groups += target.groups(table)
    codes = np.unique(groups, return_inverse=True)[1]
    known = np.where(np.array(groups) == "", -1, codes)
    rows = Clustered(np.concatenate(points), np.concatenate(distances), known)
    return _scored(predictions, cluster_scores(rows))


def _reconstruction(predictions: Predictions) -> Evaluation:
    """How well the inputs of all rows come back."""
    parts = [(predictions.ensemble.features.encode(table), part) for table, part in predictions]
    x, rebuilt = (np.concatenate(one) for one in zip(*parts, strict=True))
    return _scored(predictions, reconstruction_scores(x, rebuilt))


def _scored(predictions: Predictions, metrics: dict[str, float]) -> Evaluation:
    """Metrics of all rows, of which nothing more is to be said."""
    return Evaluation(
        metrics,
        Assessment(predictions.reader.rows, 0, {}, {}, {}, None),
        None,
        None,
        (*predictions.notices, *_seen(predictions)),
    )


def _seen(predictions: Predictions) -> list[Notice]:
    """That the file is the training file, where it is."""
    reader = predictions.reader
    known = reader.sha256 == predictions.record.data_sha256
    return [seen_in_training(reader.path.name)] if known else []


def _decision(target: AnyTarget) -> tuple[str, float] | None:
    if not isinstance(target, ClassTarget) or target.threshold is None:
        return None
    return target.classes[1], target.threshold


def _coverage(
    ensemble: Ensemble, asked: Asked, prediction: Floats, truth: Truth
) -> Coverage | None:
    if asked.level is None or ensemble.conformal is None:
        return None
    return coverage(ensemble.conformal, ensemble.loss, asked.level, prediction, truth)


def require_targets(targets: tuple[str, ...], names: tuple[str, ...], file: str) -> None:
    """Raises DataError where a target is none of the names of a file's columns."""
    problems = [_absent(target, names, file) for target in targets if target not in names]
    if problems:
        raise DataError(*problems)


def _absent(target: str, names: tuple[str, ...], file: str) -> Problem:
    what = f"there is no target column {target!r}{did_you_mean(target, names)}"
    fix = f"a score needs it; the columns are {listing(names)}"
    return Problem("BP-D060", file, what, fix)


def without_labels(targets: tuple[str, ...], file: str) -> DataError:
    """That no row of a file can be scored."""
    what = f"no row has a value in each of {listing([repr(name) for name in targets])}"
    return DataError(Problem("BP-D061", file, what, "give a labelled file"))


def seen_in_training(file: str) -> Notice:
    """That a file is the one that the model has learned from."""
    what = "this is the file the model was trained on; most of its rows are no test"
    fix = "use rows the model has not seen; metrics.json has the test rows' scores"
    return Notice("BP-D114", file, what, fix)
