"""Rows that stand more than once, contradict each other, or belong together across the split."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from bpcli.config.errors import Notice
from bpcli.data.arrays import Floats, Ints, Sets
from bpcli.data.association import ranks
from bpcli.data.prepare import Prepared
from bpcli.data.roles import Column, is_id_name
from bpcli.data.sets import times_of
from bpcli.data.split import HELD_OUT, TRAIN
from bpcli.data.suspicions import same_rows
from bpcli.nn.random import Purpose, generator

TOGETHER = 0.5  # correlation of the targets of neighbours in time
_FEW = 2  # rows of a value, from which a column may name groups
_NAMED = 20  # rows, from which neighbours say something
_SHARE = 0.01  # of the rows; below it nothing is said


def repeated(prepared: Prepared) -> Iterator[Notice]:
    """Rows that stand several times, target and all."""
    used = np.flatnonzero(prepared.sets >= 0)
    names = [*prepared.features.layout.columns, *prepared.target.columns]
    group = same_rows(prepared.table, names)[used]
    more = len(group) - len(np.unique(group))
    if more > _SHARE * len(group):
        what = f"{more} of {len(group)} rows repeat another one, inputs and target"
        fix = "remove them, or count them by a column of weights (data.weight)"
        yield Notice("BP-A004", prepared.table.path.name, what, fix)


def contradicting(prepared: Prepared) -> Iterator[Notice]:
    """Rows with the same inputs and different targets: no model is right about all of them."""
    used = np.flatnonzero(prepared.sets >= 0)
    inputs = list(prepared.features.layout.columns)
    group = same_rows(prepared.table, inputs)[used]
    both = same_rows(prepared.table, [*inputs, *prepared.target.columns])[used]
    pairs = np.unique(np.stack([group, both], axis=1), axis=0)
    several = np.flatnonzero(np.bincount(pairs[:, 0]) > 1)
    count = int(np.isin(group, several).sum())
    if count > _SHARE * len(group):
        what = f"{count} of {len(group)} rows have inputs that stand with different targets"
        fix = "look for a missing column, or for wrong targets; no model can be right about all"
        yield Notice("BP-A005", prepared.table.path.name, what, fix)


def crossing_groups(prepared: Prepared) -> Iterator[Notice]:
    """Columns that name things with several rows each, which stand in training and held out."""
    table, sets = prepared.table, prepared.sets
    for name in filter(None, map(_thing, prepared.columns)):
        codes = table.cells(name).codes
        used = (sets >= 0) & (codes >= 0)
        held = used & np.isin(sets, HELD_OUT)
        count = len(np.unique(codes[used]))
        if not held.any() or np.sum(used) < _FEW * count or count < _FEW:
            continue
        share = float(np.isin(codes[held], codes[used & (sets == TRAIN)]).mean())
        if share > _SHARE:
            what = f"{100 * share:.0f} % of the rows held out share their {name!r} with training "
            what += f"rows ({count} different in {np.sum(used)} rows)"
            key = json.dumps(name, ensure_ascii=False)
            fix = f"if rows of one {name!r} are alike, set data.group: {key}"
            yield Notice("BP-A006", table.path.name, what, fix)


def _thing(column: Column) -> str:
    """The name of a column that may name things; nothing of another."""
    called = column.role == "categorical" and is_id_name(column.name)
    return column.name if called or column.role in ("id", "text", "group") else ""


def crossing_time(prepared: Prepared, method: str) -> Iterator[Notice]:
    """Dates whose neighbours have like targets, while rows held out lie among training rows."""
    table, used = prepared.table, prepared.sets >= 0
    dated = [column.name for column in prepared.columns if column.role in ("date", "time")]
    for name in dated if method != "time" else ():
        times = times_of(table, name)
        rows = np.flatnonzero(used & ~np.isnan(times))
        if len(rows) < _NAMED or not _among(times, prepared.sets):
            continue
        by_chance = generator(0, Purpose.PERMUTATION).permutation(rows)  # within one time
        likeness = _likeness(prepared, by_chance[np.argsort(times[by_chance], kind="stable")])
        if likeness >= TOGETHER:
            what = f"rows next to each other in {name!r} have like targets (correlation "
            what += f"{likeness:.2f}), and rows held out lie between training rows"
            key = json.dumps(name, ensure_ascii=False)
            fix = f"to be judged by the future, set data.time: {key}"
            yield Notice("BP-A007", table.path.name, what, fix)


def _among(times: Floats, sets: Sets) -> bool:
    """Whether some rows held out are older than the newest training row."""
    known = ~np.isnan(times)
    train, held = times[known & (sets == TRAIN)], times[known & np.isin(sets, HELD_OUT)]
    return bool(len(train) and len(held) and held.min() < train.max())


def _likeness(prepared: Prepared, rows: Ints) -> float:
    """The mean correlation of the targets of each row and the next one."""
    found = []
    for column in prepared.t[rows].T:
        rank = ranks(column)
        if np.ptp(rank[1:]) > 0 and np.ptp(rank[:-1]) > 0:
            found.append(float(np.corrcoef(rank[1:], rank[:-1])[0, 1]))
    return float(np.mean(found)) if found else 0.0
