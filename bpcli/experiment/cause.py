"""Why training diverged, as far as the numbers it saw can tell, and what to change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import Problem
from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array
from bpcli.nn.room import cut_rows
from bpcli.nn.stepper import Epoch

LARGE = 100.0  # scaled columns stay far below
WATCHED = "validation loss"  # what of a training that is not finite, beside what the engine names


class Scaling(NamedTuple):
    """What the inputs and the targets are called, and whether they were scaled."""

    inputs: Sequence[str]
    inputs_scaled: bool
    targets: Sequence[str]
    target_scaled: bool


def unscored(epoch: Epoch, replica: int) -> Diverged:
    """The validation loss is not finite after an epoch."""
    rate = float(epoch.rate[replica])
    return Diverged(WATCHED, replica, epoch.iteration, rate, math.nan, "")


def divergence(
    diverged: Diverged, rows: Rows, scaling: Scaling, halvings: Sequence[int] = ()
) -> Problem:
    """What to tell the user of a training that diverged for good; `rows` are those it shows on."""
    before = diverged.loss_before
    history = "" if np.isnan(before) else f", after a loss of {before:.4g}"
    halved = f"; the rate was halved {len(halvings)} times" if halvings else ""
    verb = "are" if diverged.what == "weights" else "is"
    cause, fix = likely_cause(rows, scaling, diverged.rate)
    watched = diverged.what == WATCHED
    what = (
        f"the {'' if watched else 'training '}{diverged.what} {verb} no longer finite{history}, "
        f"at learning rate {diverged.rate:g}"
    )
    begins = "" if watched else f"; it begins in {diverged.layer}"
    where, end = f"iteration {diverged.iteration}", f"{begins}{halved}; likely cause: {cause}"
    return Problem("BP-N002" if watched else "BP-N001", where, what + end, fix)


def likely_cause(rows: Rows, scaling: Scaling | None, rate: float) -> tuple[str, str]:
    """(the cause, what to change): the largest input, the target, or else the rate."""
    inputs, targets = _largest(rows.x), _largest(rows.t)
    if inputs.max() > LARGE:
        column, most = int(inputs.argmax()), float(inputs.max())
        name = f"column {scaling.inputs[column]!r}" if scaling else f"input {column + 1}"
        if scaling and not scaling.inputs_scaled:
            fix = "scale the columns (preprocess: {numeric: standard})"
            return f"{name} is not scaled, its numbers reach {most:.4g}", fix
        fix = "look for wrong cells in it, or use preprocess: {numeric: robust}"
        return f"{name} reaches {most:.4g} after scaling", fix
    if targets.max() > LARGE:
        name = f"the target {scaling.targets[int(targets.argmax())]!r}" if scaling else "the target"
        scaled = scaling is not None and scaling.target_scaled
        state = "after scaling" if scaled else "and is not scaled"
        fix = "scale it (preprocess: {target: standard}), or look for wrong cells in it"
        return f"{name} reaches {targets.max():.4g} {state}", fix
    fix = f"lower learning_rate (to {rate / 10:.2g}), or clip the gradient (clip: {{norm: 1}})"
    return "the learning rate is too high", fix


def _largest(arrays: Array) -> Array:
    """The largest size in each column of (1|R,N,I); a number that is not finite counts as most."""
    _, n, width = arrays.shape
    blocks = (np.abs(arrays[:, own]) for own in cut_rows(n, width * len(arrays)))
    most: Array = np.max([np.nan_to_num(b, nan=np.inf).max(axis=(0, 1)) for b in blocks], axis=0)
    return most
