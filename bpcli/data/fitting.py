"""Features fitted on training rows: what each column says by itself, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from bpcli.data.arrays import Floats, Ints, Tensors
from bpcli.data.blocks import count_gaps, fit_dates, fit_levels
from bpcli.data.each import Each, Names, here
from bpcli.data.features import Features, groups, numbers_of
from bpcli.data.layout import Block, Coded, DateParts, FeatureLayout, Flag, Forms, OneHot
from bpcli.data.roles import INPUT_ROLES, Column
from bpcli.data.scalers import Scaler, Standard, fit_each, quantiles, require_scalable
from bpcli.data.spec import CategoricalSpec, PreprocessSpec
from bpcli.data.table import Table


def fit_features(
    table: Table,
    columns: Sequence[Column],
    rows: Ints,
    spec: PreprocessSpec,
    each: Each = here,
    forms: Forms | None = None,
) -> Features:
    """The layout and tensors that the training rows `rows` give.

    `forms`, where there are any, are the columns of categories of the whole table.
    """
    roles = {one.name: one.role for one in columns if one.role in INPUT_ROLES}
    look = partial(_part, roles=roles, spec=spec.categorical, forms=forms or {})
    parts = each(look, table, [(name,) for name in roles], rows)
    layout = FeatureLayout(
        numeric=tuple(name for name, role in roles.items() if role == "numeric"),
        indicators=tuple(name for name, part in zip(roles, parts, strict=True) if part is True),
        one_hot=tuple(part for part in parts if isinstance(part, OneHot)),
        coded=tuple(part for part in parts if isinstance(part, Coded)),
        dates=tuple(part for part in parts if isinstance(part, DateParts)),
        flags=tuple(part for part in parts if isinstance(part, Flag)),
        scaler=spec.scaler,
        delimiter=table.spec.delimiter,
        encoding=table.spec.encoding,
        decimal=table.spec.decimal,
        missing=table.spec.missing,
        header=table.spec.header,
        thousands=table.spec.thousands,
    )
    return Features(layout, _tensors(table, layout, rows, each))


def _part(
    table: Table,
    names: Names,
    rows: Ints,
    roles: Mapping[str, str],
    spec: CategoricalSpec,
    forms: Forms,
) -> Block | bool:
    """What a column becomes; of numbers whether there are gaps among them."""
    (name,) = names
    role = roles[name]
    if role == "categorical":
        return fit_levels(name, table.cells(name), rows, spec, forms)
    if role == "date":
        return fit_dates(table, name, rows)
    has_gaps = count_gaps(table, name, rows) > 0
    return Flag(name=name, missing=has_gaps) if role == "boolean" else has_gaps


def _tensors(table: Table, layout: FeatureLayout, rows: Ints, each: Each) -> Tensors:
    """Of the columns that are scaled, some of them at once."""
    elapsed = [one for one in layout.dates if one.elapsed]
    names = (*layout.numeric, *(one.name for one in elapsed))
    look = partial(_scaling, scaler=layout.scaler, dates=elapsed)
    parts = each(look, table, [names[own] for own in groups(len(names), len(rows))], rows)
    fitted = {name: np.concatenate([one[name] for one in parts], axis=-1) for name in parts[0]}
    scaled = {name: fitted[name] for name in layout.scaler.tensors()}
    require_scalable(scaled, layout.scaled, table.path.name)
    return {f"feature.{name}": tensor for name, tensor in fitted.items()}


def _scaling(
    table: Table, names: Names, rows: Ints, scaler: Scaler, dates: Sequence[DateParts]
) -> Tensors:
    """How columns are scaled, what a gap is taken for, and where their numbers lie."""
    own = [one for one in dates if one.name in names]  # they stand last
    values = numbers_of(table, names[: len(names) - len(own)], own, rows)
    medians = np.array([_median(column) for column in values.T])
    return {"impute": medians, **_bounds(values), **fit_each(scaler, values)}


def _bounds(values: Floats) -> Tensors:
    """Where the numbers of the training rows lie, by which those of other rows are judged."""
    with np.errstate(over="ignore", invalid="ignore"):
        lowest, highest = quantiles(values, np.array([0.0, 1.0]))
        deviation = Standard().fit(values)["scale"]
    finite = np.where(np.isfinite(deviation), deviation, np.finfo(np.float64).max)
    return {"lowest": lowest, "highest": highest, "deviation": finite}


def _median(column: Floats) -> float:
    present = column[~np.isnan(column)]
    present /= 2  # because the mean of the two middle numbers must not overflow
    return 2 * float(np.median(present, overwrite_input=True)) if present.size else 0.0
