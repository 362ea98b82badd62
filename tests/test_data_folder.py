"""The tables in data/ are what data/make.py writes, and what data/README.md says."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
SHAPES = {  # rows, inputs, target
    "linear": (4, 1, "y"),
    "iris": (150, 4, "species"),
    "wine": (178, 13, "cultivar"),
    "breast_cancer": (569, 30, "diagnosis"),
    "diabetes": (442, 10, "progression"),
    "digits": (1797, 64, "digit"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    command = [sys.executable, str(DATA / "make.py"), str(folder)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


def test_the_script_writes_every_table_and_nothing_else(made: Path) -> None:
    assert {path.stem for path in made.iterdir()} == set(SHAPES)
    assert {path.stem for path in DATA.glob("*.csv")} == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_the_script_writes_the_committed_bytes(made: Path, name: str) -> None:
    file = f"{name}.csv"
    assert (made / file).read_bytes() == (DATA / file).read_bytes()


@pytest.mark.parametrize("name", SHAPES)
def test_shape_and_target_are_as_documented(name: str) -> None:
    rows, inputs, target = SHAPES[name]
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *table = csv.reader(file)
    assert (len(table), len(header) - 1, header[-1]) == (rows, inputs, target)
    assert len(set(header)) == len(header)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", column) for column in header)
    assert all(len(row) == len(header) and all(row) for row in table)
    line = f"| `{name}.csv` | {rows} | {inputs} | `{target}`"
    assert line in (DATA / "README.md").read_text(encoding="utf-8")
