"""When training ends and which epoch is the best: exactly which epoch, for each rule."""

from __future__ import annotations

from typing import Any

import pytest

from bpcli.experiment.parts import StopSpec
from bpcli.experiment.stopping import Record, StopRule
from bpcli.metrics.classification import Accuracy
from bpcli.metrics.metric import Metric
from bpcli.metrics.regression import RMSE

FALLING_AND_FLAT = [5.0, 4.0, 3.0, 2.9, 2.85, 2.84, 2.83]


def judged(
    spec: StopSpec, losses: list[float], metric: Metric | None = None, **others: list[float]
) -> tuple[int, int, str]:
    """The epoch in which training ends (0 if never), the best one until then, and the reason."""
    rule = StopRule(spec, metric)
    for k, loss in enumerate(losses):
        values: dict[str, Any] = {name: column[k] for name, column in others.items()}
        values = {"validation_metric": None, "gradient_norm": 1.0, "seconds": 0.0} | values
        values = {"train_loss": loss, "validation_loss": loss if metric else None} | values
        _, reason = rule.judge(Record(epoch=k + 1, iteration=10 * (k + 1), rate=0.1, **values))
        if reason:
            return k + 1, rule.best_epoch, reason
    return 0, rule.best_epoch, ""


@pytest.mark.parametrize(
    ("settings", "ends", "best"),
    [
        ({}, 0, 7),
        ({"patience": 1}, 0, 7),
        ({"patience": 2, "min_delta": 0.5}, 5, 3),  # 2.9 and 2.85 are not 0.5 below 3.0
        ({"patience": 3, "min_delta": 0.5}, 6, 3),
        ({"patience": 3, "min_delta": 0.15}, 0, 6),  # small gains add up: 2.84 is 0.16 below 3.0
        ({"patience": 1, "min_delta": 1.0}, 2, 1),  # 4.0 is not more than 1.0 below 5.0
        ({"threshold": 2.9}, 5, 5),  # below, not at
        ({"threshold": 0.1}, 0, 7),
    ],
)
def test_rules_of_the_loss(settings: dict[str, Any], ends: int, best: int) -> None:
    assert judged(StopSpec(**settings), FALLING_AND_FLAT)[:2] == (ends, best)


def test_a_loss_that_rises_and_falls_again() -> None:
    losses = [3.0, 2.0, 2.5, 2.4, 1.9, 2.2, 2.2, 2.2]
    assert judged(StopSpec(patience=3), losses)[:2] == (8, 5)
    assert judged(StopSpec(patience=2), losses)[:2] == (4, 2)


def test_which_loss_is_monitored() -> None:
    """The validation loss where there is one, unless the config names the other."""
    rising, falling = [1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]
    for monitor, ends in (("auto", 3), ("validation_loss", 3), ("train_loss", 0)):
        spec = StopSpec(patience=2, monitor=monitor)
        assert judged(spec, falling, Accuracy(), validation_loss=rising)[0] == ends
    assert judged(StopSpec(patience=2), falling)[0] == 0


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        (Accuracy(), [0.5, 0.9, 0.7, 0.9, 0.8], 4),  # higher is better, of equal ones the last
        (RMSE(), [5.0, 2.0, 3.0, 2.0, 4.0], 4),  # lower is better
        (RMSE(), [5.0, 4.0, 3.0, 2.0, 1.0], 5),
    ],
)
def test_the_metric_is_monitored(metric: Metric, values: list[float], best: int) -> None:
    spec = StopSpec(monitor="validation_metric")
    losses = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert judged(spec, losses, metric, validation_metric=values)[:2] == (0, best)
    assert judged(StopSpec(), losses, metric, validation_metric=values)[:2] == (0, 1)


@pytest.mark.parametrize(
    ("metric", "values", "target", "ends"),
    [
        (Accuracy(), [0.5, 0.8, 0.9], 0.8, 2),  # from below, reached when equal
        (Accuracy(), [0.5, 0.6, 0.7], 0.8, 0),
        (RMSE(), [5.0, 2.0, 1.0], 2.0, 2),  # from above
        (RMSE(), [5.0, 4.0, 3.0], 2.0, 0),
    ],
)
def test_target_metric(metric: Metric, values: list[float], target: float, ends: int) -> None:
    spec = StopSpec(target_metric=target)
    end, _, reason = judged(spec, [3.0, 2.0, 1.0], metric, validation_metric=values)
    assert end == ends
    assert not ends or metric.name in reason


def test_gradient_norm_and_time() -> None:
    spec, losses = StopSpec(gradient_norm=0.1, max_time=9.0), [3.0, 2.0, 1.0]
    slow, flat = [4.0, 9.0, 12.0], [1.0, 0.1, 0.05]
    assert judged(spec, losses, gradient_norm=flat)[0] == 3  # below, not at
    assert judged(spec, losses, seconds=slow)[0] == 2  # at the end of the epoch that reaches it
    assert "time limit" in judged(spec, losses, seconds=slow, gradient_norm=flat)[2]


def test_the_first_rule_of_the_list_gives_the_reason() -> None:
    spec = StopSpec(threshold=2.5, gradient_norm=2.0, patience=1, max_time=1.0)
    end, _, reason = judged(spec, [2.0], seconds=[5.0])
    assert (end, reason.partition(" is below")[0]) == (1, "training loss 2")


@pytest.mark.parametrize(
    ("settings", "restores"),
    [
        ({}, False),
        ({"patience": 3}, True),
        ({"patience": 3, "restore_best": False}, False),
        ({"restore_best": True}, True),
    ],
)
def test_whose_weights_are_kept(settings: dict[str, Any], restores: bool) -> None:
    assert StopRule(StopSpec(**settings), None).restores is restores
