"""How predictions move with one column: partial dependence, ICE and accumulated local effects.

A column is put at values that the rows hold, at quantiles of them, so no value is made up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Floats, Ints
from bpcli.data.association import Content
from bpcli.insight.subject import Subject

POINTS = 20
CURVES = 50  # rows whose own curves are kept


class Effect(NamedTuple):
    """Of a column at G values, for M answers."""

    column: str
    values: tuple[str, ...]  # G cells
    numbers: Floats | None  # (G,) what the cells are, where they are numbers, dates, yes and no
    dependence: Floats  # (G,M), the mean prediction with all rows at the value
    curves: Floats  # (rows,G,M), single rows: ICE
    curve_rows: Ints  # their numbers
    local: Floats | None  # (G,M), accumulated local effects, mean 0; None of categories


def effect(subject: Subject, column: int, content: Content, words: list[str]) -> Effect:
    """The effect of a column; `content` and `words` are its cells in the rows.

    Friedman 2001, doi:10.1214/aos/1013203451; Goldstein et al. 2015, arXiv:1309.6392; Apley & Zhu
    2020, arXiv:1612.08468
    """
    at = _places(content)
    taken = np.zeros(len(subject.columns), dtype=bool)
    taken[column] = True
    put = [subject.answer(subject.mixed([x[[row]] for x in subject.inputs], taken)) for row in at]
    every = np.stack(put, axis=1)  # (N,G,M)
    shown = np.unique(np.linspace(0, subject.rows - 1, min(CURVES, subject.rows)).astype(np.int64))
    numbers = None if content.numbers is None else content.numbers[at]
    return Effect(
        subject.columns[column],
        tuple(words[row] for row in at),
        numbers,
        every.mean(axis=0),
        every[shown],
        shown,
        None if content.numbers is None else _accumulated(every, content.numbers, at),
    )


def _places(content: Content) -> Ints:
    """Rows that hold the values: at quantiles of the numbers, or the most frequent categories."""
    if content.numbers is not None:
        present = np.flatnonzero(~np.isnan(content.numbers))
        order = present[np.argsort(content.numbers[present], kind="stable")]
        first = order[np.concatenate([[True], np.diff(content.numbers[order]) > 0])]
        if len(first) <= POINTS:
            return np.array(first, dtype=np.int64)
        picked = order[np.linspace(0, len(order) - 1, POINTS).round().astype(np.int64)]
        _, once = np.unique(content.numbers[picked], return_index=True)
        places: Ints = picked[once]
        return places
    assert content.codes is not None
    codes, first, counts = np.unique(content.codes, return_index=True, return_counts=True)
    known = codes >= 0
    first, counts = first[known], counts[known]
    return np.array(first[np.argsort(-counts, kind="stable")][:POINTS], dtype=np.int64)


def _accumulated(every: Floats, numbers: Floats, at: Ints) -> Floats:
    """The mean step between neighbouring values over the rows between them, summed up and centred
    on the mean over all rows (G,M)."""
    edges = numbers[at]
    if len(edges) < 2:
        return np.zeros(every.shape[1:])
    between = np.clip(np.searchsorted(edges, numbers, side="left") - 1, 0, len(edges) - 2)
    rows = np.flatnonzero(~np.isnan(numbers))
    steps = np.zeros((len(edges) - 1, every.shape[2]))
    counts = np.bincount(between[rows], minlength=len(steps))
    for k in np.flatnonzero(counts):
        own = rows[between[rows] == k]
        steps[k] = (every[own, k + 1] - every[own, k]).mean(axis=0)
    height = np.concatenate([np.zeros((1, every.shape[2])), np.cumsum(steps, axis=0)])
    middle = (height[1:] + height[:-1]) / 2
    centred: Floats = height - (counts @ middle) / counts.sum()
    return centred
