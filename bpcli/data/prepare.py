"""From the config to arrays: read, task, split, then all the rest from training rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.arrays import Floats, Ints, Sets, Tensors
from bpcli.data.declared import Boolean, Categorical, Date, DeclaredRole, Drop, Id, Numeric
from bpcli.data.each import Each, here
from bpcli.data.encoding import Encoding
from bpcli.data.features import Features, describe_levels
from bpcli.data.fitting import fit_features
from bpcli.data.header import header_problems, require_room
from bpcli.data.input import Input
from bpcli.data.layout import Forms
from bpcli.data.picked import arranged, as_numbers, input_columns
from bpcli.data.read import read_files
from bpcli.data.roles import (
    Column,
    assign_roles,
    check_names,
    describe_commas,
    describe_dates,
    describe_roles,
    describe_suspects,
)
from bpcli.data.scalers import Standard
from bpcli.data.sets import choose_method, divide
from bpcli.data.spec import DataSpec, PreprocessSpec, SplitSpec
from bpcli.data.split import EXCLUDED, TRAIN, describe_sets
from bpcli.data.suspicions import describe_suspicions
from bpcli.data.table import Table
from bpcli.data.targets.make import AnyTarget, make_target
from bpcli.data.task import infer_task
from bpcli.data.without_target import UNSUPERVISED
from bpcli.nn import room

_NO_TARGET = ("clusters",)  # what a loss learns without one


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
    t: Floats  # (N,O), NaN where the target is missing; without one the inputs again
    notices: tuple[Notice, ...]
    weights: Floats | None = None  # (N,), at least 0; None where every row counts the same
    picked: tuple[str, ...] = ()  # the columns that are one input together, in its order

    def declared(self) -> dict[str, DeclaredRole]:
        """The role of each column but the target, as a config declares it."""
        formats = {one.name: one.format for one in self.features.layout.dates}
        simple = {role.name: role for role in (Numeric(), Categorical(), Boolean(), Id())}
        return {
            column.name: Date(format=formats[column.name])
            if column.role == "date"
            else simple.get(column.role, Drop())
            for column in self.columns
            if column.role != "target"
        }

    @property
    def encoding(self) -> Encoding:
        """What makes the numbers of any other rows."""
        return Encoding(self.features, self.target, self.target_fitted)

    def settings(self) -> dict[str, Any]:
        """What was found out about the data, as fields of a `DataSpec`."""
        spec = self.table.spec
        return {
            "target": names[0] if len(names := self.target.columns) == 1 else names or None,
            "columns": self.declared(),
            "delimiter": spec.delimiter,
            "encoding": spec.encoding,
        }

    def split_method(self, split: SplitSpec) -> str:
        """What `split.method: auto` came to."""
        return choose_method(self.table.spec, split, self.target.strata(self.table) is not None)

    def refitted(self, preprocess: PreprocessSpec) -> Prepared:
        """The same table, split and target with inputs of another kind."""
        features = fit_features(self.table, self.columns, self.rows(TRAIN), preprocess)
        x = features.encode_all(self.table)
        return self._replace(features=features, x=x, t=self.t if self.target.columns else x)

    @property
    def truth(self) -> NDArray[Any]:
        """What predictions of all rows are compared with; −1 or NaN where it is missing."""
        return self.x if self.target.kind == "latent" else self.target.truth(self.table)

    def rows(self, which: int) -> Ints:
        """The rows of a set: TRAIN, VALIDATION, TEST or EXCLUDED."""
        return room.kept(np.flatnonzero(self.sets == which))


def read_in_memory(base: Path, spec: DataSpec) -> Table:
    """The table of a config.  Raises ResourceError where memory cannot hold it."""
    require_room(base, spec)
    return read_files(base, spec)


def prepare(
    data: DataSpec,
    split: SplitSpec,
    preprocess: PreprocessSpec,
    task: str,
    seed: int,
    base: Path,
    *,
    learns: str = "",
    input: Input | None = None,
    read: Callable[[Path, DataSpec], Table] = read_in_memory,
    each: Each = here,
) -> Prepared:
    """Everything that training needs; `base` is the folder that the path is relative to.

    `learns` is what the loss predicts, where there is one, which may decide an open task; `input`
    says which columns are one input together; `read` gives the table, and `each` looks at its
    columns one by one.
    """
    unsupervised = task in UNSUPERVISED or (task == "auto" and learns in _NO_TARGET)
    if problems := header_problems(base, data, unsupervised=unsupervised, input=input):
        raise DataError(*problems)
    table = read(base, data)
    targets = check_names(table, data, unsupervised=unsupervised)
    picked = input_columns(table, data, targets, input)
    task, reason = infer_task(table, targets, task, learns=learns)
    target = make_target(table, targets, task, preprocess.target or Standard())
    sets, division = divide(table, data, split, seed, target.strata(table), target.usable(table))
    declared = as_numbers(table.spec, picked)
    fitted = _fitted(table, declared, preprocess, target, (task, reason), sets, picked, each)
    found = (*table.notices, *_default_target(data, targets), *division, *describe_sets(sets))
    if input is not None:
        top = float(fitted.features.fitted["feature.highest"].max())
        found = (*found, *input.notices(picked, table.names, top))
    return fitted._replace(notices=(*found, *target.notices(table), *_findings(fitted, each)))


def refit(prepared: Prepared, preprocess: PreprocessSpec, sets: Sets) -> Prepared:
    """The same table and task in the sets of a fold: everything is fitted anew.

    The columns keep the roles that they have, and categories their form, so that networks of all
    folds have the same layers. What there is to notice was noticed before.
    """
    return _in_sets(prepared, preprocess, sets, prepared.features.layout.forms)


def divided(prepared: Prepared, preprocess: PreprocessSpec, sets: Sets) -> Prepared:
    """The same table and task in other sets, of which no more is known than of a table read anew.

    The columns keep the roles that they have.
    """
    return _in_sets(prepared, preprocess, sets, None)


def _in_sets(
    prepared: Prepared, preprocess: PreprocessSpec, sets: Sets, forms: Forms | None
) -> Prepared:
    task = prepared.task, prepared.reason
    declared = prepared.table.spec.model_copy(update={"columns": prepared.declared()})
    table, target, picked = prepared.table, prepared.target, prepared.picked
    return _fitted(table, declared, preprocess, target, task, sets, picked, forms=forms)


def _fitted(
    table: Table,
    data: DataSpec,
    preprocess: PreprocessSpec,
    target: AnyTarget,
    task: tuple[str, str],
    sets: Sets,
    picked: tuple[str, ...],
    each: Each = here,
    forms: Forms | None = None,
) -> Prepared:
    """All that follows from the training rows."""
    train = room.kept(np.flatnonzero(sets == TRAIN))
    weights = _weights(table, data.weight, sets)
    fitted = target.fit(table, train)
    roles = assign_roles(table, data, target.columns, train, each)
    columns = arranged(roles, picked, table, sets != EXCLUDED)
    features = fit_features(table, columns, train, preprocess, each, forms)
    x = features.encode_all(table)
    return Prepared(
        table=table,
        columns=columns,
        task=task[0],
        reason=task[1],
        target=target,
        target_fitted=fitted,
        sets=sets,
        features=features,
        x=x,
        t=_encoded(target, table, fitted) if target.columns else x,
        notices=(),
        weights=weights,
        picked=picked,
    )


def _encoded(target: AnyTarget, table: Table, fitted: Tensors) -> Floats:
    return table.of_each(target.width, lambda rows: target.encode(rows, fitted))


def _findings(prepared: Prepared, each: Each) -> tuple[Notice, ...]:
    """What training rows and the fitted features show."""
    table, columns, features = prepared.table, prepared.columns, prepared.features
    classes = prepared.target.kind in ("classes", "labels")
    return (
        *describe_roles(columns),
        *describe_dates(table, columns),
        *describe_suspects(table, columns),
        *describe_commas(table),
        *describe_levels(features.layout, table, prepared.rows(TRAIN)),
        *features.compare(table, known=table.names),
        *describe_suspicions(table, columns, prepared.sets, classes=classes, each=each),
    )


def _weights(table: Table, name: str | None, sets: Sets) -> Floats | None:
    """The column of row weights, 0 in rows of no set."""
    if name is None:
        return None
    numbers = table.cells(name).numbers
    used = sets != EXCLUDED
    wrong = used & ~(numbers >= 0)  # a gap is none either
    if wrong.any():
        expected, fix = "weights, numbers of at least 0", "correct the cells"
        raise DataError(table.cell_problem("BP-D027", name, wrong, expected, fix))
    if not numbers[sets == TRAIN].any():
        what = f"column {name!r}: every training row has weight 0"
        raise DataError(Problem("BP-D028", table.path.name, what, "correct data.weight"))
    return np.where(used, numbers, 0.0)


def _default_target(data: DataSpec, targets: tuple[str, ...]) -> list[Notice]:
    if data.target is not None or not targets:
        return []
    what = f"data.target is not set, so the last column {targets[0]!r} is the target"
    return [Notice("BP-D103", "data.target", what, "set data.target")]
