"""Sets of rows: sizes, class shares, and that a row's set depends on nothing it should not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bpcli.config.errors import DataError
from bpcli.data.arrays import Sets
from bpcli.data.spec import SplitSpec
from bpcli.data.split import (
    CALIBRATION,
    EXCLUDED,
    TEST,
    TRAIN,
    VALIDATION,
    assign_sets,
    describe_sets,
)


def sets_of(n: int, strata: Any = None, seed: int = 0, usable: Any = None, **spec: Any) -> Sets:
    codes = None if strata is None else np.asarray(strata)
    mask = np.ones(n, dtype=bool) if usable is None else np.asarray(usable)
    return assign_sets(n, SplitSpec(**spec), seed, codes, mask)


def sizes(sets: Sets) -> tuple[int, ...]:
    return tuple(int(np.count_nonzero(sets == which)) for which in (TRAIN, VALIDATION, TEST))


@pytest.mark.parametrize(
    "n, shares, expected",
    [
        (4, (0.2, 0.2), (2, 1, 1)),
        (3, (0.2, 0.2), (1, 1, 1)),
        (5, (0.2, 0.2), (3, 1, 1)),
        (150, (0.2, 0.2), (90, 30, 30)),
        (10, (0.25, 0.0), (7, 3, 0)),
        (10, (0.0, 0.1), (9, 0, 1)),
        (10, (0.0, 0.0), (10, 0, 0)),
        (1, (0.0, 0.0), (1, 0, 0)),
        (3, (0.5, 0.49), (1, 1, 1)),
        (1000, (0.001, 0.0001), (998, 1, 1)),
    ],
)
def test_sizes_are_rounded_shares(
    n: int, shares: tuple[float, float], expected: tuple[int, ...]
) -> None:
    assert sizes(sets_of(n, validation=shares[0], test=shares[1])) == expected


@pytest.mark.parametrize("n, shares", [(2, (0.2, 0.2)), (1, (0.2, 0.0)), (0, (0.0, 0.0))])
def test_too_few_rows_are_refused(n: int, shares: tuple[float, float]) -> None:
    with pytest.raises(DataError, match="rows are needed") as caught:
        sets_of(n, validation=shares[0], test=shares[1])
    assert caught.value.problems[0].id == "BP-D030"


def test_classes_too_small_for_the_sets_are_refused() -> None:
    with pytest.raises(DataError, match="too few rows in each class") as caught:
        sets_of(3, [0, 1, 1])
    assert caught.value.problems[0].id == "BP-D032"


def test_stratified_needs_classes() -> None:
    with pytest.raises(DataError, match="classes") as caught:
        sets_of(9, method="stratified")
    assert caught.value.problems[0].id == "BP-D031"


@pytest.mark.parametrize("strata", [None, [0, 1, 1, 2] * 25])
def test_calibration_rows_are_taken_from_training_rows(strata: Any) -> None:
    before = sets_of(100, strata)
    after = sets_of(100, strata, calibration=0.1)
    assert np.count_nonzero(after == CALIBRATION) == 10
    assert (before[after == CALIBRATION] == TRAIN).all()
    assert np.array_equal(before[after != CALIBRATION], after[after != CALIBRATION])


def test_each_set_that_is_asked_for_has_a_row() -> None:
    shares = {"validation": 0.4, "test": 0.3, "calibration": 0.2}
    assert sorted(sets_of(4, **shares)) == [TRAIN, VALIDATION, TEST, CALIBRATION]
    with pytest.raises(DataError, match="4 rows are needed"):
        sets_of(3, **shares)


def test_shares_leave_training_rows() -> None:
    with pytest.raises(ValidationError, match="below 1"):
        SplitSpec(validation=0.5, test=0.5)


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    seed=st.integers(0, 3),
    validation=st.sampled_from([0.0, 0.1, 0.2, 0.33]),
    test=st.sampled_from([0.0, 0.2, 0.4]),
)
def test_every_class_keeps_its_share(
    counts: list[int], seed: int, validation: float, test: float
) -> None:
    strata = np.repeat(np.arange(len(counts)), counts)
    try:
        sets = sets_of(len(strata), strata, seed, validation=validation, test=test)
    except DataError:
        assert sum(counts) - len(counts) < 8  # only where hardly a class has a row to give
        return
    for i, count in enumerate(counts):
        train, *held = sizes(sets[strata == i])
        assert train >= 1
        for got, share in zip(held, (validation, test), strict=True):
            assert count < 3 or got <= np.ceil(count * share) + 1
    if min(counts) >= 5:
        random = sets_of(
            len(strata), strata, seed, validation=validation, test=test, method="random"
        )
        assert sizes(sets) == sizes(random)


def test_small_classes_are_spread_over_the_sets() -> None:
    sets = sets_of(30, np.repeat(np.arange(10), 3))
    assert sizes(sets) == (18, 6, 6)
    assert all(sizes(sets[i : i + 3])[0] < 3 for i in range(0, 30, 3))


def test_rows_without_a_target_are_in_no_set_and_counted() -> None:
    usable = np.arange(20) % 4 > 0
    sets = sets_of(20, usable=usable)
    assert (sets == EXCLUDED).tolist() == (~usable).tolist()
    assert sizes(sets) == (9, 3, 3)
    (notice,) = describe_sets(sets)
    assert (notice.id, "5" in notice.what) == ("BP-D106", True)
    assert describe_sets(sets_of(20)) == []


def test_the_order_of_rows_depends_on_seed_and_index_alone() -> None:
    assert np.array_equal(sets_of(50, seed=1), sets_of(50, seed=1))
    assert not np.array_equal(sets_of(50, seed=1), sets_of(50, seed=2))
    one, other = np.arange(50) % 2, np.arange(50) % 2 + 3  # the same classes by other codes
    assert np.array_equal(sets_of(50, one), sets_of(50, other))


def test_a_split_is_fixed_for_ever() -> None:
    assert sets_of(12).tolist() == [0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 1, 2]
