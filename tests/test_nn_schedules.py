"""Every schedule: finite and never negative; end points and turning points are exact."""

from __future__ import annotations

import math

import pytest
from components import parametrize

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
    Schedule,
    Step,
    WarmUp,
)


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
