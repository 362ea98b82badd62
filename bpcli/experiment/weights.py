"""Row weights of the training loss."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bpcli.config.errors import ConfigError, Problem, did_you_mean, listing
from bpcli.data.arrays import Floats, Ints
from bpcli.data.prepare import Prepared
from bpcli.data.targets.classes import ClassTarget

ClassWeight = Literal["balanced"] | dict[str, float] | None


def row_weights(class_weight: ClassWeight, prepared: Prepared, rows: Ints) -> Floats | None:
    """c (N,) with mean 1, from data.weight and class_weight; None where every row counts the same.

    Raises ConfigError for a class that the target does not have.
    """
    own = None if prepared.weights is None else prepared.weights[rows]
    by_class = _class_weights(class_weight, prepared, rows)
    if own is None or by_class is None:
        c = own if by_class is None else by_class
    else:
        c = own * by_class
    return None if c is None else c / c.mean()


def _class_weights(class_weight: ClassWeight, prepared: Prepared, rows: Ints) -> Floats | None:
    if class_weight is None:
        return None
    if not isinstance(prepared.target, ClassTarget):
        what = f"class weights need classes, {prepared.task} has none that exclude each other"
        fix = "remove class_weight, or weigh rows by a column: data.weight"
        raise ConfigError(Problem("BP-C055", "class_weight", what, fix))
    codes = prepared.target.truth(prepared.table)[rows]
    c: Floats = _weights_of(class_weight, prepared.target, codes)[codes]
    return c


def _weights_of(
    class_weight: Literal["balanced"] | dict[str, float], target: ClassTarget, codes: Ints
) -> Floats:
    """The weight of each class (C,)."""
    if class_weight == "balanced":
        return 1 / np.bincount(codes, minlength=target.width)
    unknown = [name for name in class_weight if name not in target.classes]
    if unknown:
        what = f"there is no class {unknown[0]!r}{did_you_mean(unknown[0], target.classes)}"
        fix = f"the classes are {listing(target.classes)}"
        raise ConfigError(Problem("BP-C056", "class_weight", what, fix))
    return np.array([class_weight.get(name, 1.0) for name in target.classes])
