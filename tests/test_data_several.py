"""Several targets: their task, which rows count, their numbers and their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_data_read import problems_of, table_of

from bpcli.data.scalers import Log, Standard
from bpcli.data.table import Table
from bpcli.data.targets.labels import Label, LabelTarget
from bpcli.data.targets.make import make_target
from bpcli.data.targets.numbers import RegressionTarget, point
from bpcli.data.task import infer_task

TABLE = """x,price,rooms,sold,seen,town,same
1,1.5,2,yes,1,Ulm,5
2,2.5,3,no,0,Bonn,5
3,,3,yes,0,Ulm,5
4,4.5,2,,1,Ulm,5
5,6.5,1,No,1,Ulm,5
"""


def houses(folder: Path) -> Table:
    return table_of(folder, TABLE)


TASKS = {
    ("price", "rooms"): ("regression", "2 targets has numbers"),
    ("sold", "seen"): ("multilabel", "2 targets has yes and no"),
}


@pytest.mark.parametrize("names", TASKS)
def test_the_task_of_several_targets(tmp_path: Path, names: tuple[str, ...]) -> None:
    task, words = TASKS[names]
    found, reason = infer_task(houses(tmp_path), names)
    assert (found, words in reason) == (task, True)


def test_a_loss_for_numbers_decides(tmp_path: Path) -> None:
    table = table_of(tmp_path, "y\n" + "0\n1\n2\n" * 40)
    assert infer_task(table, ("y",))[0] == "multiclass"
    assert infer_task(table, ("y",), learns="numbers")[0] == "regression"


REFUSED = {
    "numbers and labels": (("price", "sold"), "auto", "BP-D070", "yes and no in 'sold'"),
    "numbers and 0 or 1": (("price", "seen"), "auto", "BP-D070", "set task: regression"),
    "words": (("town", "price"), "auto", "BP-D070", "text in 'town'"),
    "two texts": (("town", "sold"), "multiclass", "BP-D071", "data.target names 2"),
    "not yes and no": (("sold", "rooms"), "multilabel", "BP-D072", "line 2: '2'"),
    "one of them constant": (("price", "same"), "auto", "BP-D041", "'same'"),
    "words as numbers": (("price", "town"), "regression", "BP-D016", "line 2: 'Ulm'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_targets_that_do_not_go_together_are_refused(tmp_path: Path, case: str) -> None:
    names, task, id, words = REFUSED[case]
    table = houses(tmp_path)
    ((found, _, said),) = problems_of(lambda: infer_task(table, names, task))
    assert (found, words in said) == (id, True), said


def test_a_word_that_may_mean_missing_is_asked_about(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,b\nyes,no\nno,yes\nunknown,no\n")
    ((_, _, said),) = problems_of(lambda: infer_task(table, ("a", "b")))
    assert "set data.missing: ['', unknown]" in said


def test_a_row_counts_where_no_target_is_missing(tmp_path: Path) -> None:
    table = houses(tmp_path)
    target = make_target(table, ("price", "sold"), "multilabel", Standard())
    assert target.usable(table).tolist() == [True, True, False, False, True]
    (notice,) = target.notices(table)
    assert notice.id == "BP-D130"
    assert "'price' in 1, 'sold' in 1 rows" in notice.what


def test_each_target_is_scaled_by_its_own_training_rows(tmp_path: Path) -> None:
    table = houses(tmp_path)
    target = make_target(table, ("price", "rooms"), "regression", Standard())
    fitted = target.fit(table, np.array([0, 1]))
    assert fitted["target.mean"].tolist() == [2.0, 2.5]
    assert fitted["target.scale"].tolist() == [0.5, 0.5]
    t = target.encode(table, fitted)
    np.testing.assert_array_equal(target.decode(t, fitted), target.truth(table))


def test_quantiles_are_unscaled_by_target(tmp_path: Path) -> None:
    target = RegressionTarget(names=("a", "b"), scaler=Standard())
    fitted = {"target.mean": np.array([10.0, 20]), "target.scale": np.array([1.0, 2])}
    scaled = np.array([[[-1.0, 0, 1], [-1, 0, 1]]])
    expected = [[[9, 10, 11], [18, 20, 22]]]
    assert target.decode(scaled, fitted).tolist() == expected


@pytest.mark.parametrize(
    "levels, middle", [((), [[1, 2, 3]]), ((0.1, 0.5, 0.9), [2]), ((0.1, 0.9), [1]), ((0.9,), [1])]
)
def test_the_point_prediction_is_the_level_nearest_to_the_median(
    levels: tuple[float, ...], middle: list[int]
) -> None:
    prediction = np.array([[[1.0, 2, 3]]])[..., : len(levels) or 3]
    assert point(prediction, levels).tolist() == [middle]


def test_a_log_needs_numbers_above_zero_in_every_target(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,b\n1,0\n-2,3\n")
    target = RegressionTarget(names=("a", "b"), scaler=Log())
    found = problems_of(lambda: target.fit(table, np.arange(2)))
    assert [(id, where) for id, where, _ in found] == [
        ("BP-D048", "data.csv, line 3"),
        ("BP-D048", "data.csv, line 2"),
    ]


def test_columns_of_several_targets_and_quantiles() -> None:
    target = RegressionTarget(names=("a", "b"), scaler=Standard())
    prediction = np.arange(4.0).reshape(1, 2, 2)
    assert dict(target.answers(prediction, (0.25, 0.5))) == {
        "prediction_a": [1.0],
        "prediction_a_q0.25": [0.0],
        "prediction_a_q0.5": [1.0],
        "prediction_b": [3.0],
        "prediction_b_q0.25": [2.0],
        "prediction_b_q0.5": [3.0],
    }


def test_labels_are_0_and_1_whatever_the_words(tmp_path: Path) -> None:
    table = houses(tmp_path)
    target = make_target(table, ("sold", "seen"), "multilabel", Standard())
    assert isinstance(target, LabelTarget)
    assert target.labels[0] == Label(name="sold", no="no", yes="yes")
    expected = [[1, 1], [0, 0], [1, 0], [np.nan, 1], [0, 1]]
    np.testing.assert_array_equal(target.encode(table, {}), expected)
    answers = dict(target.answers(np.array([[0.9, 0.5]]), ()))
    assert answers == {
        "prediction_sold": ["yes"],
        "prediction_seen": ["0"],
        "p_sold": [0.9],
        "p_seen": [0.5],
    }


def test_a_label_that_is_always_there_in_training_is_refused(tmp_path: Path) -> None:
    table = houses(tmp_path)
    target = make_target(table, ("sold", "seen"), "multilabel", Standard())
    ((id, _, said),) = problems_of(lambda: target.fit(table, np.array([0, 4])))
    assert (id, "'seen'" in said, "'sold'" in said) == ("BP-D073", True, False)


def test_rows_are_stratified_by_their_rarest_label(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,b,c\n1,1,0\n1,0,0\n1,1,1\n0,0,0\n1,0,0\n1,1,0\n")
    target = make_target(table, ("a", "b", "c"), "multilabel", Standard())
    strata = target.strata(table)
    assert strata is not None and strata.tolist() == [2, 1, 3, 0, 1, 2]
