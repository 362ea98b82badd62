"""Cells that a spreadsheet would run: announced, and on demand written so that it does not."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running import bpcli, train

from bpcli.runs.spreadsheet import formulas, guarded, is_formula

FORMULAS = ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "-1+2", "--1"]
HARMLESS = ["-1", "+1.5e-3", "-.5", "-1,234.5", "a=b", "", " ", "5%", "'=1", "x", "−1"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula(cell: str) -> None:
    assert is_formula(cell)


@pytest.mark.parametrize("cell", [*HARMLESS, -1, -1.5, None])
def test_no_formula(cell: object) -> None:
    assert not is_formula(cell)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.text("'=+-@\t1a", max_size=4) | st.floats() | st.integers()))
def test_guarding_is_undone_and_leaves_no_formula(cells: list[object]) -> None:
    ((name, safe),) = guarded([("=x", cells)])
    assert name == "'=x"
    assert formulas([(name, safe)]) == []
    again = [c.removeprefix("'") if isinstance(c, str) else c for c in safe]
    assert list(map(repr, again)) == list(map(repr, cells))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formulas")
    rows = (f"=id{i},{i}.5,{'@yes' if i % 2 else 'no'}\n" for i in range(24))
    (folder / "t.csv").write_text("id,a,y\n" + "".join(rows))
    (folder / "c.yaml").write_text("data: {path: t.csv}\nnetwork: [{dense: 2}]\nepochs: 1\n")
    train(folder / "c.yaml", "-o", "run", cwd=folder)
    return folder


def test_formulas_are_announced_and_kept(folder: Path) -> None:
    done = bpcli("predict", "run", "t.csv", cwd=folder)
    assert "warning[BP-D146]" in done.stderr
    assert "'=id0'" in done.stderr
    assert next(csv.DictReader(io.StringIO(done.stdout)))["id"] == "=id0"


def test_on_demand_nothing_is_left_to_run(folder: Path) -> None:
    plain = bpcli("predict", "run", "t.csv", cwd=folder).stdout
    done = bpcli("predict", "run", "t.csv", "--spreadsheet-safe", cwd=folder)
    assert "BP-D146" not in done.stderr
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert not any(is_formula(cell) for row in rows for cell in row)
    again = [[cell.removeprefix("'") for cell in row] for row in rows]
    assert again == list(csv.reader(io.StringIO(plain)))
