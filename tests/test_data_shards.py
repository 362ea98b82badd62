"""A table in several files, named by a pattern, is the table of one file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from resuming import flowers
from running import bpcli

from bpcli.config.errors import DataError
from bpcli.data.read import read_table
from bpcli.data.shards import files_of
from bpcli.data.spec import DataSpec

SPEC = DataSpec(path="x")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with iris as one file, and as three."""
    folder = tmp_path_factory.mktemp("shards")
    flowers(folder)
    head, *rows = (folder / "flowers.csv").read_text().splitlines(keepends=True)
    for number, part in enumerate((rows[:40], rows[40:45], rows[45:])):
        (folder / f"part-{number}.csv").write_text(head + "".join(part))
    text = (folder / "flowers.yaml").read_text().replace("flowers.csv", "part-*.csv")
    (folder / "parts.yaml").write_text(text)
    return folder


def test_the_rows_are_those_of_one_file(place: Path) -> None:
    whole, parts = read_table(place / "flowers.csv", SPEC), read_table(place / "part-*.csv", SPEC)
    assert parts.names == whole.names
    for name in whole.names:
        assert parts.text(name).tolist() == whole.text(name).tolist()


def test_a_row_is_named_by_its_own_file(place: Path) -> None:
    table = read_table(place / "part-*.csv", SPEC)
    assert [table.where(row) for row in (0, 39, 40, 44, 45)] == [
        *("part-0.csv, line 2", "part-0.csv, line 41"),
        *("part-1.csv, line 2", "part-1.csv, line 6", "part-2.csv, line 2"),
    ]


def test_training_comes_to_the_same(place: Path) -> None:
    for config, run in (("flowers.yaml", "whole"), ("parts.yaml", "parts")):
        bpcli("train", config, "-o", run, cwd=place)
    files = ("predictions_test.csv", "metrics.json", "split.csv")
    for file in files:
        assert (place / "parts" / file).read_bytes() == (place / "whole" / file).read_bytes()
    account = json.loads((place / "parts" / "run.json").read_text())["data"]["account"]
    assert [one["rows"] for one in account["files"]] == [40, 5, 105]


def test_a_run_of_several_files_is_repeated_and_reported(place: Path) -> None:
    bpcli("train", "parts.yaml", "-o", "run", cwd=place)
    bpcli("verify", "run", "--exact", cwd=place)
    bpcli("report", "run", cwd=place)


def test_sets_may_have_several_files_each(place: Path) -> None:
    given = "{train: 'part-[01].csv', test: part-2.csv, target: petal_width}"
    (place / "sets.yaml").write_text(f"data: {given}\nnetwork: linear\nepochs: 2\n")
    said = bpcli("train", "sets.yaml", "-o", "sets", cwd=place).stderr
    assert "train is part-0.csv, part-1.csv, test is part-2.csv" in said


def test_a_file_of_that_very_name_comes_first(tmp_path: Path) -> None:
    for name in ("a[1].csv", "a1.csv", "a2.csv"):
        (tmp_path / name).write_text("x\n1\n")
    assert [one.name for one in files_of(tmp_path / "a[1].csv")] == ["a[1].csv"]
    assert [one.name for one in files_of(tmp_path / "a[12].csv")] == ["a1.csv", "a2.csv"]


def test_a_column_that_a_file_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_text("x,y\n1,2\n")
    (tmp_path / "a2.csv").write_text("x\n1\n")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "a*.csv", SPEC)
    assert [(one.id, one.where) for one in caught.value.problems] == [("BP-D026", "a2.csv")]


def test_a_pattern_that_fits_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "a*.csv", SPEC)
    assert caught.value.problems[0].id == "BP-D001"
