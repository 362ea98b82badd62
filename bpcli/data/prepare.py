"""From the config to arrays: read, task, split, then all the rest from training rows."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import Notice
from bpcli.data.arrays import Floats, Ints, Sets, Tensors
from bpcli.data.features import Features, describe_levels, fit_features
from bpcli.data.read import read_table
from bpcli.data.roles import Column, assign_roles, check_names, describe_roles
from bpcli.data.spec import DataSpec, PreprocessSpec, SplitSpec
from bpcli.data.split import TRAIN, assign_sets, describe_sets
from bpcli.data.table import Table
from bpcli.data.target import AnyTarget, make_target
from bpcli.data.task import infer_task


class Prepared(NamedTuple):
    """A table ready for training; row i of sets, x and t is row i of the table."""

    table: Table
    columns: tuple[Column, ...]
    task: str
    reason: str  # why this task
    target: AnyTarget
    target_fitted: Tensors
    sets: Sets  # (N,)
    features: Features
    x: Floats  # (N,I)
    t: Floats  # (N,O), NaN where the target is missing
    notices: tuple[Notice, ...]

    def rows(self, which: int) -> Ints:
        """The rows of a set: TRAIN, VALIDATION, TEST or EXCLUDED."""
        return np.flatnonzero(self.sets == which)


def prepare(
    data: DataSpec, split: SplitSpec, preprocess: PreprocessSpec, task: str, seed: int, base: Path
) -> Prepared:
    """Everything that training needs; `base` is the folder that the path is relative to."""
    table = read_table(base / data.path, data)
    name = check_names(table, data)
    task, reason = infer_task(table, name, task)
    target = make_target(table, name, task, preprocess.target)
    usable = table.cells(name).codes >= 0
    sets = assign_sets(table.n_rows, split, seed, target.strata(table), usable)
    train = np.flatnonzero(sets == TRAIN)
    fitted = target.fit(table, train)
    columns = assign_roles(table, data, name, train)
    features = fit_features(table, columns, train, preprocess)
    notices = (
        *table.notices,
        *_default_target(data, name),
        *describe_sets(sets),
        *target.notices(table),
        *describe_roles(columns),
        *describe_levels(features.layout, table, train),
        *features.compare(table, known=table.names),
    )
    return Prepared(
        table=table,
        columns=columns,
        task=task,
        reason=reason,
        target=target,
        target_fitted=fitted,
        sets=sets,
        features=features,
        x=features.encode(table),
        t=target.encode(table, fitted),
        notices=notices,
    )


def _default_target(data: DataSpec, name: str) -> list[Notice]:
    if data.target is not None:
        return []
    what = f"data.target is not set, so the last column {name!r} is the target"
    return [Notice("BP-D103", "data.target", what, "set data.target")]
