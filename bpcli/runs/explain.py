"""Explain: a stored model on rows that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import Notice, listing
from bpcli.data.arrays import Ints
from bpcli.data.asking import COMMAND
from bpcli.data.association import association, contents, groups
from bpcli.data.read import read_table
from bpcli.data.table import Table
from bpcli.experiment.coefficients import Equations, equations
from bpcli.experiment.predictor import Ensemble
from bpcli.insight.attribution import Attributions
from bpcli.insight.effects import Effect, effect
from bpcli.insight.integrated import STEPS, integrated_gradients
from bpcli.insight.permutation import Importance, Judge, importances
from bpcli.insight.shapley import shapley_values
from bpcli.insight.subject import Subject
from bpcli.nn.random import Purpose, generator
from bpcli.runs.evaluate import require_targets, seen_in_training, without_labels
from bpcli.runs.folder import SPLIT
from bpcli.runs.model import ModelRecord, read_model
from bpcli.runs.stored import StoredRun

CLOSE = 0.8  # association from which columns are permuted together too
GAP = 0.01  # of the largest difference between a prediction and the baseline
Tell = Callable[[str, int, int], object]  # what is counted, how many are done, of how many


class Wanted(NamedTuple):
    """What an explanation is to hold."""

    metric: str | None = None
    repeats: int = 10
    rows: int | None = None  # at most; 1000, or 100 with Shapley values
    shapley: bool = False
    background: int = 20
    steps: int = STEPS
    effects: tuple[str, ...] = ()
    seed: int | None = None  # that of the run


class UnknownName(ValueError):
    """An option names a column or a metric that there is not."""

    def __init__(self, option: str, message: str) -> None:
        self.option = option
        super().__init__(message)


class Scored(NamedTuple):
    """The permutation importances, and the metric that they are differences of."""

    metric: str
    score: float
    repeats: int
    importances: tuple[Importance, ...]  # of each column, then of each group


class Explanation(NamedTuple):
    """What was found out about some rows of a file."""

    file: str
    rows: Ints  # their numbers in the file, from 0
    of: str  # test rows, rows …
    scored: Scored | None  # where the rows have a target
    attributions: Attributions
    effects: tuple[Effect, ...]
    equations: Equations | None
    notices: tuple[Notice, ...]


class _Held(NamedTuple):
    rows: Ints
    of: str


def explain_model(
    model: Path,
    data: Path,
    dialect: Mapping[str, str],
    wanted: Wanted,
    tell: Tell = lambda noun, done, total: None,
) -> Explanation:
    """Explain a model by rows of a CSV: those held out, where it is the file of the run.

    Raises ModelError, DataError, UnknownName.
    """
    record, ensemble = read_model(model)
    table = read_table(data, record.features.reading(str(data), dialect), COMMAND)
    seed = int(record.config["seed"]) if wanted.seed is None else wanted.seed
    held, notices = _held_out(model, record, table)
    rows = _drawn(held.rows, wanted.rows or (100 if wanted.shapley else 1000), seed)
    subject = Subject.of(ensemble, table)
    numbers = [_column(subject, name) for name in wanted.effects]
    chosen = subject.take(rows)
    cells = contents(table, ensemble.features.layout, rows)
    close = groups(association(cells), CLOSE)
    notices += _correlated(subject, close)
    scored = None
    if _labelled(ensemble, table):
        scored = _scored(subject, table, rows, close, wanted, seed, tell)
    else:
        names = listing([repr(name) for name in ensemble.target.columns])
        what = f"without the column {names} there is no score, so no permutation importance"
        notices.append(Notice("BP-E002", data.name, what, "give a labelled file"))
    if wanted.shapley:
        pool = np.setdiff1d(np.arange(table.n_rows), rows)
        behind = subject.take(_drawn(pool if len(pool) else rows, wanted.background, seed))
        found = shapley_values(chosen, behind, seed, tell=lambda n: tell("rows", n, len(rows)))
    else:
        found = integrated_gradients(
            chosen, steps=wanted.steps, tell=lambda n: tell("rows", n, len(rows))
        )
        notices += _incomplete(found)
    words = {i: [str(word) for word in table.text(subject.columns[i])[rows]] for i in numbers}
    return Explanation(
        data.name,
        rows,
        held.of,
        scored,
        found,
        tuple(effect(chosen, i, cells[i], words[i]) for i in numbers),
        equations(ensemble),
        tuple(notices),
    )


def _labelled(ensemble: Ensemble, table: Table) -> bool:
    return any(name in table.names for name in ensemble.target.columns)


def _column(subject: Subject, name: str) -> int:
    if name in subject.columns:
        return subject.columns.index(name)
    what = f"{name!r} is no input of the model; those are {listing(subject.columns)}"
    raise UnknownName("--pdp", what)


def _held_out(model: Path, record: ModelRecord, table: Table) -> tuple[_Held, list[Notice]]:
    """The test rows of the run's own file, or its validation rows, and all rows of another file."""
    every, notices = np.arange(table.n_rows), list(table.notices)
    if table.sha256 != record.data_sha256:
        return _Held(every, "rows"), notices
    for which in ("test", "validation"):
        rows = _set_of(model, which)
        if len(rows) and rows[-1] < table.n_rows:
            return _Held(rows, f"{which} rows"), notices
    return _Held(every, "training rows"), [*notices, seen_in_training(table.path.name)]


def _set_of(model: Path, which: str) -> Ints:
    """The rows of a set in a run's split; none where there is no split."""
    if not (model / SPLIT).is_file():
        return np.array([], dtype=np.int64)
    split = StoredRun.read(model).table(SPLIT)
    return np.array([int(one["row"]) - 1 for one in split if one["set"] == which], dtype=np.int64)


def _drawn(rows: Ints, most: int, seed: int) -> Ints:
    """At most so many of the rows, in their order."""
    if len(rows) <= most:
        return rows
    picked = generator(seed, Purpose.PERMUTATION).choice(len(rows), most, replace=False)
    return rows[np.sort(picked)]


def _scored(
    subject: Subject,
    table: Table,
    rows: Ints,
    close: Sequence[Sequence[int]],
    wanted: Wanted,
    seed: int,
    tell: Tell,
) -> Scored:
    """The importance of each column and of each group, by the rows that have a target."""
    target = subject.ensemble.target
    require_targets(target.columns, table.names, table.path.name)
    usable = rows[target.usable(table)[rows]]
    if not len(usable):
        raise without_labels(target.columns, table.path.name)
    labelled = subject.take(usable)
    try:
        judge = Judge(labelled, target.truth(table)[usable], wanted.metric)
    except ValueError as error:
        raise UnknownName("--metric", str(error)) from None
    some = [*([i] for i in range(len(subject.columns))), *close]
    found = []
    for one in importances(labelled, judge, some, wanted.repeats, seed):
        found.append(one)
        tell("columns", len(found), len(some))
    return Scored(judge.name, judge(labelled.inputs), wanted.repeats, tuple(found))


def _correlated(subject: Subject, close: Sequence[Sequence[int]]) -> list[Notice]:
    notices = []
    for group in close:
        names = listing([repr(subject.columns[i]) for i in group])
        what = f"{names} go together (association {CLOSE:g} or more): one can stand in for another"
        fix = "look at their importance together"
        notices.append(Notice("BP-E001", "permutation", what, fix))
    return notices


def _incomplete(found: Attributions) -> list[Notice]:
    size = np.abs(found.prediction - found.baseline).max(axis=0, initial=0)
    if not (np.abs(found.gap) > GAP * size).any():
        return []
    gap = float(np.abs(found.gap).max())
    what = f"the attributions of some row miss {gap:.2g} of its prediction less the baseline"
    return [Notice("BP-E003", "integrated gradients", what, "use more --steps, or --shapley")]
