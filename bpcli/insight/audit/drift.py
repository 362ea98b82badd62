"""Whether the rows held out look like those trained on, column by column."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

import numpy as np

from bpcli.config.errors import Notice
from bpcli.data.arrays import Floats, Ints
from bpcli.data.association import Content, contents
from bpcli.data.prepare import Prepared
from bpcli.data.split import HELD_OUT, SET_NAMES, TRAIN

RARE = 1e-3  # probability of any alarm where nothing differs, over all columns
LEAST = 0.1  # distance, from which it is said


def drift(prepared: Prepared) -> Iterator[Notice]:
    """Columns whose cells are distributed otherwise in a set than among the training rows.

    Numbers by the largest distance D of the cumulative distributions (Kolmogorov-Smirnov),
    categories by half the sum of the differences of their shares.
    """
    layout, table = prepared.features.layout, prepared.table
    names = layout.columns
    train = contents(table, layout, prepared.rows(TRAIN))
    for which in HELD_OUT:
        rows = prepared.rows(which)
        if not len(rows):
            continue
        pairs = zip(names, train, contents(table, layout, rows), strict=True)
        for name, ours, theirs in pairs:
            distance, chance = _distance(ours, theirs)
            if distance >= LEAST and chance * len(names) < RARE:
                what = f"column {name!r} differs between training and {SET_NAMES[which]} rows: "
                what += f"distance {distance:.2f}, by chance p = {chance:.1g}"
                fix = "ask which rows the model is for; scores of such rows say little of others"
                yield Notice("BP-A008", table.path.name, what, fix)


def _distance(ours: Content, theirs: Content) -> tuple[float, float]:
    """The distance from 0 to 1, and the probability of so large a one where nothing differs."""
    if ours.numbers is not None and theirs.numbers is not None:
        return _kolmogorov(_present(ours.numbers), _present(theirs.numbers))
    assert ours.codes is not None and theirs.codes is not None
    return _total_variation(ours.codes, theirs.codes)


def _present(numbers: Floats) -> Floats:
    """The numbers in order; a gap counts as lower than any."""
    return np.sort(np.where(np.isnan(numbers), -np.inf, numbers))


def _kolmogorov(first: Floats, second: Floats) -> tuple[float, float]:
    """The two-sample statistic with its asymptotic probability, an upper bound 2 e^(−2 n D²)."""
    every = np.concatenate([first, second])
    shares = [np.searchsorted(one, every, side="right") / len(one) for one in (first, second)]
    distance = float(np.abs(shares[0] - shares[1]).max())
    size = len(first) * len(second) / len(every)
    return distance, min(1.0, 2 * exp(-2 * size * distance**2))


def _total_variation(first: Ints, second: Ints) -> tuple[float, float]:
    """Half the sum of |differences of shares|, with a bound by its mean and McDiarmid."""
    size = int(max(first.max(initial=-1), second.max(initial=-1))) + 2
    counts = [np.bincount(one + 1, minlength=size) for one in (first, second)]
    shares = [one / one.sum() for one in counts]
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    both = (counts[0] + counts[1]) / (len(first) + len(second))
    scale = 1 / len(first) + 1 / len(second)
    usual = float(np.sqrt(both * (1 - both) * scale).sum() / 2)  # above the mean of the distance
    beyond = max(0.0, distance - usual)
    return distance, exp(-2 * beyond**2 / scale)
