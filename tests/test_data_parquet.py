"""Parquet files are tables like those of a CSV, with the same numbers to the last bit."""

from __future__ import annotations

import datetime
import decimal
import os
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from resuming import flowers
from running import bpcli, table

from bpcli.config.errors import DataError
from bpcli.data.read import open_table, read_table
from bpcli.data.spec import DataSpec

SPEC = DataSpec(path="x")
DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 13, 30)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, None, -3], ["1", "", "-3"]),
        ([0.1, float("nan"), 1e300], ["0.1", "", "1e+300"]),
        ([True, None, False], ["true", "", "false"]),
        (["a", " b,\n\"c'", None], ["a", " b,\n\"c'", ""]),
        ([DAY, None], ["2024-02-29", ""]),
        ([MOMENT, None], ["2024-02-29T13:30:00", ""]),
        ([decimal.Decimal("1.50"), None], ["1.50", ""]),
        (pyarrow.array(["x", None, "x"]).dictionary_encode(), ["x", "", "x"]),
        (pyarrow.array([None, None], pyarrow.null()), ["", ""]),
        (pyarrow.array([1.5, 2.5], pyarrow.float32()), ["1.5", "2.5"]),
    ],
    ids=str,
)
def test_cells(values: object, texts: list[str], tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"a": values}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", SPEC).text("a").tolist() == texts


def test_numbers_have_their_bits(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-500, 500).clip(
        -300, 300
    )
    parquet.write_table(pyarrow.table({"a": numbers}), tmp_path / "t.parquet", row_group_size=64)
    found = read_table(tmp_path / "t.parquet", SPEC)
    assert found.numbers("a").tobytes() == numbers.tobytes()


def test_a_part_is_a_row_group(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"a": range(10)}), tmp_path / "t.parquet", row_group_size=4)
    reader = open_table(tmp_path / "t.parquet", SPEC)
    assert [(part.start, part.n_rows) for part in reader] == [(0, 4), (4, 4), (8, 2)]
    assert reader.rows == 10


def test_a_gap_is_a_word_that_means_it(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"a": ["x", None]}), tmp_path / "t.parquet")
    spec = DataSpec(path="x", missing=("NA",))
    assert read_table(tmp_path / "t.parquet", spec).cells("a").missing.tolist() == [False, True]


def test_a_damaged_page_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"a": [str(i) for i in range(5000)]}), path)
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path, SPEC)
    assert [one.id for one in caught.value.problems] == ["BP-D080"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="there is no such file"):
        read_table(tmp_path / "t.parquet", SPEC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with iris as a CSV and as Parquet, and a run on each."""
    folder = tmp_path_factory.mktemp("parquet")
    config = flowers(folder).read_text()
    rows = table((folder / "flowers.csv").read_text())
    columns = {
        name: [one[name] if name == "species" else float(one[name]) for one in rows]
        for name in rows[0]
    }
    parquet.write_table(pyarrow.table(columns), folder / "flowers.parquet", row_group_size=60)
    (folder / "parquet.yaml").write_text(config.replace("flowers.csv", "flowers.parquet"))
    bpcli("train", "flowers.yaml", "-o", "csv", cwd=folder)
    bpcli("train", "parquet.yaml", "-o", "parquet", cwd=folder)
    return folder


def test_training_comes_to_the_same(place: Path) -> None:
    for file in ("metrics.json", "split.csv", "predictions_test.csv"):
        assert (place / "parquet" / file).read_bytes() == (place / "csv" / file).read_bytes()


def test_either_model_predicts_either_file(place: Path) -> None:
    said = {
        bpcli("predict", run, f"flowers.{kind}", "-q", cwd=place).stdout
        for run in ("csv", "parquet")
        for kind in ("csv", "parquet")
    }
    assert len(said) == 1


def test_init_reads_it(place: Path) -> None:
    bpcli("init", "flowers.parquet", "-o", "new.yaml", cwd=place)
    bpcli("train", "new.yaml", "-o", "new", "--set", "epochs=2", cwd=place)
