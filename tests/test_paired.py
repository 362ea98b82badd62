"""Tests over the same rows: against SciPy's numbers, and against what must hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bpcli.metrics.paired import holm, mcnemar, paired_bootstrap


@pytest.mark.parametrize("k, n", [(0, 0), (0, 1), (3, 10), (5, 10), (10, 10), (300, 900), (2, 999)])
def test_mcnemar_is_the_binomial_test(k: int, n: int) -> None:
    a = np.array([True] * k + [False] * (n - k) + [True, False])
    b = np.array([False] * k + [True] * (n - k) + [True, False])
    expected = stats.binomtest(k, n).pvalue if n else 1.0
    assert mcnemar(a, b).p == pytest.approx(expected, rel=1e-9)
    assert mcnemar(a, b).difference == pytest.approx((2 * k - n) / (n + 2))


def test_many_rows_take_the_normal_approximation() -> None:
    a, b = np.arange(4000) < 1900, np.arange(4000) >= 1900
    assert mcnemar(a, b).p == pytest.approx(stats.binomtest(1900, 4000).pvalue, rel=0.01)


def test_the_bootstrap_finds_what_is_there_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    b = rng.gamma(2, size=300)
    noise = paired_bootstrap(b + rng.normal(0, 1, 300), b)
    assert noise.interval is not None and noise.interval[0] < 0 < noise.interval[1]
    assert noise.p > 0.05
    worse = paired_bootstrap(b + rng.normal(0.5, 1, 300), b)
    assert worse.interval is not None and 0.3 < worse.interval[0] < worse.interval[1] < 0.7
    assert worse.p < 0.001
    se = np.std(b, ddof=1) / np.sqrt(len(b))
    low, high = paired_bootstrap(b, np.zeros(300)).interval or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 * se, rel=0.1)


def test_equal_models_are_not_distinguished() -> None:
    same = np.ones(10)
    assert paired_bootstrap(same, same).p == 1
    assert mcnemar(same > 0, same > 0).p == 1


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.6]) == [1, 1]
    assert holm([]) == []
