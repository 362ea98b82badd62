"""The equation of a linear model, in the units of the data."""

from __future__ import annotations

import numpy as np

from bpcli.data.targets.numbers import RegressionTarget
from bpcli.experiment.predictor import Predictor
from bpcli.metrics.metric import Floats
from bpcli.nn.layers import Dense


def coefficients(predictor: Predictor) -> dict[str, float] | None:
    """{column: slope, "intercept": value} of a linear regression on numeric columns, else None.

    The slopes are differences of predictions at 0 and at 1 in one column, so every scaling on the
    way is undone.
    """
    layout = predictor.features.layout
    linear = all(isinstance(layer, Dense) for layer in predictor.network.layers)
    numbers = isinstance(predictor.target, RegressionTarget)
    single = predictor.network.out_shape == (1,)
    if not (linear and numbers and single and layout.names == layout.numeric):
        return None
    raw = np.vstack([np.zeros(len(layout.names)), np.eye(len(layout.names))])
    at = _predictions(predictor, raw)
    slopes = at[1:] - at[0]
    if not np.allclose(_predictions(predictor, 2 * raw)[1:] - at[0], 2 * slopes, rtol=1e-6):
        return None  # the scaling bends the line
    named = dict(zip(layout.names, slopes.tolist(), strict=True))
    return {**named, "intercept": float(at[0])}


def _predictions(predictor: Predictor, raw: Floats) -> Floats:
    features = predictor.features
    scaler = features.layout.scaler
    fitted = {name: features.fitted[f"feature.{name}"] for name in scaler.tensors()}
    return predictor.predict_inputs(scaler.apply(raw, fitted))[:, 0]
