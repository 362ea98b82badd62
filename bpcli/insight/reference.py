"""The row that attributions start from: one about which nothing is known."""

from __future__ import annotations

import numpy as np

from bpcli.data.arrays import Floats
from bpcli.data.features import Features
from bpcli.data.layout import OneHot


def reference(features: Features) -> Floats:
    """Its inputs (1,I): numbers at the medians of training, categories unseen, the rest halfway.

    The model file holds all of it, so a row's attributions do not depend on other rows.
    """
    layout = features.layout
    x = np.zeros((1, len(layout.names)))
    scaler = {name: features.fitted[f"feature.{name}"] for name in layout.scaler.tensors()}
    x[:, : len(layout.scaled)] = layout.scaler.apply(
        features.fitted["feature.impute"][None], scaler
    )
    stop = len(layout.scaled) + len(layout.indicators)
    for one in layout.blocks:
        stop += len(one.inputs)
        if isinstance(one, OneHot):
            x[:, stop - 1] = 1
    return x
