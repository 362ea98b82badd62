"""How predictions are scored: every metric that measures what the loss predicts."""

from __future__ import annotations

from bpcli.data.targets.numbers import point
from bpcli.metrics.bootstrap import Bootstrap, affordable, bootstrap
from bpcli.metrics.classification import DecisionMetric
from bpcli.metrics.metric import Floats, Metric, Truth, evaluate, metrics_for
from bpcli.nn import room
from bpcli.nn.losses.loss import Loss
from bpcli.nn.random import Purpose, generator

Views = list[tuple[list[Metric], Floats]]  # metrics, each with what it looks at of a prediction


def score(
    loss: Loss, truth: Truth, prediction: Floats, decided: Floats | None = None
) -> dict[str, float]:
    """{metric: value} of the predictions of some rows; metrics not defined on them are absent.

    `decided` is what the target's threshold makes of them, where it has one.
    """
    scores: dict[str, float] = {}
    alike = room.empty((len(truth),))
    alike.fill(1)
    for metrics, seen in metrics_of(loss, prediction, decided):
        scores |= evaluate(metrics, truth, seen, alike)
    return scores


def resample(
    loss: Loss, truth: Truth, prediction: Floats, seed: int, decided: Floats | None = None
) -> Bootstrap:
    """The metrics on resamples of the rows, which are the same for every prediction of them."""
    resamples = affordable(prediction)
    drawn: dict[str, Floats] = {}
    for metrics, seen in metrics_of(loss, prediction, decided):
        rng = generator(seed, Purpose.BOOTSTRAP)
        drawn |= bootstrap(metrics, truth, seen, rng, resamples=resamples).drawn
    return Bootstrap(resamples, drawn)


def metrics_of(loss: Loss, prediction: Floats, decided: Floats | None = None) -> Views:
    """The metrics of a loss: those of the decisions, the others, and those of quantiles."""
    levels = loss.quantiles()
    metrics, seen = metrics_for(loss.predicts), point(prediction, levels)
    views: Views = [(metrics, seen)]
    if decided is not None:
        deciding: list[Metric] = [one for one in metrics if isinstance(one, DecisionMetric)]
        views = [(deciding, decided), ([one for one in metrics if one not in deciding], seen)]
    if levels:
        views.append((metrics_for("quantiles", levels=levels), prediction))
    return views
