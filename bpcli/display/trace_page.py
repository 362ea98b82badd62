"""The trace of a row as a page: sections of formulas and numbers, to be printed in any form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.display.arrays import shown
from bpcli.display.figures import number
from bpcli.experiment.problem import LearningProblem
from bpcli.insight.notation import (
    backward_formula,
    forward_formula,
    loss_formulas,
    update_formula,
)
from bpcli.insight.trace import Changed, Trace
from bpcli.insight.walk import Step

_ELEMENTS = 3  # of a parameter array whose update is written out


class Line(NamedTuple):
    """A named vector or matrix."""

    symbol: str
    values: NDArray[Any]


class Grid(NamedTuple):
    """A table of texts, the first line its head."""

    rows: tuple[tuple[str, ...], ...]


class Part(NamedTuple):
    """One layer, or one thought: its name, its formula, its numbers."""

    title: str
    formula: str
    content: tuple[Line | Grid | str, ...]
    depth: int = 0


class Section(NamedTuple):
    """What one heading stands over."""

    title: str
    parts: tuple[Part, ...]


class Page(NamedTuple):
    """The whole trace."""

    title: str
    facts: str
    sections: tuple[Section, ...]


def page(trace: Trace, problem: LearningProblem, *, everything: bool = False) -> Page:
    """The page of a trace; with `everything` the update of every element."""
    table, optimizer = problem.prepared.table.path.name, problem.config.optimizer
    assert optimizer is not None
    alone = trace.rows == 1
    batch = "alone in its batch" if alone else f"one of the {trace.rows:,} rows of its batch"
    return Page(
        f"Row {trace.row} of {table} in update {trace.update:,} of {trace.updates:,}",
        f"epoch {trace.epoch:,}, {batch}; {optimizer.name}, learning rate η = {trace.rate:.6g}; "
        f"{problem.config.dtype}",
        (
            Section("Input", (Part("", "", (_inputs(trace),)),)),
            Section("Forward pass", tuple(_forward(trace))),
            Section("Loss", (_loss(trace, problem),)),
            Section("Backward pass", tuple(_backward(trace, problem))),
            Section("Parameter update", tuple(_update(trace, problem, everything))),
        ),
    )


def _inputs(trace: Trace) -> Grid:
    rows = [
        (f"x[{i}]", name, cell, number(float(x)))
        for i, ((name, cell), x) in enumerate(zip(trace.inputs, trace.x, strict=True), 1)
    ]
    return Grid((("", "input", "cell", "x"), *rows))


def _forward(trace: Trace) -> Iterator[Part]:
    for step in _inside_first(trace.steps):
        own = step.letters
        parameters = [
            Line(own.parameter(change.name), change.before) for change in _changes_of(trace, step)
        ]
        out = Line(own.y, step.y)
        yield Part(_title(step), forward_formula(step.place, own), (*parameters, out), _depth(step))


def _loss(trace: Trace, problem: LearningProblem) -> Part:
    loss, last = trace.loss, _last(trace)
    formula, _ = loss_formulas(problem.loss, last.letters)
    predicted = "ŷ" if problem.loss.predicts == "numbers" else "p"
    columns = {last.letters.y: loss.scores, predicted: loss.prediction, "t": loss.target}
    names = _names(problem, len(loss.prediction))
    names = [""] * (len(loss.scores) - len(names)) + names  # members have more scores than answers
    told = [
        f"ℓ = {number(loss.value)}",
        f"c = {loss.weight:.6g} is the weight of the row; those of the batch sum to 1",
        f"L = Σ c ℓ = {number(loss.batch)} over the {trace.rows:,} rows of the batch",
    ]
    sentences = told[:1] if trace.rows == 1 else told
    return Part(problem.loss.name, formula, (_grid(("", *names), columns), *sentences))


def _names(problem: LearningProblem, count: int) -> list[str]:
    """What the numbers of a prediction are of."""
    target, levels = problem.prepared.target, problem.loss.quantiles()
    shape = (1, len(target.columns), len(levels)) if levels else (1, count)
    return [name.removeprefix("p_") for name, _ in target.numbers(np.zeros(shape), levels)][-count:]


def _grid(firsts: Sequence[str], columns: Mapping[str, NDArray[Any]]) -> Grid:
    """Vectors beside each other; a shorter one ends where the longest does."""
    cells = [list(firsts)]
    for title, values in columns.items():
        numbers = shown(values.reshape(-1, 1), None)
        gap = [""] * (len(firsts) - 1 - len(values))
        head = f"{title}\n{numbers.factor}".rstrip()
        cells.append([head, *gap, *(row[0] for row in numbers.rows)])
    return Grid(tuple(zip(*cells, strict=True)))


def _backward(trace: Trace, problem: LearningProblem) -> Iterator[Part]:
    last = _last(trace)
    assert last.dy is not None
    _, formula = loss_formulas(problem.loss, last.letters)
    of_the_row = "δ = ∂(c ℓ)/∂…, the part of the row in ∂L/∂…"
    told = (of_the_row,) if trace.rows > 1 else ()
    yield Part(problem.loss.name, formula, (Line(last.letters.dy, last.dy), *told))
    for step in reversed(_inside_first(trace.steps)):
        if step.dy is None:
            continue  # nothing before the first layer with parameters is asked for its gradient
        own = step.letters
        gradients = [
            Line(f"∂L/∂{own.parameter(change.name)}", change.own)
            for change in _changes_of(trace, step)
            if change.trained
        ]
        title, formula = _title(step), backward_formula(step.place, own)
        if step.dx is None:  # nobody asks for the gradient of the data
            formula = formula.partition(", ")[2] if formula.startswith(own.dx) else formula
        passed = [] if step.dx is None else [Line(own.dx, step.dx)]
        yield Part(title, formula, (*gradients, *passed), _depth(step))


def _update(trace: Trace, problem: LearningProblem, everything: bool) -> Iterator[Part]:
    optimizer, config = problem.config.optimizer, problem.config
    assert optimizer is not None and config.regularization is not None
    settings = ", ".join(f"{name} {value}" for name, value in optimizer.model_dump().items())
    settings = f"with {settings}" if settings else ""
    added = {
        "l2 θ": config.regularization.l2,
        "l1 sign(θ)": config.regularization.l1,
    }
    terms = "".join(f" + {value:g} {name[2:].strip()}" for name, value in added.items() if value)
    clipped = ", clipped" if config.clip.norm or config.clip.value else ""
    what = "its row" if trace.rows == 1 else f"all {trace.rows:,} rows of the batch"
    told = [f"g is ∂L/∂θ of {what}{terms}{clipped}"]
    if config.regularization.weight_decay or optimizer.decay():
        told.append("weights shrink before the step, by the decoupled weight decay")
    factors = [c for c in problem.network.slots if c.parameter.rate != 1]
    if factors:
        told.append("some parameters have a factor on η: see `bpcli list layer`")
    yield Part(optimizer.name, update_formula(optimizer), tuple(filter(None, (settings, *told))))
    for change in trace.changes:
        if change.trained:
            yield _written_out(change, trace, everything)


def _written_out(change: Changed, trace: Trace, everything: bool) -> Part:
    """The update of the elements that the row has most to say about, or of all."""
    own, size = trace.steps[change.step].letters, change.gradient.size
    chosen = np.argsort(-np.abs(change.own), axis=None, kind="stable")
    chosen = np.sort(chosen if everything else chosen[:_ELEMENTS])
    places = np.stack(np.unravel_index(chosen, change.gradient.shape), axis=1) + 1
    firsts = [f"{own.parameter(change.name)}[{','.join(map(str, at))}]" for at in places]
    arrays = {
        "θ": change.before,
        **({} if trace.rows == 1 else {"row's g": change.own}),
        "g": change.gradient,
        **change.slots,
        "change": change.after.astype(np.float64) - change.before,
        "new θ": change.after,
    }
    columns = {title: array.reshape(-1)[chosen] for title, array in arrays.items()}
    more = (f"and {size - len(chosen):,} more",) if size > len(chosen) else ()
    return Part("", "", (_grid(("", *firsts), columns), *more))


def _changes_of(trace: Trace, step: Step) -> list[Changed]:
    return [change for change in trace.changes if trace.steps[change.step] is step]


def _inside_first(steps: Sequence[Step]) -> list[Step]:
    """Layers inside another one before it, as numbers flow."""
    order: list[Step] = []
    waiting: list[Step] = []
    for step in steps:
        while waiting and not _is_inside(step, waiting[-1]):
            order.append(waiting.pop())
        waiting.append(step)
    return [*order, *reversed(waiting)]


def _is_inside(step: Step, outer: Step) -> bool:
    return step.place.path[: len(outer.place.path)] == outer.place.path


def _last(trace: Trace) -> Step:
    """The output layer."""
    return next(step for step in reversed(trace.steps) if step.place.depth == 0)


def _depth(step: Step) -> int:
    return step.place.depth


def _title(step: Step) -> str:
    """`3 dense, 16 → 16`"""
    sizes = f"{_size(step.x)} → {_size(step.y)}"
    return f"{step.place.number} {step.place.layer.name}, {sizes}"


def _size(values: NDArray[Any]) -> str:
    return " × ".join(map(str, values.shape))
