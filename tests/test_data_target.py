"""The task that a target asks for, its classes and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from test_data_read import problems_of, table_of

from bpcli.data.scalers import Standard, Unscaled
from bpcli.data.table import Table
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.labels import Label, LabelTarget
from bpcli.data.targets.make import AnyTarget, make_target
from bpcli.data.targets.numbers import RegressionTarget
from bpcli.data.task import infer_task


def column(folder: Path, cells: list[Any], **spec: Any) -> Table:
    return table_of(folder, "x,y\n" + "".join(f"1,{cell}\n" for cell in cells), **spec)


TASKS = {
    "two words": (["no", "yes"] * 4, "binary", "text with 2"),
    "three words": (["a", "b", "c"] * 4, "multiclass", "text with 3"),
    "0 and 1": ([0, 1] * 4, "binary", "exactly two values"),
    "1 and 2, gaps": ([1, 2, "", 2], "binary", "exactly two values"),
    "two fractions": ([0.5, 1.5] * 4, "regression", "numeric"),
    "four of four": ([2, 4, 6, 8], "regression", "numeric"),
    "codes": ([f"{i:03}" for i in range(40)] * 2, "multiclass", "40 different codes"),
    "two codes": (["007", "012"] * 5, "binary", "2 different codes with leading zeros"),
    "few whole numbers": ([3, 4, 5, 6] * 15, "multiclass", "4 different whole numbers in 60 rows"),
    "twenty, often": (list(range(20)) * 20, "multiclass", "20 different whole numbers"),
    "twenty, seldom": (list(range(20)) * 19, "regression", "20 different values"),
    "ten, seldom": (list(range(10)) * 4, "regression", "10 different values"),
    "fractions": (np.linspace(0, 1, 60).tolist(), "regression", "60 different values"),
}


@pytest.mark.parametrize("case", TASKS)
def test_the_task_follows_from_the_target(tmp_path: Path, case: str) -> None:
    cells, task, words = TASKS[case]
    found, reason = infer_task(column(tmp_path, cells), ("y",))
    assert found == task
    assert words in reason
    assert reason.endswith(".")


@pytest.mark.parametrize(
    "cells, task",
    [([0, 1, 1], "regression"), ([1, 2, 3, 3], "multiclass"), (["a", "b", "a"], "multiclass")],
)
def test_the_users_task_wins(tmp_path: Path, cells: list[Any], task: str) -> None:
    assert infer_task(column(tmp_path, cells), ("y",), task)[0] == task


HOPELESS = {
    "all missing": (["", ""], "auto", "BP-D040", "all 2 cells are missing"),
    "one class": (["a", "a", ""], "auto", "BP-D041", "all 2 cells are 'a'"),
    "one number": ([5, 5, 5], "regression", "BP-D041", "all 3 cells are '5'"),
    "text as number": ([1.5, "x", "y"], "regression", "BP-D016", "line 3: 'x'"),
    "a slip among numbers": ([1, 2, 3.5, "n/a", 5], "auto", "BP-D016", "line 5: 'n/a'"),
    "three for binary": (["a", "b", "c", "a"], "binary", "BP-D043", "'a' (2), 'b' (1), 'c' (1)"),
    "one number, two spellings": ([1, 0, "1.0", 0], "auto", "BP-D046", "'1.0' (1)"),
    "all different": (["a", "b", "c"], "auto", "BP-D047", "each of the 3 cells"),
}


@pytest.mark.parametrize("case", HOPELESS)
def test_a_target_that_cannot_be_learned_is_refused(tmp_path: Path, case: str) -> None:
    cells, task, id, words = HOPELESS[case]
    table = column(tmp_path, cells)
    ((found, where, said),) = problems_of(lambda: infer_task(table, ("y",), task))
    assert found == id
    assert where.startswith("data.csv")
    assert words in said


def test_classes_are_the_cells_text_sorted_by_code_point(tmp_path: Path) -> None:
    table = column(tmp_path, ["b", " a", "", "Z", "10", "9"])
    target = make_target(table, ("y",), "multiclass", Standard())
    assert isinstance(target, ClassTarget)
    assert target.classes == ("10", "9", "Z", "a", "b")
    assert target.truth(table).tolist() == [4, 3, -1, 2, 0, 1]
    assert target.truth(table).dtype == np.int64


def test_classes_are_encoded_one_hot_and_missing_ones_as_nan(tmp_path: Path) -> None:
    table = column(tmp_path, ["b", "", "a"])
    target = ClassTarget(name="y", classes=("a", "b"))
    expected = [[0, 1], [np.nan, np.nan], [1, 0]]
    np.testing.assert_array_equal(target.encode(table, {}), expected)
    assert target.width == 2


def test_labels_that_are_no_class_are_refused(tmp_path: Path) -> None:
    table = column(tmp_path, ["a", "z", "c", "z"])
    target = ClassTarget(name="y", classes=("a", "b"))
    ((id, where, said),) = problems_of(lambda: target.truth(table))
    assert (id, where) == ("BP-D044", "data.csv, line 4")
    assert "'c', 'z'" in said and "'a', 'b'" in said


def test_a_class_without_a_training_row_is_refused(tmp_path: Path) -> None:
    table = column(tmp_path, ["a", "b", "c", "a"])
    target = ClassTarget(name="y", classes=("a", "b", "c"))
    ((id, _, said),) = problems_of(lambda: target.fit(table, np.array([0, 1, 3])))
    assert (id, "'c'" in said) == ("BP-D045", True)
    assert target.fit(table, np.arange(4)) == target.tensor_shapes() == {}


def test_classes_with_one_row_are_announced(tmp_path: Path) -> None:
    table = column(tmp_path, ["a", "b", "a", ""])
    (notice,) = ClassTarget(name="y", classes=("a", "b")).notices(table)
    assert (notice.id, "'b'" in notice.what) == ("BP-D107", True)


def test_numbers_are_scaled_by_training_rows_and_back(tmp_path: Path) -> None:
    table = column(tmp_path, [1, 3, "", 100])
    target = RegressionTarget(names=("y",), scaler=Standard())
    fitted = target.fit(table, np.array([0, 1]))
    assert {name: tensor.tolist() for name, tensor in fitted.items()} == {
        "target.mean": [2.0],
        "target.scale": [1.0],
    }
    assert {name: tensor.shape for name, tensor in fitted.items()} == target.tensor_shapes()
    t = target.encode(table, fitted)
    np.testing.assert_array_equal(t, [[-1], [1], [np.nan], [98]])
    np.testing.assert_array_equal(target.decode(t, fitted), target.truth(table))


def test_a_target_without_scaling_has_no_tensors(tmp_path: Path) -> None:
    table = column(tmp_path, [1, 3])
    target = make_target(table, ("y",), "regression", Unscaled())
    assert target.fit(table, np.arange(2)) == {}
    assert target.encode(table, {}).tolist() == [[1], [3]]


@pytest.mark.parametrize(
    "target",
    [
        RegressionTarget(names=("y", "z"), scaler=Standard()),
        ClassTarget(name="y", classes=("a", "b")),
        LabelTarget(labels=(Label(name="y", no="0", yes="1"),)),
    ],
)
def test_a_target_survives_json(target: AnyTarget) -> None:
    adapter: TypeAdapter[AnyTarget] = TypeAdapter(AnyTarget)
    assert adapter.validate_json(adapter.dump_json(target)) == target
