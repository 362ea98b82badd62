"""Shapley values: what a column adds to a prediction, averaged over the orders of all columns.

A column that is not in yet has the value of a background row, and the prediction is the mean over
the background. Shapley 1953; Štrumbelj & Kononenko 2014, doi:10.1007/s10115-013-0679-x
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np

from bpcli.data.arrays import Flags, Floats, Ints
from bpcli.insight.attribution import Attributions
from bpcli.insight.subject import Subject
from bpcli.nn.random import Purpose, generator

EXACT = 12  # columns, to which all 2^C coalitions are asked for
ORDERS = 16  # of each background row, above
_AT_ONCE = 1 << 14  # rows in a prediction


def shapley_values(
    subject: Subject,
    background: Subject,
    seed: int,
    *,
    exact: int = EXACT,
    orders: int = ORDERS,
    tell: Callable[[int], object] = lambda done: None,
) -> Attributions:
    """φ_i = Σ_S |S|! (C − |S| − 1)! / C! (v(S ∪ i) − v(S)) over the coalitions S of other columns.

    Above `exact` columns the mean over `orders` drawn orders and their reverses for each background
    row, with its standard error. Either way the sum is exactly prediction − baseline.
    """
    answer = subject.answer(subject.inputs)
    baseline = background.answer(background.inputs).mean(axis=0)
    width = answer.shape[1]
    values = np.empty((subject.rows, width, len(subject.columns)))
    sampled = len(subject.columns) > exact
    errors = np.empty_like(values) if sampled else None
    for i in range(subject.rows):
        row = subject.take(np.array([i]))
        if errors is None:
            values[i] = _exact(row, background, width)
        else:
            values[i], errors[i] = _sampled(row, background, width, orders, seed)
        tell(i + 1)
    baselines = np.broadcast_to(baseline, answer.shape)
    kind = "Shapley values, sampled" if sampled else "Shapley values, exact"
    return Attributions(kind, subject.columns, subject.answers, values, answer, baselines, errors)


def _exact(row: Subject, background: Subject, width: int) -> Floats:
    """(M,C) from v of all coalitions."""
    count = len(row.columns)
    coalitions = np.arange(1 << count)
    taken = (coalitions[:, None] >> np.arange(count)) & 1 == 1
    v = _worth(row, background, taken[:, None], width).mean(axis=1)
    size = taken.sum(axis=1)
    weights = [factorial(s) * factorial(count - s - 1) / factorial(count) for s in range(count)]
    values = np.empty((width, count))
    for i in range(count):
        without = coalitions[~taken[:, i]]
        gain = v[without | (1 << i)] - v[without]
        values[:, i] = np.array(weights)[size[without]] @ gain
    return values


def _sampled(
    row: Subject, background: Subject, width: int, orders: int, seed: int
) -> tuple[Floats, Floats]:
    """The mean (M,C) over orders, and its standard error; an order and its reverse are one draw."""
    rng, some = generator(seed, Purpose.PERMUTATION), np.arange(len(row.columns))
    draws = np.empty((orders, background.rows, width, len(some)))
    for draw in draws:
        forth = rng.permuted(np.tile(some, (background.rows, 1)), axis=1)
        walks = [_walk(row, background, order, width) for order in (forth, forth[:, ::-1])]
        draw[...] = (walks[0] + walks[1]) / 2
    # Each background row has its draws, so that the spread between those rows is no error.
    variance = draws.var(axis=0, ddof=1).sum(axis=0) / (orders * background.rows**2)
    return draws.mean(axis=(0, 1)), np.sqrt(variance)


def _walk(row: Subject, background: Subject, order: Ints, width: int) -> Floats:
    """What each column adds (B,M,C) when they come in an order (B,C) for each background row."""
    count = order.shape[1]
    place = np.argsort(order, axis=1)
    taken = place < np.arange(count + 1)[:, None, None]
    gains = np.diff(_worth(row, background, taken, width), axis=0)  # (C,B,M), in the order
    every = np.take_along_axis(gains, place.T[..., None], axis=0)
    return np.moveaxis(every, 0, -1)


def _worth(row: Subject, background: Subject, taken: Flags, width: int) -> Floats:
    """The answers (K,B,M) where the row's columns of K coalitions (K,B|1,C) are taken."""
    per = max(1, _AT_ONCE // background.rows)
    parts = []
    for start in range(0, len(taken), per):
        some = taken[start : start + per]
        own = np.broadcast_to(some, (len(some), background.rows, some.shape[-1]))
        each = [np.tile(x, (len(some), 1)) for x in background.inputs]
        many = background._replace(inputs=each)
        parts.append(many.answer(many.mixed(row.inputs, own.reshape(-1, own.shape[-1]))))
    return np.concatenate(parts).reshape(len(taken), background.rows, width)
