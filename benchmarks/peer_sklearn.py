"""scikit-learn's MLPClassifier: python benchmarks/peer_sklearn.py WORKLOAD

Of two classes it makes one logistic output, so its net is a little smaller there.
"""

from __future__ import annotations

import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from workloads import (
    BETA1,
    BETA2,
    EPSILON,
    LEARNING_RATE,
    Weights,
    asked,
    report,
    seconds_per_step,
)


def main() -> None:
    workload = asked()
    warnings.simplefilter("ignore", ConvergenceWarning)
    x, y = workload.data()
    start = comparable(workload.start())
    model = MLPClassifier(
        hidden_layer_sizes=workload.sizes[1:-1],
        activation=workload.activation,
        solver="adam",
        alpha=0,
        batch_size=workload.batch,
        learning_rate_init=LEARNING_RATE,
        beta_1=BETA1,
        beta_2=BETA2,
        epsilon=EPSILON,
        shuffle=False,
        tol=0,
        n_iter_no_change=10**9,
        early_stopping=False,
    )
    classes = np.arange(workload.sizes[-1])
    model.partial_fit(x[: workload.batch], y[: workload.batch], classes=classes)

    def reset() -> None:
        model.coefs_ = [w.copy() for w, _ in start]
        model.intercepts_ = [b.copy() for _, b in start]
        del model._optimizer  # made anew at the next call, on these arrays

    def block() -> None:
        model.partial_fit(x, y)  # one pass over the rows in batches, in the given order

    with sklearn.config_context(assume_finite=True):
        seconds = seconds_per_step(workload, reset, block)
    weights = list(zip(model.coefs_, model.intercepts_, strict=True))
    assert all(w.dtype == np.float32 for w in model.coefs_)
    report(seconds, workload.loss(weights), version=sklearn.__version__)


def comparable(weights: Weights) -> Weights:
    """The same start for one logistic output: the difference of the two."""
    *hidden, (w, b) = weights
    if w.shape[1] != 2:
        return weights
    return [*hidden, (w[:, 1:] - w[:, :1], b[1:] - b[:1])]


if __name__ == "__main__":
    main()
