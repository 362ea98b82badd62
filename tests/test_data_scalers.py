"""Scalers: what each one does to numbers, and that its inverse undoes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from components import members, parametrize
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_data_features import MIXED, fit, ready
from test_data_read import problems_of, table_of

from bpcli.data.scalers import Clipped, Log, MinMax, Quantile, Robust, Scaler, Standard
from bpcli.data.spec import PreprocessSpec
from bpcli.data.split import TRAIN
from bpcli.data.targets.numbers import RegressionTarget

VALUES = np.array([[1.0, 5.0, np.nan], [2.0, 5.0, 7.0], [4.0, 5.0, 9.0], [3.0, 5.0, 1.0]])
SIGNED = [scaler for scaler in members(Scaler) if not scaler.positive]
signed = pytest.mark.parametrize("scaler", SIGNED, ids=lambda scaler: scaler.name)


@parametrize("scaler", Scaler)
def test_the_inverse_undoes_it(scaler: Scaler) -> None:
    fitted = scaler.fit(VALUES)
    scaled = scaler.apply(VALUES, fitted)
    inside = VALUES.copy()
    if isinstance(scaler, Quantile):  # held at its outermost knots, half a rank from the ends
        inside[:] = np.clip(VALUES, fitted["knots"][0], fitted["knots"][-1])
    np.testing.assert_allclose(scaler.invert(scaled, fitted), inside, rtol=1e-12)
    assert scaled.shape == VALUES.shape
    assert np.isnan(scaled).tolist() == np.isnan(VALUES).tolist()


@parametrize("scaler", Scaler)
def test_tensors_have_the_shapes_that_it_says(scaler: Scaler) -> None:
    for columns in (0, 1, 3):
        fitted = scaler.fit(VALUES[:, :columns])
        assert {name: t.shape for name, t in fitted.items()} == scaler.shapes(columns)
        assert tuple(fitted) == scaler.tensors()
        assert scaler.apply(VALUES[:, :columns], fitted).shape == (4, columns)


@parametrize("scaler", Scaler)
def test_a_row_is_scaled_alone(scaler: Scaler) -> None:
    fitted = scaler.fit(VALUES)
    together = scaler.apply(VALUES, fitted)
    for row in range(len(VALUES)):
        assert scaler.apply(VALUES[row : row + 1], fitted).tobytes() == together[row].tobytes()


@parametrize("scaler", Scaler)
def test_a_constant_and_an_empty_column_stay_finite(scaler: Scaler) -> None:
    values = np.column_stack([np.full(10, 0.1), np.full(10, np.nan)])
    fitted = scaler.fit(values)
    assert all(np.isfinite(tensor).all() for tensor in fitted.values())
    fitted_to = scaler.name not in ("none", "divide")
    if fitted_to:
        np.testing.assert_allclose(scaler.apply(values, fitted)[:, 0], 0, atol=1e-15)
    np.testing.assert_allclose(
        scaler.invert(np.zeros((1, 2)), fitted)[0, 0], 0.1 if fitted_to else 0.0
    )


@signed
def test_the_layout_knows_the_tensors(tmp_path: Path, scaler: Scaler) -> None:
    features = fit(table_of(tmp_path, MIXED), scaler=scaler)
    shapes = {name: tensor.shape for name, tensor in features.fitted.items()}
    assert shapes == features.layout.tensor_shapes()
    assert np.isfinite(features.encode(table_of(tmp_path, MIXED))).all()


@parametrize("scaler", Scaler)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.001, 1e6), min_size=2, max_size=30))
def test_it_keeps_the_order(scaler: Scaler, numbers: list[float]) -> None:
    values = np.sort(np.array(numbers))[:, None]
    scaled = scaler.apply(values, scaler.fit(values))[:, 0]
    assert (np.diff(scaled) >= -1e-9).all()


def test_robust_is_by_quartiles_with_a_smooth_bound() -> None:
    values = np.array([[0.0], [1], [2], [3], [1e9]])
    fitted = Robust().fit(values)
    assert (fitted["center"].tolist(), fitted["factor"].tolist()) == ([2.0], [0.5])
    z = (values - 2) / 2
    np.testing.assert_allclose(Robust().apply(values, fitted), z / np.sqrt(1 + (z / 3) ** 2))
    assert Robust(clip="none").apply(values, fitted).tolist() == z.tolist()
    huge = np.array([[1e200], [-1e200]])
    np.testing.assert_allclose(Robust().apply(huge, fitted), [[3], [-3]])
    np.testing.assert_allclose(Robust(clip=1.0).apply(huge, fitted), [[1], [-1]])


def test_robust_falls_back_to_the_range_and_silences_a_constant() -> None:
    values = np.array([[5.0, 7], [5, 7], [5, 7], [5, 7], [9, 7]])
    assert Robust().fit(values)["factor"].tolist() == [0.5, 0]
    assert Robust().apply(np.array([[5.0, 8]]), Robust().fit(values)).tolist() == [[0, 0]]


def test_what_robust_cannot_invert_ends_at_a_bound() -> None:
    fitted = {"center": np.zeros(1), "factor": np.ones(1)}
    inverted = Robust().invert(np.array([[3.0], [-50.0]]), fitted)
    np.testing.assert_allclose(np.abs(inverted), 3 * 0.999 / np.sqrt(1 - 0.999**2))


def test_minmax_spans_zero_to_one() -> None:
    fitted = MinMax().fit(np.array([[2.0], [4], [np.nan]]))
    assert MinMax().apply(np.array([[2.0], [3], [6]]), fitted).tolist() == [[0], [0.5], [2]]


def test_quantiles_make_any_distribution_normal() -> None:
    values = np.random.default_rng(0).exponential(size=(20_000, 1)) ** 3
    scaled = Quantile().apply(values, Quantile().fit(values))
    assert abs(scaled.mean()) < 0.01
    assert abs(scaled.std() - 1) < 0.01
    assert abs((scaled**3).mean()) < 0.05
    assert scaled.max() == -scaled.min() == pytest.approx(3.29, abs=0.01)


def test_a_value_that_is_often_there_lies_in_the_middle_of_its_ranks() -> None:
    values = np.array([0.0] * 50 + [*range(1, 51)])[:, None]
    scaled = Quantile().apply(values, Quantile().fit(values))
    assert scaled[0, 0] == pytest.approx((-3.29 + 0) / 2, abs=0.02)
    assert (np.diff(scaled[50:, 0]) > 0).all()


@pytest.mark.parametrize("scaler", [Robust(), MinMax(), Standard(), Quantile()])
def test_a_spread_that_overflows_is_refused(tmp_path: Path, scaler: Scaler) -> None:
    table = table_of(tmp_path, "ok,x,y\n1,1.6e308,0\n2,-1.7e308,1\n3,-1.6e308,1\n4,1.7e308,1\n")
    ((id, _, said),) = problems_of(lambda: fit(table, scaler=scaler))
    assert (id, said.splitlines()[0]) == ("BP-D051", "the numbers are too large to scale: x")


@signed
def test_a_table_without_numbers_has_empty_tensors(tmp_path: Path, scaler: Scaler) -> None:
    features = fit(table_of(tmp_path, "a,y\nk,0\nl,1\nm,1\n"), scaler=scaler)
    assert features.layout.scaled == ()
    assert features.encode(table_of(tmp_path, "a,y\nl,0\n")).tolist() == [[0, 1, 0, 0]]


def test_a_logarithm_needs_a_target_above_zero(tmp_path: Path) -> None:
    table = table_of(tmp_path, "x,y\n1,1\n2,0\n3,-2\n4,\n")
    target = RegressionTarget(names=("y",), scaler=Log())
    ((id, where, said),) = problems_of(lambda: target.fit(table, np.array([0])))
    assert (id, where) == ("BP-D048", "data.csv, line 3")
    assert "expected numbers above 0, but 2 of 4 cells are not" in said


def test_a_logarithm_of_the_target_is_undone_in_its_own_units(tmp_path: Path) -> None:
    table = table_of(tmp_path, "x,y\n1,1\n2,100\n3,\n")
    target = RegressionTarget(names=("y",), scaler=Log())
    fitted = target.fit(table, np.array([0, 1, 2]))
    np.testing.assert_allclose(fitted["target.mean"], np.log(10))
    t = target.encode(table, fitted)
    np.testing.assert_allclose(t, [[-1], [1], [np.nan]])
    np.testing.assert_allclose(target.decode(t, fitted), [[1], [100], [np.nan]])
    assert np.isfinite(target.decode(np.array([[1e6]]), fitted)).all()


def test_what_is_clipped_ends_at_the_training_numbers() -> None:
    fitted = Clipped().fit(VALUES)
    bounds = [[1.0, 5.0, 1.0], [4.0, 5.0, 9.0]]
    np.testing.assert_array_equal(
        Clipped().invert(np.array([[-9.0] * 3, [9.0] * 3]), fitted), bounds
    )
    np.testing.assert_array_equal(Clipped().apply(VALUES, fitted), Standard().apply(VALUES, fitted))


@pytest.mark.parametrize(
    "scaler", ["robust", {"robust": 2.5}, {"robust": "none"}, {"quantile": 50}, "log", "clipped"]
)
def test_a_target_is_scaled_as_the_config_says(tmp_path: Path, scaler: Any) -> None:
    rows = "".join(f"{i},{i + 0.5}\n" for i in range(20))
    preprocess = PreprocessSpec.model_validate({"target": scaler})
    prepared = ready(tmp_path, "x,y\n" + rows, preprocess=preprocess)
    assert np.isfinite(prepared.t).all()
    at = prepared.rows(TRAIN)
    assert isinstance(prepared.target, RegressionTarget)
    decoded = prepared.target.decode(prepared.t[at], prepared.target_fitted)
    np.testing.assert_allclose(decoded, prepared.target.truth(prepared.table)[at], atol=1)


@pytest.mark.parametrize(
    "value", [{"robust": 0}, {"quantile": 1}, {"quantile": 1001}, "log", {"minmax": 1}]
)
def test_a_scaler_that_cannot_work_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        PreprocessSpec.model_validate({"numeric": value})
