"""Permutation importance and effects, against scikit-learn and functions that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import ROOT, train
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss, root_mean_squared_error
from subjects import numbers_target, predictor, subject

from bpcli.data.association import Content, association, groups
from bpcli.data.read import read_table
from bpcli.insight.effects import effect
from bpcli.insight.permutation import Judge, importances
from bpcli.insight.subject import Subject
from bpcli.nn.activations import Tanh
from bpcli.nn.layers import Dense
from bpcli.nn.losses.numbers import MSE
from bpcli.runs.model import read_model

REPEATS = 100
SEED = 3


class Known(BaseEstimator):
    """A model as scikit-learn asks for one.  A cell of x is the row that a column is taken from,
    so that a column is permuted whatever it holds."""

    def __init__(self, one: Subject | None = None) -> None:
        self.one = one

    def fit(self, x: Any, y: Any) -> Known:
        self.fitted_ = True
        return self

    def predict(self, x: Any) -> Any:
        assert self.one is not None
        from_rows = [x[:, owner] for owner in self.one.owners]
        pairs = zip(self.one.inputs, from_rows, strict=True)
        answers = self.one.predict([np.take_along_axis(own, rows, axis=0) for own, rows in pairs])
        return answers if answers.shape[1] > 1 else answers[:, 0]


def scored(one: Known, x: Any, y: Any) -> float:
    predicted = one.predict(x)
    worse = log_loss if predicted.ndim > 1 else root_mean_squared_error
    return -float(worse(y, predicted))


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_importances_are_those_of_scikit_learn(name: str, tmp_path: Path) -> None:
    train(ROOT / "configs" / f"{name}.yaml", "-o", "run", cwd=tmp_path)
    record, ensemble = read_model(tmp_path / "run")
    data = ROOT / "data" / f"{name}.csv"
    table = read_table(data, record.features.reading(str(data), {}))
    one, truth = Subject.of(ensemble, table), ensemble.target.truth(table)
    judge = Judge(one, truth)
    found = list(importances(one, judge, [[i] for i in range(len(one.columns))], REPEATS, SEED))

    x = np.tile(np.arange(one.rows)[:, None], len(one.columns))
    reference = permutation_importance(
        Known(one), x, truth, scoring=scored, n_repeats=REPEATS, random_state=SEED
    )
    theirs = reference.importances_std / np.sqrt(REPEATS - 1)
    own = np.array([importance.standard_error for importance in found])
    means = np.array([importance.mean for importance in found])
    z = (means - reference.importances_mean) / np.hypot(own, theirs)
    assert [each.columns for each in found] == [(name,) for name in one.columns]
    # Two standard errors hold 95 of 100, which a seed may miss; four hold all but one in 16,000.
    assert np.mean(np.abs(z) < 2) >= 0.8 and np.abs(z).max() < 4


def test_what_is_not_looked_at_has_no_importance() -> None:
    arrays = {"layers.0.W": [[2.0], [0.0]]}
    part = predictor([Dense(units=1)], MSE(), numbers_target("y"), arrays, medians=[0, 0])
    x = np.random.default_rng(0).normal(size=(200, 2))
    one = subject(part, x)
    judge = Judge(one, 2 * x[:, :1], "rmse")
    used, unused, together = importances(one, judge, [[0], [1], [0, 1]], 20, 0)
    # Of a shuffled x the error is 2 (x' − x), its deviation √2 times that of 2 x.
    assert used.mean == pytest.approx(2 * np.sqrt(2) * x[:, 0].std(), rel=0.05)
    assert unused.mean == 0 and together.worse == pytest.approx(used.worse)


def curved() -> Subject:
    layers = [Dense(units=4), Tanh(), Dense(units=1)]
    part = predictor(layers, MSE(), numbers_target("y"), medians=[0, 0, 0])
    return subject(part, np.random.default_rng(1).normal(size=(150, 3)))


def test_partial_dependence_is_the_mean_with_all_rows_at_a_value() -> None:
    one = curved()
    (x,) = one.inputs
    found = effect(one, 1, Content(x[:, 1], None), [str(value) for value in x[:, 1]])
    assert found.numbers is not None
    for value, mean in zip(found.numbers, found.dependence[:, 0], strict=True):
        moved = x.copy()
        moved[:, 1] = value
        assert mean == pytest.approx(one.predict([moved]).mean(), abs=1e-12)
    assert found.curves[:, :, 0].shape == (50, len(found.values))


def test_local_effects_of_a_linear_network_are_its_line() -> None:
    arrays = {"layers.0.W": [[3.0], [-2.0]]}
    part = predictor([Dense(units=1)], MSE(), numbers_target("y"), arrays, medians=[0, 0])
    rng = np.random.default_rng(2)
    first = rng.normal(size=400)
    one = subject(part, np.stack([first, first + 0.1 * rng.normal(size=400)], axis=1))
    found = effect(one, 0, Content(one.inputs[0][:, 0], None), [str(v) for v in first])
    assert found.local is not None and found.numbers is not None
    slopes = np.diff(found.local[:, 0]) / np.diff(found.numbers)
    assert slopes == pytest.approx(3.0)
    assert abs(found.local.mean()) < 1


def test_a_category_has_no_local_effects() -> None:
    one = curved()
    codes = np.arange(150) % 3
    found = effect(one, 0, Content(None, codes), [f"w{code}" for code in codes])
    assert found.local is None and found.numbers is None
    assert sorted(found.values) == ["w0", "w1", "w2"]


RNG = np.random.default_rng(5)
NUMBER = RNG.normal(size=600)
CODES = RNG.integers(0, 3, 600)
ASSOCIATED = {
    "a number and its cube": (Content(NUMBER, None), Content(NUMBER**3, None), (1.0, 1.0)),
    "two numbers": (Content(NUMBER, None), Content(RNG.normal(size=600), None), (0, 0.15)),
    "a category and its number": (
        Content(None, CODES),
        Content(CODES + 0.01 * NUMBER, None),
        (0.9, 1.0),
    ),
    "a category and any number": (Content(None, CODES), Content(NUMBER, None), (0, 0.15)),
    "an id and any number": (Content(None, np.arange(600)), Content(NUMBER, None), (0, 0.01)),
    "renamed categories": (Content(None, CODES), Content(None, 2 - CODES), (0.99, 1.0)),
    "two categories": (
        Content(None, CODES),
        Content(None, RNG.integers(0, 4, 600)),
        (0, 0.15),
    ),
    "ids and categories": (Content(None, np.arange(600)), Content(None, CODES), (0, 0.2)),
    "a constant": (Content(np.ones(600), None), Content(NUMBER, None), (0, 0)),
    "a number with gaps": (
        Content(np.where(NUMBER > 1, np.nan, NUMBER), None),
        Content(NUMBER, None),
        (0.5, 0.99),
    ),
}


@pytest.mark.parametrize("name", ASSOCIATED)
def test_association(name: str) -> None:
    first, second, (low, high) = ASSOCIATED[name]
    found = association([first, second])
    assert found[0, 1] == found[1, 0]
    assert low - 1e-9 <= found[0, 1] <= high + 1e-9


def test_a_group_is_close_in_all_its_pairs() -> None:
    close = np.eye(4)
    close[0, 1] = close[1, 0] = close[1, 2] = close[2, 1] = 0.9
    assert groups(close, 0.8) == [[0, 1]]
