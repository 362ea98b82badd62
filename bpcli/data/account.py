"""What became of every record, row, column and cell: sums that a reader can check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.data.blocks import count_gaps, unseen_words
from bpcli.data.layout import Block, DateParts, Flag, Levels
from bpcli.data.prepare import Prepared
from bpcli.data.split import EXCLUDED, SET_NAMES
from bpcli.data.table import Table
from bpcli.nn import room

NO_TARGET = "the target is missing"


def account(prepared: Prepared) -> dict[str, Any]:
    """Records of each file, rows of each set, columns of each role, and the cells filled in.

    The records of a file are its header, its blank lines and its rows; the rows of all files are
    those of the sets and those excluded; every column has one role.
    """
    return {
        "files": [_records(prepared.table, i) for i in range(len(prepared.table.parts))],
        "rows": _rows(prepared),
        "columns": _columns(prepared),
        "filled": {
            name: facts
            for name, facts in _filled(prepared)
            if facts["missing"] or facts.get("unseen")
        },
    }


def _records(table: Table, index: int) -> dict[str, Any]:
    part = table.parts[index]
    ends = [*(other.start for other in table.parts[1:]), table.n_rows]
    rows, header = ends[index] - part.start, int(table.spec.header)
    counts = {"header": header, "blank": part.blank, "rows": rows}
    return {"name": part.path.name, "records": sum(counts.values()), **counts}


def _rows(prepared: Prepared) -> dict[str, Any]:
    sizes = {name: len(prepared.rows(which)) for which, name in SET_NAMES.items()}
    excluded = sizes.pop(SET_NAMES[EXCLUDED])
    return {"read": prepared.table.n_rows, **sizes, "excluded": {NO_TARGET: excluded}}


def _columns(prepared: Prepared) -> dict[str, Any]:
    """The names by role; an input's role is the way it is read, any other says why it is none."""
    roles: dict[str, list[str]] = {}
    for column in prepared.columns:
        roles.setdefault(column.role, []).append(column.name)
    return {"read": len(prepared.columns), **roles}


def _filled(prepared: Prepared) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cells of each column without a value of their own in the rows used, and their place."""
    table, (layout, fitted) = prepared.table, prepared.features
    rows = room.kept(np.flatnonzero(prepared.sets != EXCLUDED))
    medians = dict(zip(layout.scaled, fitted["feature.impute"].tolist(), strict=True))
    for name in layout.numeric:
        yield name, {"missing": count_gaps(table, name, rows), "taken_for": medians[name]}
    for one in layout.blocks:
        facts = {"missing": count_gaps(table, one.name, rows), "taken_for": _place(one)}
        if not isinstance(one, DateParts):
            facts["unseen"] = sum(unseen_words(one, table.cells(one.name), rows).values())
        yield one.name, facts


def _place(one: Block) -> str:
    """What a missing cell of a column is taken for."""
    match one:
        case Levels():
            return "a category of its own" if one.missing else "unseen"
        case Flag():
            return "neither yes nor no"
        case _:
            return "the median day"
