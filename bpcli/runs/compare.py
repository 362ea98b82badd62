"""Completed runs side by side: config, data, metrics, and a paired test over the same test rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.data.numbers import to_numbers
from bpcli.data.without_target import UNSUPERVISED
from bpcli.metrics.metric import Floats
from bpcli.metrics.paired import Paired, holm, mcnemar, paired_bootstrap
from bpcli.runs.folder import PREDICTIONS
from bpcli.runs.stored import StoredRun

LEVEL = 0.05  # from which on two runs are indistinguishable
ABSENT = "–"
Values = tuple[Any, ...]  # one a run


class Test(NamedTuple):
    """A run against the best one."""

    run: str
    paired: Paired  # p is adjusted for the number of runs

    @property
    def distinguishable(self) -> bool:
        """Whether the best one is better by more than chance."""
        return self.paired.p < LEVEL


class Comparison(NamedTuple):
    """What differs between runs; a value for each run in their order."""

    runs: tuple[str, ...]
    config: dict[str, Values]  # by path, where they differ
    data: dict[str, Values]  # where they differ
    metrics: dict[str, dict[str, float]]  # of the test rows, by run
    best: str | None  # by what was compared
    measure: str
    tests: tuple[Test, ...]  # of the others, against the best one
    why_not: str  # why there is no test; empty where there is one


def compare_runs(runs: Sequence[StoredRun]) -> Comparison:
    """Two runs or more.  Raises ModelError for one that is not completed."""
    names = tuple(str(run.folder) for run in runs)
    refused = _why_not(runs)
    best, measure, tests = (None, "", ()) if refused else _tested(names, runs)
    return Comparison(
        names,
        _differing([dict(_flat(run.config, without="data.path")) for run in runs]),
        _differing([_data(run) for run in runs]),
        {name: run.metrics().get("test", {}) for name, run in zip(names, runs, strict=True)},
        best,
        measure,
        tests,
        refused,
    )


def _flat(value: Any, path: str = "", *, without: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a tree with its path: `optimizer.adam.beta1`."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key), without=without)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for i, item in enumerate(value):
            yield from _flat(item, f"{path}.{i}", without=without)
    elif path != without:
        yield path, value


def _differing(sides: list[dict[str, Any]]) -> dict[str, Values]:
    keys = dict.fromkeys(key for side in sides for key in side)
    rows = {key: tuple(side.get(key, ABSENT) for side in sides) for key in keys}
    return {key: values for key, values in rows.items() if any(v != values[0] for v in values)}


def _data(run: StoredRun) -> dict[str, Any]:
    data = run.record["data"]
    rows = data["account"]["rows"]
    counts = rows | {"excluded": sum(rows["excluded"].values())}
    return {"sha256": data["sha256"], **{f"{name} rows": n for name, n in counts.items()}}


def _why_not(runs: Sequence[StoredRun]) -> str:
    """Why the runs' test rows cannot be compared one by one; empty where they can."""
    first = runs[0]
    if any(run.record["task"] in UNSUPERVISED for run in runs):
        return "without a target there are no predictions that could be right"
    if any(run.record["data"]["sha256"] != first.record["data"]["sha256"] for run in runs):
        return "the runs have different data"
    rows = [row["row"] for row in first.table(PREDICTIONS)]
    if not rows:
        return "there are no test rows"
    if any([row["row"] for row in run.table(PREDICTIONS)] != rows for run in runs):
        return "the runs tested on different rows"
    targets = {str(run.config["data"]["target"]) for run in runs}
    tasks = {run.record["task"] for run in runs}
    if len(targets) > 1 or len(tasks) > 1:
        return "the runs predict different targets"
    if "prediction" not in first.table(PREDICTIONS)[0]:
        return "the runs predict more than one target"
    return ""


def _tested(names: tuple[str, ...], runs: Sequence[StoredRun]) -> tuple[str, str, tuple[Test, ...]]:
    """The best run, by what, and each other one against it."""
    if runs[0].record["task"] == "regression":
        measure, test = "mean squared error", paired_bootstrap
        scores = [_squared_errors(run) for run in runs]
        best = int(np.argmin([score.mean() for score in scores]))
        tests = {i: test(score, scores[best]) for i, score in enumerate(scores) if i != best}
    else:
        measure = "accuracy"
        right = [_right(run) for run in runs]
        best = int(np.argmax([score.mean() for score in right]))
        tests = {i: mcnemar(score, right[best]) for i, score in enumerate(right) if i != best}
    adjusted = holm([one.p for one in tests.values()])
    return (
        names[best],
        measure,
        tuple(
            Test(names[i], one._replace(p=p))
            for (i, one), p in zip(tests.items(), adjusted, strict=True)
        ),
    )


def _squared_errors(run: StoredRun) -> Floats:
    data, rows = run.config["data"], run.table(PREDICTIONS)
    truth = to_numbers(
        [row[_target(run)].strip() for row in rows], data["decimal"], data.get("thousands")
    )
    return (np.array([float(row["prediction"]) for row in rows]) - truth) ** 2


def _right(run: StoredRun) -> np.ndarray[Any, np.dtype[np.bool_]]:
    rows = run.table(PREDICTIONS)
    return np.array([row[_target(run)].strip() == row["prediction"] for row in rows])


def _target(run: StoredRun) -> str:
    target = run.config["data"]["target"]
    return target[0] if isinstance(target, list) else str(target)
