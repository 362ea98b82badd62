"""Integrated gradients: a prediction shared out along the way from the reference to the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bpcli.data.arrays import Floats
from bpcli.insight.attribution import Attributions
from bpcli.insight.gradient import Line, slopes
from bpcli.insight.reference import reference
from bpcli.insight.subject import Subject
from bpcli.nn.scoring import BLOCK

STEPS = 100
Choice = Callable[[Floats], Floats]  # predictions (N,M) → how much of each answer: (N,J,M)


def every(prediction: Floats) -> Floats:
    """Each of the M answers by itself: (N,M,M)."""
    width = prediction.shape[1]
    return np.broadcast_to(np.eye(width), (len(prediction), width, width))


def integrated_gradients(
    subject: Subject,
    *,
    choice: Choice = every,
    names: tuple[str, ...] | None = None,
    steps: int = STEPS,
    tell: Callable[[int], object] = lambda done: None,
) -> Attributions:
    """φ_i = (x_i − x'_i) ∫₀¹ ∂f(x' + a (x − x')) / ∂x_i da, x' the reference.

    The integral by Gauss-Legendre quadrature. A block of rows has one size whatever is in it, so
    a row's attributions depend on that row alone. `tell` hears of rows that are done.
    Sundararajan et al. 2017, arXiv:1703.01365
    """
    answer = subject.answer(subject.inputs)
    answers = choice(answer)
    start = subject._replace(inputs=[reference(part.features) for part in subject.ensemble.parts])
    first = start.answer(start.inputs)
    values = np.empty((*answers.shape[:2], len(subject.columns)))
    for rows in _blocks(subject.rows):
        values[rows] = _of_block(subject, start, rows, answers[rows], steps)
        tell(rows.stop)
    return Attributions(
        "integrated gradients",
        subject.columns,
        subject.answers if names is None else names,
        values,
        _sums(answers, answer),
        _sums(answers, np.broadcast_to(first, answer.shape)),
    )


def _sums(answers: Floats, numbers: Floats) -> Floats:
    """The sums (N,J) of M numbers (N,M)."""
    total: Floats = (answers * numbers[:, None]).sum(axis=-1)
    return total


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK))


def _of_block(subject: Subject, start: Subject, rows: slice, answers: Floats, steps: int) -> Floats:
    """The values (n,J,C) of at most BLOCK rows."""
    ensemble, count = subject.ensemble, len(answers)
    x = [_padded(one[rows]) for one in subject.inputs]
    padded = _padded(answers)
    values = np.zeros((BLOCK, answers.shape[1], len(subject.columns)))
    points, weights = np.polynomial.legendre.leggauss(steps)
    for j in range(answers.shape[1]):
        triples = zip(ensemble.parts, start.inputs, x, strict=True)
        lines = [Line(*triple) for triple in triples]
        for point, weight in zip(points, weights, strict=True):
            share = (1 + point) / 2
            scores = [line.scores(share).copy() for line in lines]
            found = slopes(ensemble, scores, padded[:, j : j + 1])
            for line, (slope,) in zip(lines, found, strict=True):
                line.add(slope, weight / 2)
        for part, line in enumerate(lines):
            values[:, j] += subject.by_column(part, line.gains())
    return values[:count]


def _padded(x: Floats) -> Floats:
    padded = np.zeros((BLOCK, *x.shape[1:]))
    padded[: len(x)] = x
    return padded
