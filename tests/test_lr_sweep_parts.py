"""The parts of a learning-rate sweep: statistics, the grid, the choice, the copy of the config."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bpcli.config.edit import with_value
from bpcli.config.errors import ConfigError
from bpcli.experiment.search import LrSweepSpec
from bpcli.selection.choice import Candidate, choose, rank
from bpcli.selection.grid import beyond, rates_of, rounded
from bpcli.selection.race import better_half, rounds
from bpcli.selection.range_test import RangeTest, longest_fall
from bpcli.selection.statistics import Mean, corrected_error, interval, paired_p, quantile, within
from bpcli.selection.study import Finished, Trial

# ---- statistics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 29])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0, 2.5, 12.0])
def test_students_t(degrees: int, t: float) -> None:
    expected = 1 - 2 * scipy.stats.t.sf(t, degrees)
    assert within(t, degrees) == pytest.approx(expected, abs=1e-12)
    assert quantile(0.95, degrees) == pytest.approx(scipy.stats.t.ppf(0.975, degrees), rel=1e-9)


def test_without_overlap_the_corrected_test_is_the_plain_one() -> None:
    values = [0.1, -0.05, 0.2, 0.15, 0.0]
    assert paired_p(values, 0.0) == pytest.approx(scipy.stats.ttest_1samp(values, 0).pvalue)
    wanted = scipy.stats.t.interval(0.95, 4, np.mean(values), scipy.stats.sem(values))
    assert interval(values, 0.0) == pytest.approx(wanted)
    assert Mean.of(values).error == pytest.approx(scipy.stats.sem(values))


def test_overlap_makes_the_error_larger() -> None:
    # Nadeau and Bengio: the variance times 1/J + n_test / n_train in place of 1/J
    values = [1.0, 2.0, 4.0]
    assert corrected_error(values, 0.25) == pytest.approx(math.sqrt((1 / 3 + 0.25) * 7 / 3))


@pytest.mark.parametrize(
    "differences, expected", [([0.0, 0.0], 1.0), ([0.5, 0.5], 0.0), ([0.5], None)]
)
def test_p_at_its_ends(differences: list[float], expected: float | None) -> None:
    assert paired_p(differences, 0.25) == expected


SPANS = [(0.0, 1.0), (0.0, math.inf), (-math.inf, 1.0), (-1.0, 3.0)]


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=8),
    st.sampled_from(SPANS),
    st.floats(0, 1),
)
def test_intervals_stay_within_limits(
    values: list[float], limits: tuple[float, float], held_out: float
) -> None:
    found = interval(values, held_out, limits)
    if len(set(values)) == 1:
        assert found is None
    elif found is not None:
        rounding = 1e-30  # squares of smaller differences are 0
        assert limits[0] <= found[0] <= np.mean(values) + rounding
        assert np.mean(values) - rounding <= found[1] <= limits[1]


@pytest.mark.parametrize("limits", SPANS)
def test_far_from_its_limits_an_interval_is_the_plain_one(limits: tuple[float, float]) -> None:
    values = [0.5001, 0.5003, 0.4999, 0.5002]
    plain, own = interval(values, 0.25), interval(values, 0.25, limits)
    assert plain is not None and own == pytest.approx(plain, abs=1e-6)


def test_near_a_limit_an_interval_is_the_logit_one() -> None:
    values = [0.95, 1.0, 1.0, 0.9]
    mean, t = np.mean(values), scipy.stats.t.ppf(0.975, 3)
    reach = t * scipy.stats.sem(values) / (mean * (1 - mean))
    wanted = [1 / (1 + np.exp(-(np.log(mean / (1 - mean)) + by))) for by in (-reach, reach)]
    assert interval(values, 0.0, (0.0, 1.0)) == pytest.approx(wanted)


# ---- grid ---------------------------------------------------------------------------------------


def test_the_default_grid() -> None:
    rates = rates_of(LrSweepSpec())
    assert len(rates) == 12
    assert (rates[0], rates[1], rates[-1]) == (1e-5, 2.85e-5, 1.0)


@given(st.floats(1e-8, 1.0), st.floats(1.5, 1e6), st.integers(2, 40))
def test_grids_ascend_between_their_ends(lowest: float, ratio: float, count: int) -> None:
    rates = rates_of(LrSweepSpec(lowest=lowest, highest=lowest * ratio, rates=count))
    assert list(rates) == sorted(set(rates))
    assert rates[0] == float(f"{lowest:.3g}") and rates[-1] == float(f"{lowest * ratio:.3g}")


@pytest.mark.parametrize(
    "best, most, expected",
    [
        (0.1, 6, ()),
        (1.0, 6, (10.0, 100.0, 1000.0)),
        (1.0, 2, (10.0, 100.0)),
        (0.01, 6, (0.001, 0.0001, 1e-5)),
    ],
)
def test_beyond_the_end(best: float, most: int, expected: tuple[float, ...]) -> None:
    assert beyond((0.1, 0.01, 1.0), best, most) == expected


CURVE = tuple(10.0**k for k in np.linspace(-7, 1, 81))
FALLING = RangeTest(CURVE, tuple(1 / (1 + (r / 1e-2) ** 2) + (r / 1.0) ** 3 for r in CURVE))


def test_a_grid_from_a_range_test() -> None:
    valley, minimum, span = FALLING.valley(), FALLING.minimum(), FALLING.span()
    assert valley is not None and minimum is not None
    assert span == (valley / 10, minimum * 10)  # the rate of the lowest loss
    for lowest, highest, expected in [
        (1e-9, 1e2, span),
        (1e-3, 1e-2, (1e-3, 1e-2)),  # the ends of the config hold
        (1.0, 10.0, (1.0, 10.0)),  # nothing of the span is between them
    ]:
        rates = rates_of(LrSweepSpec(lowest=lowest, highest=highest, rates=5), [FALLING])
        assert (rates[0], rates[-1]) == tuple(map(rounded, expected))
        assert len(rates) == 5


def test_without_a_curve_the_grid_is_the_fixed_one() -> None:
    assert rates_of(LrSweepSpec(), [RangeTest((1e-7,), (1.0,))]) == rates_of(LrSweepSpec())


# ---- the race -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folds, expected", [(2, []), (3, [2]), (5, [2, 4]), (8, [2, 4]), (10, [2, 4, 8])]
)
def test_rounds_of_a_race(folds: int, expected: list[int]) -> None:
    assert list(rounds(folds)) == expected


def test_the_better_half_goes_on_and_no_failed_fold() -> None:
    five = [candidate(k / 10, [k / 10, k / 10]) for k in (1, 2, 3, 4)]
    field = [*five, candidate(0.5, [0.9, None])]
    assert better_half(field, "higher") == {("", 0.4), ("", 0.3), ("", 0.2)}
    assert better_half(field, "lower") == {("", 0.1), ("", 0.2), ("", 0.3)}
    assert better_half(field[:3], "higher") == {("", 0.3), ("", 0.2)}
    assert better_half(field[3:], "higher") == {("", 0.4)}


def test_one_that_is_out_cannot_win() -> None:
    assert winner(candidate(0.1, [0.9, 0.9], folds=5), candidate(0.2, [0.5] * 5)) == 0.2


# ---- choice -------------------------------------------------------------------------------------


def candidate(
    rate: float, metrics: list[float | None], loss: float = 1.0, folds: int | None = None
) -> Candidate:
    trials = tuple(
        Trial(
            *("", rate, 1, fold, None, None if m is None else loss, m, 5, 9),
            *("", "" if m else "diverged"),
        )
        for fold, m in enumerate(metrics, 1)
    )
    return Candidate("", rate, trials, folds or len(trials))


def winner(*candidates: Candidate, better: Any = "higher", rule: Any = "min") -> float:
    choice = choose(candidates, better, rule, 0.25)
    assert choice is not None
    return choice.winner.rate


def test_the_best_mean_wins() -> None:
    low, high = candidate(0.1, [0.6, 0.7]), candidate(0.2, [0.8, 0.9])
    assert winner(low, high) == 0.2
    assert winner(low, high, better="lower") == 0.1


def test_a_failed_fold_cannot_win() -> None:
    assert winner(candidate(0.1, [0.6, 0.7]), candidate(0.2, [0.99, None])) == 0.1
    assert choose([candidate(0.2, [0.99, None])], "higher", "min", 0.25) is None


def test_ties_go_to_the_lower_loss_then_the_lower_rate() -> None:
    same = [0.8, 0.9]
    assert winner(candidate(0.1, same, loss=2.0), candidate(0.2, same, loss=1.0)) == 0.2
    assert winner(candidate(0.2, same), candidate(0.1, same)) == 0.1


def test_one_standard_error_takes_the_lowest_rate_near_the_best() -> None:
    far, near = candidate(0.01, [0.5, 0.6, 0.7]), candidate(0.1, [0.79, 0.84, 0.89])
    best = candidate(0.5, [0.8, 0.85, 0.9])  # standard error 0.029
    assert winner(far, near, best, rule="one-se") == 0.1
    assert winner(far, near, best, rule="min") == 0.5


def test_the_lowest_loss_decides_near_the_best_score() -> None:
    far = candidate(0.01, [0.5, 0.6, 0.7], loss=0.1)
    near = candidate(0.1, [0.79, 0.84, 0.89], loss=0.3)
    same = candidate(0.2, [0.79, 0.84, 0.89], loss=0.3)
    best = candidate(0.5, [0.8, 0.85, 0.9], loss=0.7)
    assert winner(far, same, near, best, rule="lowest-loss") == 0.1
    alone = candidate(0.5, [0.9], loss=0.7)  # a single fold has no standard error
    assert winner(candidate(0.1, [0.8], loss=0.1), alone, rule="lowest-loss") == 0.5


def test_what_cannot_be_told_apart() -> None:
    best = candidate(0.1, [0.90, 0.92, 0.91, 0.93, 0.90])
    near = candidate(0.2, [0.91, 0.90, 0.92, 0.92, 0.90])
    far = candidate(0.3, [0.50, 0.52, 0.51, 0.53, 0.50])
    choice = choose([best, near, far], "higher", "min", 0.25)
    assert choice is not None and choice.runner_up is near
    assert choice.alike == (near,)
    assert choice.p == paired_p([-0.01, 0.02, -0.01, 0.01, 0.0], 0.25)
    assert [one.rate for one in rank([far, near, best], "higher")] == [0.1, 0.2, 0.3]


def test_results_come_back_from_their_line_to_the_bit() -> None:
    trial = Trial("64", 0.1, 1, 2, 7, 0.1 + 0.2, 1 / 3, 5, 9, "done", "")
    failed = Trial("", 1e300, 1, 2, None, None, None, None, 0, "", "iteration 1: “∞”")
    finished = Finished(1.5, [trial, failed], [[[1 / 3, 2 / 3]], []])
    assert Finished.from_json(finished.to_json()) == finished
    for text in ("", "[]", '[1.5, [["a", 1]], []]', finished.to_json()[:-1]):
        with pytest.raises(ValueError):
            Finished.from_json(text)


# ---- range test ---------------------------------------------------------------------------------


def test_longest_fall() -> None:
    assert longest_fall([5, 4, 6, 3, 2, 9, 1]) == (0, 6)
    assert longest_fall([1, 2, 3]) == (0, 0)


def test_suggestions_of_a_curve_that_falls_and_rises() -> None:
    found, rates, losses = FALLING, *FALLING
    minimum, steep, valley = found.minimum(), found.steep(), found.valley()
    assert minimum is not None and steep is not None and valley is not None
    assert minimum == pytest.approx(rates[int(np.argmin(losses))] / 10)
    assert 3e-3 < steep < 3e-2
    assert 1e-6 < valley < minimum * 10


# ---- the copy of the config ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, after",
    [
        (
            "a: 1  # one\nlearning_rate: 0.01   # mine\nb: 2\n",
            "a: 1  # one\n# bpcli: why\nlearning_rate: 0.5   # mine\nb: 2\n",
        ),
        ("a: 1\n", "a: 1\n# bpcli: why\nlearning_rate: 0.5\n"),
        ("a: 1", "a: 1\n# bpcli: why\nlearning_rate: 0.5\n"),
        ("{a: 1, learning_rate: auto}\n", "# bpcli: why\n{a: 1, learning_rate: 0.5}\n"),
        ("# bpcli: old\nlearning_rate: '1'\n", "# bpcli: why\nlearning_rate: 0.5\n"),
    ],
)
def test_a_value_is_changed_and_nothing_else(before: str, after: str) -> None:
    assert with_value(before, "c.yaml", "learning_rate=0.5", "why") == after


def test_a_value_deep_in_the_config() -> None:
    text = "data:\n  path: 'a b.csv'   # here\n"
    assert with_value(text, "c.yaml", "data.path=../t.csv") == "data:\n  path: ../t.csv   # here\n"
    assert with_value("a: 1\n", "c.yaml", "b.c=2") == "a: 1\nb: {c: 2}\n"


@pytest.mark.parametrize(
    "text, assignment",
    [
        ("{a: 1}\n", "learning_rate=0.5"),
        ("b: {d: 1}\n", "b.c=2"),
        ("learning_rate: [1, 2]\n", "learning_rate=0.5"),
        ("learning_rate: >\n  long\n", "learning_rate=0.5"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, assignment: str) -> None:
    with pytest.raises(ConfigError) as error:
        with_value(text, "c.yaml", assignment, "why")
    assert error.value.problems[0].id == "BP-C120"
