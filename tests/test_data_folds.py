"""Folds: every row but the test rows is held out once, by a rule that nothing else disturbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import write_csv

from bpcli.config.errors import DataError
from bpcli.data.folds import Folds, make_folds
from bpcli.data.layout import Coded, OneHot
from bpcli.data.prepare import Prepared, prepare, refit
from bpcli.data.spec import DataSpec, PreprocessSpec, SplitSpec
from bpcli.data.split import EXCLUDED, TEST, TRAIN, VALIDATION


def rows_of(n: int = 60) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        {"x": round(float(x), 4), "patient": f"p{i // 4}", "day": i // 3, "kind": "abcaba"[i % 6]}
        for i, x in enumerate(rng.normal(size=n))
    ]


def prepared(folder: Path, rows: list[dict[str, Any]], **data: str) -> Prepared:
    path = write_csv(folder / "t.csv", rows)
    spec = DataSpec(path=path.name, **{"target": "kind", **data})
    return prepare(spec, SplitSpec(), PreprocessSpec(), "auto", 3, folder)


def folds_of(table: Prepared, seed: int = 3, **split: Any) -> Folds:
    return make_folds(table, SplitSpec(**split), seed)


def held_out(folds: Folds) -> np.ndarray[Any, Any]:
    return np.array([fold.sets == VALIDATION for fold in folds.folds])


@pytest.mark.parametrize("data", [{}, {"group": "patient"}, {"target": "x"}])
def test_each_row_is_held_out_once_and_test_rows_never(
    tmp_path: Path, data: dict[str, str]
) -> None:
    table = prepared(tmp_path, rows_of(), **data)
    folds = folds_of(table)
    assert (held_out(folds).sum(axis=0) == (table.sets != TEST)).all()
    for fold in folds.folds:
        assert ((fold.sets == TEST) == (table.sets == TEST)).all()
        assert set(fold.sets.tolist()) == {TRAIN, VALIDATION, TEST}


def test_classes_and_sizes_are_even(tmp_path: Path) -> None:
    table = prepared(tmp_path, rows_of())
    codes = table.target.strata(table.table)
    assert codes is not None
    held = held_out(folds_of(table))
    counts = np.array([np.bincount(codes[one], minlength=3) for one in held])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    assert np.ptp(held.sum(axis=1)) <= 1


def test_groups_stay_together(tmp_path: Path) -> None:
    table = prepared(tmp_path, rows_of(), group="patient")
    patients = np.array([row["patient"] for row in rows_of()])
    for fold in folds_of(table).folds:
        assert not set(patients[fold.sets == VALIDATION]) & set(patients[fold.sets == TRAIN])


def test_time_trains_on_the_past_only(tmp_path: Path) -> None:
    table = prepared(tmp_path, rows_of(), time="day", target="x")
    days = np.array([row["day"] for row in rows_of()])
    folds = folds_of(table).folds
    ends = []
    for fold in folds:
        assert days[fold.sets == TRAIN].max() < days[fold.sets == VALIDATION].min()
        later = days > days[fold.sets == VALIDATION].max()
        assert (fold.sets[later & (table.sets != TEST)] == EXCLUDED).all()
        ends.append(days[fold.sets == VALIDATION].max())
    assert len(folds) == 5 and ends == sorted(set(ends))


def test_repeats_differ_and_the_seed_decides(tmp_path: Path) -> None:
    table = prepared(tmp_path, rows_of())
    first, second = np.split(held_out(folds_of(table, repeats=2)), 2)
    assert (first != second).any()
    assert (first == held_out(folds_of(table))).all()
    assert (first != held_out(folds_of(table, seed=4))).any()


def test_another_value_moves_no_row(tmp_path: Path) -> None:
    rows = rows_of()
    before = held_out(folds_of(prepared(tmp_path, rows)))
    changed = [row | {"x": -row["x"], "more": i} for i, row in enumerate(rows)]
    assert (held_out(folds_of(prepared(tmp_path, changed))) == before).all()


def test_the_only_row_of_a_class_always_trains(tmp_path: Path) -> None:
    rows = [*rows_of(), {"x": 0.5, "patient": "q", "day": 99, "kind": "rare"}]
    table = prepared(tmp_path, rows)
    for fold in folds_of(table).folds:
        assert fold.sets[-1] == TRAIN
        refit(table, PreprocessSpec(), fold.sets)  # or the class would have no training row


@pytest.mark.parametrize(
    "data, expected, id",
    [({}, 10, "BP-D181"), ({"group": "patient"}, 8, "BP-D181"), ({"time": "day"}, 4, "BP-D181")],
)
def test_fewer_folds_where_there_is_less_to_deal_out(
    tmp_path: Path, data: dict[str, str], expected: int, id: str
) -> None:
    rows = rows_of(12 if not data else 40)
    if "time" in data:
        rows = [row | {"day": i // 6} for i, row in enumerate(rows)]
    table = prepared(tmp_path, rows, target="x", **data)
    folds = folds_of(table, folds=30)
    assert len(folds.folds) == expected
    assert [notice.id for notice in folds.notices] == [id]


def test_repeats_of_time_are_one(tmp_path: Path) -> None:
    folds = folds_of(prepared(tmp_path, rows_of(), time="day"), repeats=4)
    assert len(folds.folds) == 5
    assert [notice.id for notice in folds.notices] == ["BP-D182"]


def test_one_group_cannot_be_divided(tmp_path: Path) -> None:
    rows = [row | {"patient": f"p{i // 20}"} for i, row in enumerate(rows_of())]
    table = prepared(tmp_path, rows, group="patient", target="x")
    table = table._replace(sets=np.where(np.arange(60) < 20, TRAIN, TEST).astype(np.int8))
    with pytest.raises(DataError) as error:
        folds_of(table)
    assert error.value.problems[0].id == "BP-D180"


def test_scaling_is_fitted_inside_the_fold(tmp_path: Path) -> None:
    table = prepared(tmp_path, rows_of())
    values = np.array([row["x"] for row in rows_of()])
    for fold in folds_of(table).folds:
        inside = refit(table, PreprocessSpec(), fold.sets)
        column = [c.name for c in inside.columns if c.role == "numeric"].index("x")
        own = values[fold.sets == TRAIN]
        assert inside.x[:, column] == pytest.approx((values - own.mean()) / own.std())


@pytest.mark.parametrize("rare, form", [(0, OneHot), (1, Coded)])
def test_a_category_has_the_form_and_the_vectors_of_the_whole_table(
    tmp_path: Path, rare: int, form: type[OneHot] | type[Coded]
) -> None:
    """Of 8 or 9 towns, and a fold has never more than 8 of the 9."""
    towns = [f"t{i % 8}" for i in range(80)]
    towns[5 : 5 + rare] = ["Ulm"] * rare
    rows = [{"town": town, "y": i % 7 / 3} for i, town in enumerate(towns)]
    table = prepared(tmp_path, rows, target="y")
    sets = np.where(np.arange(80) < 5, TEST, TRAIN).astype(np.int8)
    table = table._replace(sets=sets).refitted(PreprocessSpec())
    (whole,) = table.features.layout.categorical
    assert isinstance(whole, form) and len(whole.levels) == 8 + rare
    for fold in folds_of(table).folds:
        (inside,) = refit(table, PreprocessSpec(), fold.sets).features.layout.categorical
        present = {towns[i] for i in np.flatnonzero(fold.sets == TRAIN)}
        assert isinstance(inside, form) and set(inside.levels) == present
        if isinstance(inside, Coded) and isinstance(whole, Coded):
            assert inside.vectors == whole.vectors == 10
