"""The columns of a table that are one input together, as `input` says."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.config.errors import DataError, Problem, listing
from bpcli.data.arrays import Flags
from bpcli.data.declared import Numeric
from bpcli.data.input import Input
from bpcli.data.roles import INPUT_ROLES, Column
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table


def input_columns(
    table: Table, data: DataSpec, targets: Sequence[str], input: Input | None
) -> tuple[str, ...]:
    """The columns of the input in its order; none where every column is one by itself.

    Raises DataError where they are not what the config says.
    """
    if input is None:
        return ()
    taken = {*targets, *data.own_columns.values()}
    left_out = {n for n, role in data.columns.items() if role.name != Numeric.name}
    free = [name for name in table.names if name not in taken | left_out]
    try:
        return input.pick(free)
    except ValueError as error:
        fix = f"correct input.{input.name}; the columns are {listing(free)}"
        raise DataError(Problem("BP-D074", table.path.name, str(error), fix)) from None


def as_numbers(data: DataSpec, picked: Sequence[str]) -> DataSpec:
    """The same, with the columns declared as numbers: none is an id, or left out as constant."""
    return data.model_copy(update={"columns": data.columns | dict.fromkeys(picked, Numeric())})


def arranged(
    columns: Sequence[Column], picked: Sequence[str], table: Table, used: Flags
) -> tuple[Column, ...]:
    """The columns of the input first, in its order.

    Raises DataError for another column that would be an input, and for a gap in the rows `used`.
    """
    if not picked:
        return tuple(columns)
    own = {column.name: column for column in columns}
    rest = [column for column in columns if column.name not in set(picked)]
    more = [column.name for column in rest if column.role in INPUT_ROLES]
    if more:
        what = f"{listing([repr(name) for name in more])} beside the image: a row is one input"
        fix = f"leave it out with data.columns: {{{more[0]}: drop}}"
        raise DataError(Problem("BP-D075", table.path.name, what, fix))
    for name in picked:
        gaps = table.cells(name).missing & used
        if gaps.any():
            fix = "fill the cells, or leave out the rows"
            raise DataError(table.cell_problem("BP-D076", name, gaps, "a number in each", fix))
    return (*(own[name] for name in picked), *rest)
