"""Features: fitted on training rows alone, applied to each row alone, and everything said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_data_read import problems_of, table_of, write

from bpcli.data.features import Features, describe_levels
from bpcli.data.fitting import fit_features
from bpcli.data.layout import FeatureLayout
from bpcli.data.prepare import Prepared, prepare
from bpcli.data.read import TableReader
from bpcli.data.roles import assign_roles
from bpcli.data.scalers import Scaler, Standard, Unscaled
from bpcli.data.spec import CategoricalSpec, DataSpec, PreprocessSpec, SplitSpec
from bpcli.data.split import EXCLUDED, TEST, TRAIN, VALIDATION
from bpcli.data.table import Table
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.numbers import RegressionTarget

MIXED = """age,sex,city,y
20,m,rome,0
,f,,1
40,m,oslo,0
60,f,rome,1
"""


def fit(table: Table, rows: Any = None, scaler: Scaler | None = None, **spec: Any) -> Features:
    at = np.arange(table.n_rows) if rows is None else np.asarray(rows)
    columns = assign_roles(table, table.spec, ("y",), at)
    return fit_features(table, columns, at, PreprocessSpec(numeric=scaler or Unscaled(), **spec))


def test_inputs_are_numbers_then_indicators_then_categories(tmp_path: Path) -> None:
    table = table_of(tmp_path, MIXED)
    features = fit(table)
    assert features.layout.names == (
        *("age", "age is missing", "sex=m", "sex is unseen"),
        *("city=oslo", "city=rome", "city is missing", "city is unseen"),
    )
    assert features.encode(table).tolist() == [
        [20, 0, 1, 0, 0, 1, 0, 0],
        [40, 1, -1, 0, 0, 0, 1, 0],  # the median stands in for the missing age
        [40, 0, 1, 0, 1, 0, 0, 0],
        [60, 0, -1, 0, 0, 1, 0, 0],
    ]


def test_many_categories_are_codes_behind_all_other_inputs(tmp_path: Path) -> None:
    table = table_of(tmp_path, MIXED)
    features = fit(table, categorical=CategoricalSpec(one_hot=1))
    assert features.layout.names == ("age", "age is missing", "sex", "city")
    assert features.encode(table)[:, 2:].tolist() == [[2, 2], [1, 3], [2, 1], [1, 2]]
    features = fit(table, [0, 2], categorical=CategoricalSpec(one_hot=1))
    assert features.layout.names == ("age", "city")  # sex is constant
    assert features.encode(table)[:, 1].tolist() == [2, 0, 1, 2]  # a gap is unseen here


def test_the_width_of_a_vector_is_given_or_grows_with_the_categories() -> None:
    assert CategoricalSpec().width_of(10_000) == 8
    auto = CategoricalSpec(width="auto")
    assert [auto.width_of(levels) for levels in (2, 9, 100, 1000, 10**5)] == [2, 5, 21, 77, 100]


def test_the_median_and_the_scale_come_from_the_training_rows(tmp_path: Path) -> None:
    table = table_of(tmp_path, "x,y\n1,0\n3,1\n,0\n1000,1\n")
    features = fit(table, [0, 1, 2], Standard())
    assert {name: tensor.tolist() for name, tensor in features.fitted.items()} == {
        "feature.impute": [2.0],
        "feature.lowest": [1.0],
        "feature.highest": [3.0],
        "feature.deviation": [1.0],
        "feature.mean": [2.0],
        "feature.scale": [1.0],
    }
    assert features.encode(table).tolist() == [[-1, 0], [1, 0], [0, 1], [998, 0]]


@pytest.mark.parametrize("scaler", [Standard(), Unscaled()])
def test_tensors_have_the_names_and_shapes_that_the_layout_says(
    tmp_path: Path, scaler: Scaler
) -> None:
    features = fit(table_of(tmp_path, MIXED), scaler=scaler)
    shapes = {name: tensor.shape for name, tensor in features.fitted.items()}
    assert shapes == features.layout.tensor_shapes()


def test_a_layout_survives_json_and_knows_how_to_read(tmp_path: Path) -> None:
    table = table_of(
        tmp_path, "a;b;y\n1,5;NA;0\n2;3,5;1\n", delimiter=";", decimal=",", missing=("NA",)
    )
    layout = fit(table).layout
    assert FeatureLayout.model_validate_json(layout.model_dump_json()) == layout
    assert FeatureLayout.model_validate(layout.model_dump(mode="json")) == layout
    assert layout.reading("new.csv", {}) == DataSpec(
        path="new.csv", delimiter=";", encoding="utf-8", decimal=",", missing=("NA",)
    )


@pytest.mark.parametrize("scaler", [Standard(), Unscaled()])
def test_scaling_is_undone_by_its_inverse(scaler: Scaler) -> None:
    values = np.array([[1.0, 5.0, np.nan], [2.0, 5.0, 7.0], [4.0, 5.0, 9.0]])
    fitted = scaler.fit(values)
    scaled = scaler.apply(values, fitted)
    np.testing.assert_allclose(scaler.invert(scaled, fitted), values, rtol=1e-15)
    assert set(fitted) == set(scaler.tensors())
    assert {tensor.shape for tensor in fitted.values()} <= {(3,)}


def test_a_constant_is_scaled_by_one_whatever_rounding_says() -> None:
    fitted = Standard().fit(np.full((10, 1), 0.1))
    assert fitted["scale"].tolist() == [1.0]


def test_rows_are_encoded_alone_in_any_order_of_rows_and_columns(tmp_path: Path) -> None:
    table = table_of(tmp_path, MIXED)
    features = fit(table, scaler=Standard())
    x = features.encode(table)
    assert x.flags.c_contiguous
    for row in range(table.n_rows):
        assert features.encode(table, np.array([row])).tobytes() == x[row].tobytes()
    turned = "city,extra,sex,age\nrome,1,f,60\noslo,1,m,40\n"
    assert features.encode(table_of(tmp_path, turned)).tobytes() == x[[3, 2]].tobytes()


def test_what_training_had_not_is_unseen_or_the_median_and_counted(tmp_path: Path) -> None:
    features = fit(table_of(tmp_path, "a,b,c,y\n1,k,p,0\n3,l,q,1\n5,k,r,1\n"))
    table = table_of(tmp_path, "a,b,c,new\n,m,p,1\n1,,s,1\n1,m,,1\n")
    assert features.layout.names == (
        *("a", "b=l", "b is unseen"),
        *("c=p", "c=q", "c=r", "c is unseen"),
    )
    assert features.encode(table).tolist() == [
        [3, 0, 1, 1, 0, 0, 0],
        [1, 0, 1, 0, 0, 0, 1],
        [1, 0, 1, 0, 0, 0, 1],
    ]
    said = [(notice.id, notice.what) for notice in features.compare(table)]
    assert said == [
        ("BP-D109", "ignored: new"),
        ("BP-D110", "column 'b': 2 cells are none of the trained categories: 'm'"),
        ("BP-D110", "column 'c': 1 cells are none of the trained categories: 's'"),
        ("BP-D111", "column 'a': 1 cells are missing, in training none was: the median stands in"),
        ("BP-D111", "column 'b': 1 cells are missing, in training none was: unseen"),
        ("BP-D111", "column 'c': 1 cells are missing, in training none was: unseen"),
    ]
    assert features.compare(table, known=["new"])[0].id == "BP-D110"


def test_yes_and_no_are_one_input_however_they_are_written(tmp_path: Path) -> None:
    features = fit(table_of(tmp_path, "a,b,y\nyes,0,0\nno,1,1\nyes,,1\n"))
    assert features.layout.names == ("a", "b", "b is missing")
    assert features.encode(table_of(tmp_path, "a,b,y\nYES,1.0,0\nno,2,1\n,,1\n")).tolist() == [
        [1, 1, 0],
        [-1, 0, 0],
        [0, 0, 1],
    ]
    said = [notice.what for notice in features.compare(table_of(tmp_path, "a,b\n,2\n"))]
    assert said == [
        "column 'b': 1 cells are none of yes and no: '2'",
        "column 'a': 1 cells are missing, in training none was: halfway",
    ]


def test_only_the_most_frequent_categories_are_kept(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,y\n" + "d,0\n" * 3 + "c,1\n" * 2 + "b,0\n" * 2 + "a,1\n")
    features = fit(table, categorical=CategoricalSpec(max_levels=2))
    assert features.layout.categorical[0].levels == ("b", "d")  # b before c among equals
    assert features.encode(table)[:, 0].tolist() == [1, 1, 1, 0, 0, -1, -1, 0]
    assert features.encode(table)[:, 1].tolist() == [0, 0, 0, 1, 1, 0, 0, 1]
    (notice,) = describe_levels(features.layout, table, np.arange(8))
    assert (notice.id, notice.where) == ("BP-D108", "a")


def test_all_that_a_new_table_lacks_is_one_error(tmp_path: Path) -> None:
    features = fit(table_of(tmp_path, MIXED))
    table = table_of(tmp_path, "age,Sex,town\nold,m,rome\n")
    found = problems_of(lambda: features.encode(table))
    assert [id for id, _, _ in found] == ["BP-D050", "BP-D050", "BP-D016"]
    assert "'sex' is missing, did you mean 'Sex'?" in found[0][2]
    assert found[2][1] == "data.csv, line 2"
    assert problems_of(lambda: features.compare(table)) == found


def test_a_table_without_rows_has_no_inputs(tmp_path: Path) -> None:
    features = fit(table_of(tmp_path, MIXED), scaler=Standard())
    path = write(tmp_path, "age,sex,city\n", "empty.csv")
    table = next(iter(TableReader(path, features.layout.reading("empty.csv", {}))))
    assert features.encode(table).shape == (0, 8)
    assert features.compare(table) == []


def test_numbers_too_large_to_scale_are_refused(tmp_path: Path) -> None:
    table = table_of(tmp_path, "ok,x,y\n1,1e308,0\n2,-1.5e308,1\n")
    ((id, _, said),) = problems_of(lambda: fit(table, scaler=Standard()))
    assert (id, said.splitlines()[0]) == ("BP-D051", "the numbers are too large to scale: x")
    features = fit(table_of(tmp_path, "x,y\n1e-150,0\n2e-150,1\n"), scaler=Standard())
    large = table_of(tmp_path, "x\n0\n1e300\n")
    ((id, where, _),) = problems_of(lambda: features.encode(large))
    assert (id, where) == ("BP-D052", "data.csv, line 3")


def ready(
    folder: Path,
    content: str,
    task: str = "auto",
    seed: int = 0,
    splitting: SplitSpec | None = None,
    preprocess: PreprocessSpec | None = None,
    **spec: Any,
) -> Prepared:
    write(folder, content)
    data = DataSpec(path="data.csv", **spec)
    return prepare(
        data, splitting or SplitSpec(), preprocess or PreprocessSpec(), task, seed, folder
    )


def test_four_rows_are_enough_for_a_line(tmp_path: Path) -> None:
    prepared = ready(tmp_path, "x,y\n1,2\n2,4\n3,6\n4,8\n")
    assert prepared.task == "regression"
    assert isinstance(prepared.target, RegressionTarget)
    assert [len(prepared.rows(which)) for which in (TRAIN, VALIDATION, TEST)] == [2, 1, 1]
    assert (prepared.x.shape, prepared.t.shape) == ((4, 1), (4, 1))
    assert [notice.id for notice in prepared.notices] == ["BP-D103"]


def random_table(seed: int, n: int = 60) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    ages = [f"{age:.2f}" if age > 30 else "" for age in rng.uniform(20, 90, n)]
    return [[age, f"c{rng.integers(6)}", f"{rng.normal():.3f}"] for age in ages]


def as_csv(rows: list[list[str]], labels: list[str]) -> str:
    lines = [",".join([*row, label]) for row, label in zip(rows, labels, strict=True)]
    return "age,city,z,y\n" + "".join(line + "\n" for line in lines)


def test_rows_that_are_not_trained_on_change_nothing_that_is_fitted(tmp_path: Path) -> None:
    labels = [str(i % 2) for i in range(60)]
    rows, others = random_table(1), random_table(2)
    before = ready(tmp_path, as_csv(rows, labels), target="y")
    train = set(before.rows(TRAIN).tolist())
    mixed = [rows[i] if i in train else [*others[i][:1], "new", "1e6"] for i in range(60)]
    after = ready(tmp_path, as_csv(mixed, labels), target="y")
    assert (after.features.layout, after.columns) == (before.features.layout, before.columns)
    for name, tensor in before.features.fitted.items():
        assert after.features.fitted[name].tobytes() == tensor.tobytes()
    at = before.rows(TRAIN)
    assert after.sets.tobytes() == before.sets.tobytes()
    assert after.x[at].tobytes() == before.x[at].tobytes()
    assert after.x.tobytes() != before.x.tobytes()


def test_targets_that_are_not_trained_on_do_not_scale_the_target(tmp_path: Path) -> None:
    labels = [f"{i}.5" for i in range(60)]
    before = ready(tmp_path, as_csv(random_table(1), labels), target="y")
    train = set(before.rows(TRAIN).tolist())
    labels = [label if i in train else f"{i}000.5" for i, label in enumerate(labels)]
    after = ready(tmp_path, as_csv(random_table(1), labels), target="y")
    for name, tensor in before.target_fitted.items():
        assert after.target_fitted[name].tobytes() == tensor.tobytes()


def test_rows_without_a_target_are_left_out_and_counted(tmp_path: Path) -> None:
    labels = ["" if i % 6 == 0 else "ab"[i % 2] for i in range(60)]
    prepared = ready(tmp_path, as_csv(random_table(1), labels), target="y")
    assert isinstance(prepared.target, ClassTarget)
    assert prepared.rows(EXCLUDED).tolist() == list(range(0, 60, 6))
    assert np.isnan(prepared.t).any(axis=1).nonzero()[0].tolist() == list(range(0, 60, 6))
    assert "BP-D106" in [notice.id for notice in prepared.notices]


def test_the_seed_alone_changes_the_sets(tmp_path: Path) -> None:
    content = as_csv(random_table(1), [str(i % 2) for i in range(60)])
    one, same, other = (ready(tmp_path, content, seed=seed) for seed in (0, 0, 1))
    assert one.x.tobytes() == same.x.tobytes()
    assert one.sets.tobytes() == same.sets.tobytes() != other.sets.tobytes()
