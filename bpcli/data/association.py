"""How closely two columns go together, whatever they hold: from 0, not at all, to 1.

Two numbers: |Spearman's ρ|. A number and a category: the correlation ratio of the ranks. Two
categories: Cramér's V. The last two lean upwards where there are many categories, and are corrected
for it (Kelley 1935, doi:10.1073/pnas.21.9.554; Bergsma 2013, doi:10.1016/j.jkss.2012.10.002).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bpcli.data.arrays import Floats, Ints
from bpcli.data.layout import FeatureLayout
from bpcli.data.table import Table

MOST = 200  # columns of categories that are compared with all others


class Content(NamedTuple):
    """A column as numbers (N,), NaN for a gap, or as codes of categories (N,), −1 for a gap."""

    numbers: Floats | None
    codes: Ints | None


def contents(table: Table, layout: FeatureLayout, rows: Ints) -> list[Content]:
    """The columns of a layout, in its order."""
    numbers = [Content(table.numbers(name)[rows], None) for name in layout.numeric]
    for one in layout.dates:
        numbers.append(Content(table.days(one.name, one.format)[rows], None))
    for flag in layout.flags:
        cells = table.cells(flag.name)
        numbers.append(Content(np.append(cells.truth, np.nan)[cells.codes[rows]], None))
    categories = [Content(None, table.cells(one.name).codes[rows]) for one in layout.categorical]
    return [*numbers, *categories]


def association(columns: Sequence[Content]) -> Floats:
    """The association of all pairs (C,C), symmetric, with 1 on the diagonal."""
    found = np.eye(len(columns))
    ranked = np.array([ranks(one.numbers) for one in columns if one.numbers is not None])
    numbers = [i for i, one in enumerate(columns) if one.numbers is not None]
    if numbers:
        found[np.ix_(numbers, numbers)] = np.abs(_correlation(ranked))
    categories = [i for i, one in enumerate(columns) if one.codes is not None][:MOST]
    for k, i in enumerate(categories):
        codes = columns[i].codes
        assert codes is not None
        for n, rank in zip(numbers, ranked, strict=True):
            found[i, n] = found[n, i] = _ratio(codes, rank)
        for j in categories[:k]:
            other = columns[j].codes
            assert other is not None
            found[i, j] = found[j, i] = _cramer(codes, other)
    return found


def groups(association: Floats, least: float) -> list[list[int]]:
    """Groups of two columns or more, each pair in them at least so close; in order, greedily."""
    found: list[list[int]] = []
    for i in range(len(association)):
        home = next((g for g in found if all(association[i, j] >= least for j in g)), None)
        if home is None:
            found.append([i])
        else:
            home.append(i)
    return [group for group in found if len(group) > 1]


def ranks(numbers: Floats) -> Floats:
    """Ranks (N,), the mean one of equal numbers and the middle one for a gap."""
    found = pd.Series(numbers).rank().to_numpy(dtype=np.float64)
    return np.where(np.isnan(found), (np.sum(~np.isnan(numbers)) + 1) / 2, found)


def _correlation(rows: Floats) -> Floats:
    """Pearson's r of all pairs of rows; 0 where one is constant."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    r: Floats = np.clip(unit @ unit.T, -1, 1)
    np.fill_diagonal(r, 1)
    return r


def _ratio(codes: Ints, rank: Floats) -> float:
    """The square root of the share of the variance of ranks that lies between the categories."""
    counts = np.bincount(codes + 1)
    present = counts > 0
    n, k = len(codes), int(present.sum())
    total = float(((rank - rank.mean()) ** 2).sum())
    if total == 0 or k < 2 or n <= k:
        return 0.0
    means = np.bincount(codes + 1, rank)[present] / counts[present]
    between = float((counts[present] * (means - rank.mean()) ** 2).sum())
    return float(np.sqrt(max(0.0, 1 - (1 - between / total) * (n - 1) / (n - k))))


def _cramer(first: Ints, second: Ints) -> float:
    counts = pd.crosstab(first, second).to_numpy(dtype=np.float64)
    n, (rows, columns) = counts.sum(), counts.shape
    if min(rows, columns) < 2 or n < 2:
        return 0.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / n
    phi = float(((counts - expected) ** 2 / expected).sum() / n)
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    width = min(k - (k - 1) ** 2 / (n - 1) for k in (rows, columns)) - 1
    return float(np.sqrt(min(1.0, phi / width))) if width > 0 else 0.0
