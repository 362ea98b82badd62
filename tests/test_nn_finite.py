"""Every loss is finite, with its gradient, for all finite scores and targets whose squares fit."""

from __future__ import annotations

import numpy as np
import pytest
from components import parametrize
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.nn.layer import Array, Views
from bpcli.nn.losses.loss import Loss

LARGEST = {"float32": 1e18, "float64": 1e150}
SUM = {"float32": 1e-6, "float64": 1e-12}  # how far a sum of probabilities may be from 1
ROWS, WIDTH = 3, 2


def numbers(dtype: str, count: int) -> st.SearchStrategy[list[float]]:
    """Any finite numbers, the smallest, the largest and both zeros among them."""
    most, width = LARGEST[dtype], {"float32": 32, "float64": 64}[dtype]
    most = float(np.array(most, dtype))
    edges = st.sampled_from([0.0, -0.0, most, -most, 5e-324 if width == 64 else 2.0**-149])
    return st.lists(
        edges | st.floats(-most, most, width=width),  # type: ignore[arg-type]
        min_size=count,
        max_size=count,
    )


def targets(loss: Loss, drawn: list[float], dtype: str) -> Array:
    """Targets (1,B,O) that the loss can have: numbers, one-hot classes, or yes and no."""
    t = np.array(drawn, dtype).reshape(1, ROWS, WIDTH)
    if loss.predicts == "numbers":
        return np.maximum(t, loss.lowest)
    yes = (t > 0).astype(dtype)
    if loss.predicts == "clusters":
        return loss.targets(t[0], yes[0])[None]
    if loss.predicts == "classes" and loss.outputs(WIDTH) == WIDTH:
        yes[..., 1] = 1 - yes[..., 0]
    return yes[..., -loss.outputs(WIDTH) :]


@pytest.mark.parametrize("dtype", LARGEST)
@parametrize("loss", Loss)
def test_loss_gradient_and_prediction_are_finite(loss: Loss, dtype: str) -> None:
    outputs = loss.outputs(WIDTH)

    @settings(max_examples=200, derandomize=True, deadline=None)
    @given(numbers(dtype, ROWS * outputs), numbers(dtype, ROWS * WIDTH))
    def check(scores: list[float], drawn: list[float]) -> None:
        z = np.array(scores, dtype).reshape(1, ROWS, outputs)
        s = Views(
            **{n: np.empty((1, ROWS, *one), dtype) for n, one in loss.scratch(outputs).items()}
        )
        with np.errstate(all="ignore"):  # as the trainer does; what counts is what comes out
            value = loss.value(
                z, targets(loss, drawn, dtype), np.full((1, 1, 1), 1 / ROWS, dtype), s
            )
            link = loss.link(z.copy())
        assert np.isfinite(value).all()
        assert np.isfinite(s.dz).all()
        if loss.predicts == "clusters":
            assert (link >= 0).all()
        elif loss.predicts != "numbers":
            assert ((link >= 0) & (link <= 1)).all()
        if loss.predicts == "classes" and outputs == WIDTH:
            assert np.abs(link.sum(axis=-1) - 1).max() <= SUM[dtype]

    check()
