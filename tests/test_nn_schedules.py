"""Every schedule: finite and never negative; end points and turning points are exact."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from components import members, parametrize
from running import bpcli, table, write_csv

from bpcli.nn.activations import Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.layers import Dense
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    CosLog4,
    Exponential,
    FlatCosine,
    InverseTime,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
    WarmUp,
)
from bpcli.nn.state import State
from bpcli.nn.training import train


@parametrize("schedule", Schedule)
@pytest.mark.parametrize("total", [1, 2, 3, 7, 20, 100, 4001])
def test_factor_is_between_0_and_1(schedule: Schedule, total: int) -> None:
    factors = [schedule.factor(t, total) for t in range(total)]
    assert all(math.isfinite(factor) and 0 <= factor <= 1 for factor in factors)


EXTREMES: list[Schedule] = [
    Step(at=(0.001, 0.999), gamma=0.0),
    Exponential(end=1e-300),
    InverseTime(decay=1e300),
    Polynomial(power=1000.0),
    Cosine(floor=1.0),
    FlatCosine(flat=0.999),
    CosineRestarts(cycles=50, growth=10),
    OneCycle(rise=0.999, start=0.0, end=0.0),
    OneCycle(rise=0.001),
    WarmUp(share=0.999, then=OneCycle()),
    WarmUp(then=WarmUp(then=CosLog4())),
]


@pytest.mark.parametrize("schedule", EXTREMES, ids=str)
@pytest.mark.parametrize("total", [1, 2, 10, 1000])
def test_extreme_settings(schedule: Schedule, total: int) -> None:
    test_factor_is_between_0_and_1(schedule, total)


# (schedule, {t: factor} of 300 iterations); T itself is past the last one
EXACT: list[tuple[Schedule, dict[int, float]]] = [
    (Constant(), {0: 1, 299: 1}),
    (Step(), {0: 1, 149: 1, 150: 0.1, 224: 0.1, 225: 0.1 * 0.1, 299: 0.1 * 0.1}),
    (Exponential(), {0: 1, 300: 0.01}),
    (InverseTime(), {0: 1, 100: 0.25, 300: 0.1}),
    (Polynomial(), {0: 1, 150: 0.5, 300: 0}),
    (Polynomial(power=2.0, floor=0.5), {0: 1, 150: 0.625, 300: 0.5}),
    (Cosine(), {0: 1, 300: 0}),
    (Cosine(floor=0.25), {0: 1, 300: 0.25}),
    (FlatCosine(), {0: 1, 149: 1, 150: 1, 300: 0}),
    (FlatCosine(flat=0.75), {224: 1, 225: 1, 300: 0}),
    (CosineRestarts(), {0: 1, 75: 1, 150: 1, 225: 1, 300: 0}),
    (CosineRestarts(cycles=2, growth=2, floor=0.5), {0: 1, 50: 0.75, 100: 1, 200: 0.75, 300: 0.5}),
    (CosLog4(), {0: 0}),
    (OneCycle(), {0: 0.04, 89: 1, 299: 4e-6}),
    (OneCycle(rise=0.5, start=0.5, end=0.25), {0: 0.5, 149: 1, 299: 0.25}),
    (WarmUp(), {0: 0.01, 15: 1, 299: 1}),
    (WarmUp(share=0.1, start=0.0, then=Polynomial()), {0: 0, 15: 0.5, 30: 1, 165: 0.5, 300: 0}),
]


@pytest.mark.parametrize(("schedule", "points"), EXACT, ids=lambda value: str(value)[:60])
def test_exact_points(schedule: Schedule, points: dict[int, float]) -> None:
    factors = {t: schedule.factor(t, 300) for t in points}
    assert factors == pytest.approx(points, rel=1e-15, abs=1e-16)


def test_inverse_time_by_its_formula() -> None:
    """The 1 / (1 + decay t / T) of every tenth iteration, by hand."""
    ours = [InverseTime(decay=4.0).factor(t, 40) for t in range(0, 40, 10)]
    assert ours == [1, 1 / 2, 1 / 3, 1 / 4]


def test_coslog4_by_the_paper() -> None:
    """Zero at 1/15, 3/15, 7/15 and the end, one at the middle of each wave, where log2 is k + ½."""
    schedule, total = CosLog4(), 15_000
    assert [schedule.factor(t * 1000, total) for t in (0, 1, 3, 7, 15)] == pytest.approx(
        [0.0] * 5, abs=1e-15
    )
    crests = [round((2 ** (k + 0.5) - 1) * 1000) for k in range(4)]
    assert [schedule.factor(t, total) for t in crests] == pytest.approx([1.0] * 4, abs=1e-5)


def test_flat_cosine_by_the_paper() -> None:
    """½ (1 + cos(π (2t − 1))) in the second half: RealMLP's flat_cos."""
    ours = [FlatCosine().factor(t, 60) for t in (30, 40, 45, 50)]
    assert ours == pytest.approx([1, 0.75, 0.5, 0.25], rel=1e-15)


@pytest.mark.parametrize("total", [3, 10, 30, 100, 1000, 7000])
def test_steps_fall_on_the_iteration_of_their_share(total: int) -> None:
    for tenth in range(1, 10):
        schedule, at = Step(at=(tenth / 10,)), math.ceil(tenth * total / 10)
        assert [schedule.factor(t, total) for t in (at - 1, at)] == [1, 0.1]


@pytest.mark.parametrize("growth", [1, 2, 3])
def test_every_cycle_restarts_at_1(growth: int) -> None:
    schedule = CosineRestarts(cycles=3, growth=growth)
    units = 1 + growth + growth**2
    for total in (units, 10 * units, 1000 * units):
        starts = [0, total // units, total * (1 + growth) // units]
        assert [schedule.factor(t, total) for t in starts] == [1, 1, 1]


def test_warm_up_shorter_than_an_iteration_is_none() -> None:
    assert WarmUp(share=0.05, then=Cosine()).factor(0, 3) == 1


def remembered(
    schedule: Schedule, losses: list[tuple[float, ...]], total: int
) -> list[list[float]]:
    """The learned factor (R,) before each epoch of one iteration, under losses (R,)."""
    memory = {key: np.full(len(losses[0]), one) for key, one in schedule.memory().items()}
    factors = []
    for t, loss in enumerate(losses, 1):
        factors.append(memory["factor"].tolist())
        schedule.observe(memory, np.array(loss), t, total)
    return factors


def test_only_a_plateau_is_remembered() -> None:
    """Schedules of time alone keep nothing; a warm-up keeps what its follower keeps."""
    keeps = {one.name for one in members(Schedule) if one.memory()}
    assert keeps == {"reduce_on_plateau"}
    assert WarmUp(then=ReduceOnPlateau()).memory() == ReduceOnPlateau().memory()


def test_each_network_has_a_plateau_of_its_own() -> None:
    losses = [(1.0, 1.0), (1.0, 0.9), (1.0, 0.8), (1.0, 0.8), (0.5, 0.8), (0.4, 0.8)]
    together = remembered(ReduceOnPlateau(by=0.5, patience=1), losses, 100)
    assert together == [[1, 1], [1, 1], [1, 1], [0.5, 1], [0.5, 1], [0.5, 0.5]]


def test_losses_below_zero_have_a_threshold_too() -> None:
    losses = [(-1.0,), (-1.05,), (-1.05,), (-1.2,)]
    factors = remembered(ReduceOnPlateau(by=0.5, patience=0, threshold=0.1), losses, 100)
    assert factors == [[1], [1], [0.5], [0.25]]


def test_a_loss_that_is_not_a_number_is_no_better() -> None:
    factors = remembered(ReduceOnPlateau(by=0.5, patience=0), [(1.0,), (math.nan,), (0.5,)], 9)
    assert factors == [[1], [1], [0.5]]


def test_a_plateau_begins_after_the_warm_up() -> None:
    """Ten updates, three of them warm up: no epoch within them counts."""
    schedule = WarmUp(share=0.3, then=ReduceOnPlateau(by=0.5, patience=0))
    assert remembered(schedule, [(1.0,)] * 7, 10) == [[1], [1], [1], [1], [1], [0.5], [0.25]]


def test_the_trainer_multiplies_the_rate_of_each_network() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.normal(size=(1, 20, 3)), rng.normal(size=(1, 20, 1)))
    network = Network([Dense(units=4), Tanh(), Dense(units=1)], (3,))
    schedule = WarmUp(share=0.2, start=0.5, then=ReduceOnPlateau(by=0.5))
    how = Method(MSE(), SGD(), schedule, (0.1, 0.2), 20, 5, replicas=(0, 1))
    state = State.start(network, how, "float64")
    state.schedule["factor"][:] = 1, 0.25
    rates = [epoch.rate.tolist() for epoch in train(network, how, state, rows)]
    assert rates == [[0.05, 0.025], *[[0.1, 0.05]] * 4]
    kept = state.saved()
    state.schedule["factor"][:] = 0
    state.restore(kept)
    assert state.schedule["factor"].tolist() == [1, 0.25]
    assert {f"schedule.{name}" for name in schedule.memory()} <= set(state.arrays())


@pytest.mark.parametrize(
    ("options", "column"),
    [
        ((), "validation_loss"),
        (("split.validation=0",), "train_loss"),
        (("stop.monitor=train_loss",), "train_loss"),
    ],
)
def test_the_rate_falls_with_the_monitored_loss(
    options: tuple[str, ...], column: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    write_csv(tmp_path / "data.csv", [{"x": k, "y": rng.normal()} for k in range(100)])
    (tmp_path / "c.yaml").write_text(
        "data: {path: data.csv, target: y}\nnetwork: [{dense: 16}, tanh]\nlearning_rate: 0.1\n"
        "epochs: 30\nschedule: {reduce_on_plateau: {by: 0.5, patience: 1, threshold: 0.0}}\n"
    )
    settings = [f"--set={option}" for option in options]
    bpcli("train", "c.yaml", "-o", "run", *settings, cwd=tmp_path)
    history = table((tmp_path / "run" / "history.csv").read_text())
    losses = [(float(row[column]),) for row in history]
    factors = remembered(ReduceOnPlateau(by=0.5, patience=1, threshold=0), losses, 30)
    rates = [float(row["learning_rate"]) for row in history]
    assert rates == pytest.approx([0.1 * factor for (factor,) in factors], rel=1e-12)
    assert len(set(rates)) > 3
