"""Sets by group, time, column and file, and row weights: nothing leaks, and all of it is said."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_data_features import ready
from test_data_read import problems_of, table_of, write

from bpcli.data.arrays import Sets
from bpcli.data.prepare import Prepared, prepare
from bpcli.data.sets import divide
from bpcli.data.spec import DataSpec, PreprocessSpec, SplitSpec
from bpcli.data.split import EXCLUDED, TEST, TRAIN, VALIDATION

ALL = (TRAIN, VALIDATION, TEST)


def divided(
    folder: Path, column: str, cells: list[Any], usable: Any = None, seed: int = 0, **split: Any
) -> tuple[Sets, list[str]]:
    """Sets of a table whose column k is `data.<column>`, and the notices."""
    content = "x,k,y\n" + "".join(f"{i},{cell},{i}\n" for i, cell in enumerate(cells))
    table = table_of(folder, content, **{column: "k"})
    at = np.ones(len(cells), dtype=bool) if usable is None else np.asarray(usable)
    sets, notices = divide(table, table.spec, SplitSpec(**split), seed, None, at)
    return sets, [notice.what for notice in notices]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sets")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    cells=st.lists(st.sampled_from("abcdefgh"), min_size=5, max_size=60),
    seed=st.integers(0, 5),
    test=st.sampled_from([0.0, 0.2, 0.4]),
)
def test_a_group_never_crosses_sets(folder: Path, cells: list[str], seed: int, test: float) -> None:
    asked = 3 if test else 2
    if len(set(cells)) < asked:
        found = problems_of(lambda: divided(folder, "group", cells, test=test))
        assert [id for id, _, _ in found] == ["BP-D034"]
        return
    sets, _ = divided(folder, "group", cells, seed=seed, test=test)
    of = [{cell for cell, which in zip(cells, sets, strict=True) if which == w} for w in ALL]
    assert sum(map(len, of)) == len(set(cells))
    assert all(of[:asked])
    turned, _ = divided(folder, "group", cells[::-1], seed=seed, test=test)
    assert turned[::-1].tolist() == sets.tolist()


def test_groups_fill_the_sets_to_their_shares(tmp_path: Path) -> None:
    cells = [f"g{i % 50}" for i in range(500)]
    sets, said = divided(tmp_path, "group", cells)
    assert [int(np.sum(sets == which)) for which in ALL] == [300, 100, 100]
    assert said == ["by 'k': train 30 groups, validation 10 groups, test 10 groups"]
    assert not np.array_equal(sets, divided(tmp_path, "group", cells, seed=1)[0])


def test_a_group_larger_than_its_set_trains_where_a_smaller_one_is_there(tmp_path: Path) -> None:
    sets, _ = divided(tmp_path, "group", ["a"] * 80 + ["b"] * 9 + ["c"] * 11)
    assert sets[0] == TRAIN
    assert {int(sets[80]), int(sets[89])} == {VALIDATION, TEST}


def test_the_oldest_rows_train_and_the_newest_test(tmp_path: Path) -> None:
    cells = [f"{i:02}/1/2018" for i in (9, 1, 10, 2, 8, 3, 7, 4, 6, 5, 20)]
    sets, said = divided(tmp_path, "time", cells)
    assert sets.tolist() == [1, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2]
    assert said == [
        "by 'k': train 01/1/2018 … 07/1/2018, validation 08/1/2018 … 09/1/2018, "
        "test 10/1/2018 … 20/1/2018"
    ]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    times=st.lists(st.integers(0, 9), min_size=5, max_size=50),
    validation=st.sampled_from([0.0, 0.2]),
    test=st.sampled_from([0.0, 0.3]),
)
def test_sets_by_time_do_not_overlap(
    folder: Path, times: list[int], validation: float, test: float
) -> None:
    used = [TRAIN, *[VALIDATION] * bool(validation), *[TEST] * bool(test)]
    if len(set(times)) < len(used):
        found = problems_of(
            lambda: divided(folder, "time", times, validation=validation, test=test)
        )
        assert [id for id, _, _ in found] == ["BP-D034"]
        return
    sets, _ = divided(folder, "time", times, validation=validation, test=test)
    spans = [(min(at), max(at)) for at in (np.array(times)[sets == which] for which in used)]
    assert len(spans) == len(set(sets.tolist()))
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_calibration_rows_stand_between_validation_and_test_in_time(tmp_path: Path) -> None:
    shares = {"validation": 0.2, "test": 0.2, "calibration": 0.1}
    sets, _ = divided(tmp_path, "time", list(range(10)), **shares)
    assert sets.tolist() == [0] * 5 + [1, 1, 3, 2, 2]


def test_calibration_groups_are_whole(tmp_path: Path) -> None:
    cells = [f"g{i // 2}" for i in range(20)]
    sets, _ = divided(tmp_path, "group", cells, validation=0.2, test=0.2, calibration=0.2)
    assert np.bincount(sets).tolist() == [8, 4, 4, 4]
    assert (sets[::2] == sets[1::2]).all()


def test_a_column_says_which_set_a_row_is_in(tmp_path: Path) -> None:
    cells = ["train", "Training", "VAL", "dev", "valid", "validation", "test", "calibration", ""]
    sets, said = divided(tmp_path, "split", cells, usable=[True] * 8 + [False])
    assert sets.tolist() == [0, 0, 1, 1, 1, 1, 2, 3, EXCLUDED]
    assert said == ["by 'k': train 2 rows, validation 4 rows, test 1 rows, calibration 1 rows"]


REFUSED = {
    "group missing": ("group", ["a", "", "b", "c"], {}, "BP-D035", "line 3: ''"),
    "time missing": ("time", [1, 2, 3, ""], {}, "BP-D035", "line 5: ''"),
    "time of words": ("time", ["a", "b", "c"], {}, "BP-D016", "format of its dates"),
    "unclear dates": ("time", ["1/2/2018", "2/3/2018", "3/4/2018"], {}, "BP-D025", "month"),
    "another word": ("split", ["train", "tset"], {}, "BP-D036", "line 3: 'tset'"),
    "nothing to train on": ("split", ["test", "val"], {}, "BP-D140", "no row is a training row"),
    "no such column": ("group", ["a"] * 9, {"method": "time"}, "BP-D033", "needs data.time"),
    "too few rows": ("time", [1, 2], {}, "BP-D030", "3 rows are needed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_divide_the_rows_is_refused(tmp_path: Path, case: str) -> None:
    column, cells, split, id, words = REFUSED[case]
    ((found, _, said),) = problems_of(lambda: divided(tmp_path, column, cells, **split))
    assert found == id
    assert words in said


def test_two_columns_that_could_divide_need_a_word(tmp_path: Path) -> None:
    content = "x,g,t,y\n" + "".join(f"{i},{i % 5},{i},{i}.5\n" for i in range(20))
    both = {"group": "g", "time": "t"}
    ((id, where, said),) = problems_of(lambda: ready(tmp_path, content, **both))
    assert (id, where) == ("BP-D033", "split.method")
    assert "set split.method: group or time" in said
    chosen = ready(tmp_path, content, splitting=SplitSpec(method="time"), **both)
    assert [(n.id, n.where) for n in chosen.notices if n.id in ("BP-D119", "BP-D120")] == [
        ("BP-D120", "data.group"),
        ("BP-D119", "split"),
    ]
    assert chosen.split_method(SplitSpec(method="time")) == "time"


def test_columns_with_a_purpose_are_no_inputs(tmp_path: Path) -> None:
    rows = "".join(f"{i}.5,{i % 4},g{i % 5},train,{i},{i / 7}\n" for i in range(20))
    prepared = ready(
        tmp_path,
        "x,w,g,s,t,y\n" + rows,
        splitting=SplitSpec(method="group"),
        weight="w",
        group="g",
        split="s",
        time="t",
    )
    roles = {column.name: column.role for column in prepared.columns}
    assert (roles["w"], roles["g"], roles["s"]) == ("weight", "group", "split")
    assert prepared.features.layout.columns == ("x", "t")
    assert {name: role.name for name, role in prepared.declared().items()} == {
        **dict.fromkeys(("w", "g", "s"), "drop"),
        **dict.fromkeys(("x", "t"), "numeric"),
    }
    declared = ready(
        tmp_path, "x,g,y\n1,a,1\n2,b,2\n3,c,3\n4,d,4\n", group="g", columns={"g": "categorical"}
    )
    assert declared.features.layout.columns == ("x", "g")


def test_weights_are_numbers_of_the_rows_that_are_used(tmp_path: Path) -> None:
    content = "x,w,y\n" + "".join(f"{i},{i / 2},{i if i % 4 else ''}\n" for i in range(12))
    prepared = ready(tmp_path, content, task="regression", weight="w")
    assert prepared.weights is not None
    assert prepared.weights.tolist() == [i / 2 if i % 4 else 0 for i in range(12)]
    assert ready(tmp_path, content, task="regression", columns={"w": "drop"}).weights is None


@pytest.mark.parametrize(
    "cells, id, words",
    [
        (["1", "-1", "", "x", "2", "1"], "BP-D027", "but 3 of 6 cells are not"),
        (["0"] * 6, "BP-D028", "every training row has weight 0"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(
    tmp_path: Path, cells: list[str], id: str, words: str
) -> None:
    content = "x,w,y\n" + "".join(f"{i},{cell},{i}\n" for i, cell in enumerate(cells))
    ((found, _, said),) = problems_of(lambda: ready(tmp_path, content, weight="w"))
    assert (found, words in said) == (id, True)


@pytest.mark.parametrize("key", ["weight", "group", "time", "split"])
def test_a_purpose_names_a_column_of_the_file(tmp_path: Path, key: str) -> None:
    ((id, _, said),) = problems_of(lambda: ready(tmp_path, "xs,y\n1,2\n3,4\n", **{key: "x"}))
    assert (id, f"there is no {key} column 'x', did you mean 'xs'?" in said) == ("BP-D020", True)


@pytest.mark.parametrize("key", ["weight", "group", "split"])
def test_the_target_has_no_other_purpose(tmp_path: Path, key: str) -> None:
    found = problems_of(lambda: ready(tmp_path, "x,y\n1,2\n3,4\n", **{key: "y"}))
    assert [id for id, _, _ in found] == ["BP-D022"]


def from_files(
    folder: Path, files: dict[str, str], split: SplitSpec | None = None, **spec: Any
) -> Prepared:
    for key, content in files.items():
        write(folder, content, f"{key}.csv")
    data = DataSpec(**{key: f"{key}.csv" for key in files}, target="y", **spec)
    return prepare(data, split or SplitSpec(), PreprocessSpec(), "regression", 0, folder)


LINES = "x,y\n" + "".join(f"{i},{i / 3}\n" for i in range(10))


def test_each_set_can_have_its_own_file(tmp_path: Path) -> None:
    files = {"train": LINES, "validation": "y,x\n7,1\n,2\n", "test": "x,y,z\n3,9,0\n"}
    prepared = from_files(tmp_path, files)
    assert prepared.sets.tolist() == [TRAIN] * 10 + [VALIDATION, EXCLUDED, TEST]
    assert prepared.table.text("x").tolist()[10:] == ["1", "2", "3"]
    assert prepared.table.where(12) == "test.csv, line 2"
    said = [(notice.where, notice.what) for notice in prepared.notices]
    assert ("test.csv", "ignored: z") in said
    assert ("split", "train is train.csv, validation is validation.csv, test is test.csv") in said
    changed = from_files(tmp_path, files | {"test": "x,y\n1e9,1e9\n"})
    assert changed.features.fitted["feature.mean"] == prepared.features.fitted["feature.mean"]


def test_a_set_without_a_file_is_taken_from_the_training_file(tmp_path: Path) -> None:
    prepared = from_files(tmp_path, {"train": LINES, "test": "x,y\n3,9\n"})
    assert [len(prepared.rows(which)) for which in ALL] == [8, 2, 1]
    assert "validation is taken from it" in " ".join(n.what for n in prepared.notices)
    alone = from_files(tmp_path, {"train": LINES})
    assert [len(alone.rows(which)) for which in ALL] == [6, 2, 2]


def test_a_group_in_two_files_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{i},g{i % 4},{i}\n" for i in range(12))
    files = {"train": "x,g,y\n" + rows, "test": "x,g,y\n1,g2,1\n"}
    ((id, _, said),) = problems_of(lambda: from_files(tmp_path, files, group="g"))
    assert (id, "'g2'" in said) == ("BP-D037", True)


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    files = {"train": LINES, "test": "X,y\n3,9\n"}
    ((id, where, said),) = problems_of(lambda: from_files(tmp_path, files))
    assert (id, where) == ("BP-D026", "test.csv")
    assert "column 'x' of train.csv is missing, did you mean 'X'?" in said


def test_a_bad_cell_is_found_in_its_own_file(tmp_path: Path) -> None:
    files = {"train": LINES, "test": "x,y\n3,9\n?,1\n"}
    ((id, where, _),) = problems_of(lambda: from_files(tmp_path, files))
    assert (id, where) == ("BP-D016", "test.csv, line 3")


@pytest.mark.parametrize(
    "paths", [{}, {"path": "a", "train": "b"}, {"path": "a", "test": "b"}, {"test": "b"}]
)
def test_there_is_one_file_or_one_for_training(paths: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="expected either path, or train"):
        DataSpec.model_validate(paths)
