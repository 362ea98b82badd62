"""The role of each column: declared, or inferred from training rows and said with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import bpcli
from test_data_read import problems_of, shared_file, table_of

from bpcli.data.read import read_table
from bpcli.data.roles import Column, assign_roles, check_names, describe_roles, describe_suspects
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table


def column(folder: Path, name: str, cells: list[Any], **spec: Any) -> Table:
    """The column under test between a numeric feature and the target."""
    rows = "".join(f"{i / 7},{cell},{i % 2}\n" for i, cell in enumerate(cells))
    return table_of(folder, f"other,{name},y\n{rows}", **spec)


def roles_of(table: Table, rows: Any = None, target: str = "y") -> dict[str, Column]:
    at = np.arange(table.n_rows) if rows is None else np.asarray(rows)
    return {c.name: c for c in assign_roles(table, table.spec, (target,), at)}


WORDS = [f"w{i}" for i in range(30)]
ROLES = {
    "numbers": ("age", [1, 2.5, "3e1", 1], "numeric"),
    "numbers with gaps": ("age", [1, "", 3, 1], "numeric"),
    "one number and gaps": ("age", [1, "", 1, ""], "numeric"),
    "category": ("sex", ["f", "m", "f", "m"], "categorical"),
    "category with gaps": ("flag", ["x", "", "x", ""], "categorical"),
    "leading zeros": ("zip", ["007", "12", "007", "12"], "categorical"),
    "zero and fractions": ("share", ["0", "0.5", "-0.5", "0"], "numeric"),
    "half text": ("doors", [2, 3, "many", "more"], "categorical"),
    "a quarter text": ("doors", [2, 3, 4, "5more"] * 5, "categorical"),
    "yes and no": ("flag", ["yes", "No", "", "YES"], "boolean"),
    "true and false": ("flag", ["true", "false"], "boolean"),
    "0 and 1": ("flag", [0, 1, "1.0"], "boolean"),
    "yes and false": ("flag", ["yes", "false"], "categorical"),
    "yes, no and more": ("flag", ["yes", "no", "maybe"], "categorical"),
    "only yes": ("flag", ["yes", "", "yes"], "categorical"),
    "0 to 2": ("flag", [0, 1, 2], "numeric"),
    "01 and 00": ("flag", ["01", "00", "01"], "categorical"),
    "ids 0 and 1": ("id", [0, 1], "id"),
    "one value": ("stage", ["a", "a", "a"], "constant"),
    "one number": ("stage", ["1", "1.0", "1"], "constant"),
    "all missing": ("stage", ["", "", ""], "constant"),
    "id": ("id", [1, 2, 3, 4], "id"),
    "Id": ("PassengerId", [9, 8, 7], "id"),
    "_id": ("user_id", ["a1", "b2", "c3"], "id"),
    "number": ("Sample Number", [1, 2, 3], "id"),
    "uuid with gaps": ("uuid", ["x", "", "z"], "id"),
    "id that repeats": ("id", [1, 2, 2, 4], "numeric"),
    "id of fractions": ("id", [0.5, 1.5, 2.5], "numeric"),
    "no id name": ("humid", [1, 2, 3, 4], "numeric"),
    "words all different": ("plate", WORDS[:20], "id"),
    "words all different, few": ("plate", WORDS[:19], "categorical"),
    "texts all different": ("note", [f"a {w}" for w in WORDS], "text"),
    "long texts all different": ("note", [w * 30 for w in WORDS], "text"),
    "mostly different": ("ticket", [*WORDS, *WORDS[:9]], "text"),
    "often repeated": ("city", WORDS * 3, "categorical"),
    "twenty words": ("city", [*WORDS[:20], "w1"], "categorical"),
}


@pytest.mark.parametrize("case", ROLES)
def test_a_role_is_inferred_from_the_cells(tmp_path: Path, case: str) -> None:
    name, cells, role = ROLES[case]
    columns = roles_of(column(tmp_path, name, cells))
    assert columns[name].role == role
    assert (columns["other"].role, columns["y"].role) == ("numeric", "target")


@pytest.mark.parametrize("first, role", [("", "id"), ("Unnamed: 0", "id"), ("n", "numeric")])
def test_a_nameless_first_column_that_counts_is_an_id(
    tmp_path: Path, first: str, role: str
) -> None:
    table = table_of(tmp_path, f"{first},b,y\n0,5,1\n1,5.5,0\n2,7,1\n")
    assert roles_of(table)[first].role == role


@pytest.mark.parametrize("name", ["x", "id", "index"])
def test_the_only_feature_is_never_an_id(tmp_path: Path, name: str) -> None:
    table = table_of(tmp_path, f"{name},y\n1,2\n2,4\n3,6\n4,8\n")
    assert roles_of(table)[name].role == "numeric"


@pytest.mark.parametrize("role", ["numeric", "categorical", "id", "drop"])
def test_a_declared_role_wins(tmp_path: Path, role: str) -> None:
    table = column(tmp_path, "id", [1, 2, 3], columns={"id": role})
    assert roles_of(table)["id"].role == role


def test_a_declared_boolean_must_be_one_in_every_row(tmp_path: Path) -> None:
    table = column(tmp_path, "a", ["yes", "N", "1", "maybe", "?"], columns={"a": "boolean"})
    ((id, where, said),) = problems_of(lambda: roles_of(table, rows=[0, 1]))
    assert (id, where) == ("BP-D018", "data.csv, line 5")
    assert 'data.missing: ["", "?"]' in said


def test_a_declared_column_without_a_training_cell_is_constant(tmp_path: Path) -> None:
    table = column(tmp_path, "a", ["", "", 5], columns={"a": "numeric"})
    assert roles_of(table, rows=[0, 1])["a"].role == "constant"


def test_only_training_rows_decide(tmp_path: Path) -> None:
    table = column(tmp_path, "a", ["x", "x", "y"])
    assert roles_of(table, rows=[0, 1])["a"].role == "constant"
    assert roles_of(table, rows=[1, 2])["a"].role == "categorical"


def test_text_among_numbers_is_refused_with_three_ways_out(tmp_path: Path) -> None:
    header, row = "a,b,c,y\n", "1,2,3,0\n"
    table = table_of(tmp_path, header + row * 20 + "n/a,2,3,1\n1,?,3,1\n1,?,4,0\n")
    a, b = problems_of(lambda: roles_of(table))
    assert (a[:2], b[:2]) == (("BP-D016", "data.csv, line 22"), ("BP-D016", "data.csv, line 23"))
    assert "line 22: 'n/a'" in a[2]
    assert 'correct the cells, or set data.missing: ["", "n/a"]' in a[2]
    assert 'data.columns: {"a": categorical}' in a[2]
    assert 'data.missing: ["", "?"]' in b[2]


def test_words_that_often_mean_missing_are_asked_about_in_a_column_of_text(tmp_path: Path) -> None:
    rows = "".join(f"{i},{job},{plan},{i % 2}\n" for i, job, plan in UNCLEAR)
    table = table_of(tmp_path, "x,job,plan,y\n" + rows)
    notices = describe_suspects(table, tuple(roles_of(table).values()))
    assert [(n.id, n.what) for n in notices] == [
        ("BP-D117", "'unknown' is read as text like any other, in 'job' (2), 'plan' (1) cells"),
        ("BP-D117", "'-' is read as text like any other, in 'plan' (1) cells"),
    ]
    assert notices[1].fix == 'if it means a missing cell, set data.missing: ["", "-"]'


UNCLEAR = [(1, "cook", "a"), (2, "unknown", "-"), (3, "unknown", "unknown"), (4, "smith", "b")]


def test_many_missing_words_do_not_make_a_column_of_numbers_text(tmp_path: Path) -> None:
    table = column(tmp_path, "power", [1.5, 2, "?", "?", "NA", "?", "?"])
    ((id, _, said),) = problems_of(lambda: roles_of(table))
    assert (id, 'set data.missing: ["", "?", "NA"]' in said) == ("BP-D016", True)


@pytest.mark.parametrize(
    "cells, role",
    [([1, 2, "x"], None), ([1, "x", ""], "categorical"), ([1, 2, "x", "z"], "categorical")],
)
def test_a_slip_is_told_from_a_category_by_its_share(
    tmp_path: Path, cells: list[Any], role: str | None
) -> None:
    table = column(tmp_path, "a", cells)
    if role is None:
        assert problems_of(lambda: roles_of(table))[0][0] == "BP-D016"
    else:
        assert roles_of(table)["a"].role == role


def test_text_in_a_later_row_of_a_numeric_column_is_refused_too(tmp_path: Path) -> None:
    table = column(tmp_path, "a", [1, 2, 3.5, "x", "y", "z"])
    ((id, where, _),) = problems_of(lambda: roles_of(table, rows=[0, 1, 2]))
    assert (id, where) == ("BP-D016", "data.csv, line 5")


def test_text_in_a_later_row_of_an_id_is_refused_where_it_is_the_only_feature(
    tmp_path: Path,
) -> None:
    cells = [1, 2, 3, "x"]
    assert roles_of(column(tmp_path, "id", cells), rows=[0, 1, 2])["id"].role == "id"
    table = table_of(tmp_path, "id,y\n" + "".join(f"{cell},{cell}\n" for cell in cells))
    ((id, where, _),) = problems_of(lambda: roles_of(table, rows=[0, 1, 2]))
    assert (id, where) == ("BP-D016", "data.csv, line 5")


def test_a_table_without_a_usable_column_is_refused(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,b,y\n1,x,0\n1,x,1\n")
    ((id, _, said),) = problems_of(lambda: roles_of(table))
    assert id == "BP-D024"
    assert "'a': constant" in said and "'b': constant" in said


def test_what_is_left_out_is_announced_once_for_each_reason(tmp_path: Path) -> None:
    rows = "".join(f"{i},1,k,00{i % 3},{i / 3},0\n" for i in range(5))
    notices = describe_roles(
        tuple(roles_of(table_of(tmp_path, "id,a,b,zip,x,y\n" + rows)).values())
    )
    assert [(notice.id, notice.where) for notice in notices] == [
        ("BP-D104", "id"),
        ("BP-D104", "a, b"),
        ("BP-D105", "zip"),
    ]


@pytest.mark.parametrize(
    "spec, ids, words",
    [
        ({"target": "Y"}, ["BP-D021"], "did you mean 'y'?"),
        ({"target": "zzz"}, ["BP-D021"], "the columns are alpha, beta, y"),
        ({"target": "y", "columns": {"alpa": "id"}}, ["BP-D020"], "did you mean 'alpha'?"),
        ({"target": "q", "columns": {"w": "id"}}, ["BP-D021", "BP-D020"], "'w'"),
        ({"target": "y", "columns": {"y": "numeric"}}, ["BP-D022"], "set task"),
    ],
)
def test_names_that_the_header_lacks_are_refused_together(
    tmp_path: Path, spec: dict[str, Any], ids: list[str], words: str
) -> None:
    table = table_of(tmp_path, "alpha,beta,y\n1,2,3\n", **spec)
    found = problems_of(lambda: check_names(table, table.spec))
    assert [id for id, _, _ in found] == ids
    assert any(words in said for _, _, said in found)


def test_the_target_is_the_last_column_where_none_is_named(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,b\n1,2\n")
    assert check_names(table, table.spec) == ("b",)


REAL = {
    "titanic_train.csv": (
        {"target": "Survived"},
        {"PassengerId": "id", "Name": "text", "Ticket": "text", "Cabin": "text"},
    ),
    "penguins_raw.csv": (
        {"target": "Species", "missing": ("", "NA")},
        {"Region": "constant", "Stage": "constant", "Sex": "categorical"},
    ),
    "mpg.csv": ({"target": "mpg"}, {"name": "text", "origin": "categorical"}),
}


@pytest.mark.parametrize("name", REAL)
def test_real_columns_have_the_role_a_reader_expects(name: str) -> None:
    settings, expected = REAL[name]
    spec = DataSpec(path=name, **settings)
    columns = roles_of(read_table(shared_file(name), spec), target=settings["target"])
    assert {column: columns[column].role for column in expected} == expected


def test_a_missing_word_that_was_not_declared_is_named_for_every_column() -> None:
    spec = DataSpec(path="penguins_raw.csv")
    table = read_table(shared_file("penguins_raw.csv"), spec)
    found = problems_of(lambda: roles_of(table, target="Species"))
    assert len(found) == 6
    assert all('data.missing: ["", "NA"]' in said for _, _, said in found)


@pytest.mark.parametrize(("later", "role"), [("2", "numeric"), ("maybe", "categorical")])
def test_a_boolean_of_the_training_rows_alone_is_none(
    later: str, role: str, tmp_path: Path
) -> None:
    """Else a run could not be repeated from its resolved config, nor its folds be trained on."""
    words = ["0", "1"] if later == "2" else ["no", "yes"]
    sets = ["train"] * 40 + ["validation"] * 10 + ["test"] * 10
    cells = [*(words * 30)[:-1], later]
    rows = [
        f"{a},{i % 7},{i % 2}.{i % 5},{one}"
        for i, (a, one) in enumerate(zip(cells, sets, strict=True))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y,set", *rows, ""]))
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: y, split: set}\nnetwork: linear\nepochs: 2\n"
    )
    bpcli("train", "c.yaml", "-o", "run", "-q", "--set", "task=regression", cwd=tmp_path)
    assert f"a: {role}" in (tmp_path / "run" / "config.resolved.yaml").read_text()
    bpcli("verify", "run", "--exact", "-q", cwd=tmp_path)
