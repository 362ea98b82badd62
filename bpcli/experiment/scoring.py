"""How predictions are scored: every metric that measures what the loss predicts."""

from __future__ import annotations

from bpcli.data.targets.numbers import point
from bpcli.metrics.bootstrap import Bootstrap, affordable, bootstrap
from bpcli.metrics.metric import Floats, Metric, Truth, evaluate, metrics_for
from bpcli.nn.losses.loss import Loss
from bpcli.nn.random import Purpose, generator

Views = list[tuple[list[Metric], Floats]]  # metrics, each with what it looks at of a prediction


def score(loss: Loss, truth: Truth, prediction: Floats) -> dict[str, float]:
    """{metric: value} of the predictions of some rows; metrics not defined on them are absent."""
    scores: dict[str, float] = {}
    for metrics, seen in metrics_of(loss, prediction):
        scores |= evaluate(metrics, truth, seen)
    return scores


def resample(loss: Loss, truth: Truth, prediction: Floats, seed: int) -> Bootstrap:
    """The metrics on resamples of the rows, which are the same for every prediction of them."""
    resamples = affordable(prediction)
    drawn: dict[str, Floats] = {}
    for metrics, seen in metrics_of(loss, prediction):
        rng = generator(seed, Purpose.BOOTSTRAP)
        drawn |= bootstrap(metrics, truth, seen, rng, resamples=resamples).drawn
    return Bootstrap(resamples, drawn)


def metrics_of(loss: Loss, prediction: Floats) -> Views:
    """The metrics of a loss; of quantiles those of the median, and those of all levels."""
    levels = loss.quantiles()
    views: Views = [(metrics_for(loss.predicts), point(prediction, levels))]
    if levels:
        views.append((metrics_for("quantiles", levels=levels), prediction))
    return views
