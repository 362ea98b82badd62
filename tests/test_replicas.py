"""Trainings in one network, each with its own rate and fold, end like the same trainings alone."""

from __future__ import annotations

from typing import Any

import pytest
from running import ROOT

from bpcli.config.errors import NumericError
from bpcli.data.folds import make_folds
from bpcli.data.prepare import refit
from bpcli.experiment.fit import Fit, train_together
from bpcli.experiment.load import load
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica
from bpcli.experiment.stopping import Record
from bpcli.runs.resolved import prepare_and_resolve

RATES = (1e-4, 0.01, 0.3, 1e30)  # the last one diverges, at once or after some epochs
CASES: dict[str, tuple[str, list[str]]] = {
    "stops by threshold": ("iris", ["iterations=90", "stop.threshold=0.6"]),
    "stops by patience": ("wine", ["epochs=25", "stop.patience=2"]),
    "stops by metric": ("iris", ["iterations=90", "stop.target_metric=0.9"]),
    "numbers": ("diabetes", ["epochs=4"]),
    "two classes": ("logistic_regression", ["epochs=6", "stop.patience=2"]),
    "full batches": ("linear_regression", ["iterations=40", "split.folds=2"]),
    "weights, averages, decay": (
        "breast_cancer",
        ["epochs=4", "class_weight=balanced", "ema=0.9", "regularization.weight_decay=0.1"],
    ),
    "batch norm, noise": ("wine", ["epochs=4", "network=[{noise: 0.1}, {dense: 9}, batch_norm]"]),
    "the default preset": ("iris", ["epochs=3", "iterations=null", "network=mlp"]),
    "a schedule that listens": (
        "wine",
        ["epochs=12", "schedule={reduce_on_plateau: {patience: 1}}"],
    ),
    "an optimizer that ends by itself": (
        "logistic_regression",
        ["optimizer=lbfgs", "batch_size=full", "epochs=30", "stop={}", "regularization.l2=0.1"],
    ),
    "starts that look at the data": (
        "wine",
        ["epochs=3", "network=[{dense: {units: 9, init: lsuv}}, tanh]"],
    ),
    "float64": ("iris", ["iterations=30", "dtype=float64"]),
}


def lessons(name: str, settings: list[str]) -> list[Lesson]:
    """The first two folds with equal shapes."""
    loaded = load(ROOT / "configs" / f"{name}.yaml", ["threads=1", *settings])
    prepared, config = prepare_and_resolve(loaded)
    folds = make_folds(prepared, config.split, config.seed).folds
    every = [
        Lesson.of(LearningProblem.of(config, refit(prepared, config.preprocess, fold.sets)))
        for fold in folds
    ]
    return [one for one in every if one.shape == every[0].shape][:2]


def alone(lesson: Lesson, rate: float) -> tuple[Replica, list[Record], str]:
    """The training as `train` does it, its records, and why it failed."""
    config = lesson.problem.config.model_copy(update={"learning_rate": rate})
    fit = Fit.of(LearningProblem.of(config, lesson.problem.prepared))
    (one,), failure = fit.replicas, ""
    try:
        for _ in fit:
            pass
    except NumericError as error:
        failure = str(error)
    return one, fit.records, failure


def comparable(record: Record, watches: bool) -> tuple[Any, ...]:
    """Without the clock, and without what is only computed where training looks at it."""
    loss = record.validation_loss if watches else None
    return record._replace(seconds=0, validation_metric=None, validation_loss=loss, member=1)


@pytest.mark.parametrize("case", CASES)
def test_together_equals_alone(case: str) -> None:
    taught = lessons(*CASES[case])
    require_as_alone([Replica(lesson, rate) for lesson in taught for rate in RATES])


@pytest.mark.parametrize(
    "penalties",
    [
        ["regularization={l1: 0.001, l2: 0.01}", "epochs=6"],
        ["regularization={weight_decay: 0.1, schedule: cosine}", "epochs=6", "stop.patience=2"],
        ["regularization={l2: 0.01}", "optimizer=lbfgs", "batch_size=full", "epochs=9"],
    ],
    ids=lambda settings: settings[0],
)
def test_each_has_penalties_of_its_own(penalties: list[str]) -> None:
    taught = [two for one in lessons("wine", penalties) for two in (one, stronger(one))]
    replicas = [Replica(lesson, rate) for lesson in taught for rate in RATES]
    require_as_alone(replicas)
    first, second, *_ = replicas[:: len(RATES)]
    assert first.weights.tobytes() != second.weights.tobytes()


def stronger(lesson: Lesson) -> Lesson:
    """The same with penalties twice as strong."""
    config = lesson.problem.config
    weak = config.regularization
    assert weak is not None
    twice = {name: 2 * getattr(weak, name) for name in ("l1", "l2", "weight_decay")}
    config = config.model_copy(update={"regularization": weak.model_copy(update=twice)})
    return lesson._replace(problem=lesson.problem._replace(config=config))


def require_as_alone(replicas: list[Replica]) -> None:
    """They end like the same trainings alone."""
    history = train_together(replicas)
    for member, replica in enumerate(replicas, 1):
        same, records, failure = alone(replica.lesson, replica.rate)
        told = replica.failure
        assert (f"{told.where}: {told.what}" if told else "") == failure
        assert replica.stop_reason == same.stop_reason
        if failure:
            continue
        own = [comparable(record, True) for record in history if record.member == member]
        assert own == [comparable(record, True) for record in records]
        assert replica.weights.tobytes() == same.weights.tobytes()
        assert (replica.best_epoch, replica.epochs) == (same.best_epoch, same.epochs)
        kept = records[(replica.best_epoch or replica.epochs) - 1]
        assert replica.score() == (kept.validation_loss, kept.validation_metric)


def test_the_cases_do_fail_and_stop_at_different_epochs() -> None:
    replicas = [Replica(lessons(*CASES["stops by patience"])[0], rate) for rate in RATES]
    train_together(replicas)
    assert len({one.epochs for one in replicas}) > 2
    assert [one.failure is not None for one in replicas] == [False, False, False, True]


def test_a_group_of_other_size_changes_nothing() -> None:
    taught = lessons("wine", ["epochs=6"])
    pairs = [(lesson, rate) for lesson in taught for rate in RATES]
    together, apart = ([Replica(*pair) for pair in pairs] for _ in range(2))
    train_together(together)
    for start in range(0, len(apart), 3):
        train_together(apart[start : start + 3])
    for one, other in zip(together, apart, strict=True):
        assert one.failure == other.failure
        if one.failure is None:
            assert one.weights.tobytes() == other.weights.tobytes()


def test_a_length_ends_it_and_the_rows_held_out_have_no_say() -> None:
    settings = ["epochs=25", "stop.patience=2", "schedule={reduce_on_plateau: {patience: 1}}"]
    (lesson, _), told = lessons("wine", settings), ["epoch: 9", "monitor: train_loss"]
    lengths = ((0.01, 9), (0.3, 4))
    replicas = [Replica(lesson, rate, length=n, watches=False) for rate, n in lengths]
    history = train_together(replicas)
    assert [one.epochs for one in replicas] == [9, 4]
    assert [one.best_epoch for one in replicas] == [None, None]
    same = lessons("wine", [*settings[::2], f"stop={{{', '.join(told)}}}"])[0]
    one, records, _ = alone(same, 0.01)
    assert replicas[0].weights.tobytes() == one.weights.tobytes()
    first = [record for record in history if record.member == 1]
    assert [comparable(r, False) for r in first] == [comparable(r, False) for r in records]
    last = records[-1]
    assert replicas[0].score() == (last.validation_loss, last.validation_metric)
