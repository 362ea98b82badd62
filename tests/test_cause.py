"""The likely cause of a divergence: an input, the target, or the rate."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.experiment.cause import Scaling, likely_cause
from bpcli.nn.batches import Rows
from bpcli.nn.layer import Array


def rows(**changes: float) -> Rows:
    """Twenty rows of ordinary numbers; one input or target of the fourth row is another."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(1, 20, 3)), rng.normal(size=(1, 20, 1))
    places: dict[str, tuple[Array, int]] = {"second": (x, 1), "target": (t, 0)}
    for name, value in changes.items():
        array, column = places[name]
        array[0, 3, column] = value
    return Rows(x, t)


RAW, SCALED = Scaling("abc", False, "y", False), Scaling("abc", True, "y", True)


@pytest.mark.parametrize(
    ("data", "scaling", "cause", "fix"),
    [
        (rows(second=-2500), RAW, "column 'b' is not scaled, its numbers reach 2500", "standard"),
        (rows(second=4e5), SCALED, "column 'b' reaches 4e+05 after scaling", "robust"),
        (rows(second=4e5), None, "input 2 reaches 4e+05 after scaling", "robust"),
        (rows(second=np.nan), SCALED, "column 'b' reaches inf after scaling", "wrong cells"),
        (
            rows(target=7e3),
            RAW,
            "the target 'y' reaches 7000 and is not scaled",
            "target: standard",
        ),
        (rows(target=7e3), SCALED, "the target 'y' reaches 7000 after scaling", "wrong cells"),
        (rows(second=500, target=7e3), RAW, "column 'b' is not scaled", "numeric: standard"),
        (rows(), RAW, "the learning rate is too high", "lower learning_rate (to 0.3)"),
        (rows(), SCALED, "the learning rate is too high", "clip: {norm: 1}"),
    ],
)
def test_likely_cause(data: Rows, scaling: Scaling | None, cause: str, fix: str) -> None:
    said, way_out = likely_cause(data, scaling, 3.0)
    assert said.startswith(cause)
    assert fix in way_out
