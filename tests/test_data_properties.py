"""Properties of every table: it reads back as written, and an injury is on its line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bpcli.config.errors import DataError
from bpcli.data.read import read_table
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table

CELL = st.text("ab01.é ,;'\"\n", max_size=5)
ROW = st.lists(CELL, min_size=3, max_size=3).filter(lambda row: any(cell.strip() for cell in row))
ROWS = st.lists(ROW, min_size=1, max_size=8)
DIALECT = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|"]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)
HEADER = ["x", "y", "z"]
thoroughly = settings(derandomize=True, max_examples=150, deadline=None)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables") / "t.csv"


def written(rows: list[list[str]], dialect: dict[str, object]) -> str:
    out = io.StringIO()
    csv.writer(out, **dialect).writerows([HEADER, *rows])  # type: ignore[arg-type]
    return out.getvalue()


def read(path: Path, text: str | bytes, delimiter: str) -> Table:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path, DataSpec(path="t.csv", delimiter=delimiter, encoding="utf-8"))


@thoroughly
@given(rows=ROWS, dialect=DIALECT)
def test_a_table_reads_back(path: Path, rows: list[list[str]], dialect: dict[str, str]) -> None:
    table = read(path, written(rows, dialect), dialect["delimiter"])
    assert table.names == tuple(HEADER)
    assert [list(row) for row in zip(*map(table.text, HEADER), strict=True)] == rows


PLAIN = st.lists(st.lists(st.text("ab01.", min_size=1, max_size=4), min_size=3, max_size=3))


def injured(line: str, how: str) -> str | bytes:
    """A line of three cells with something wrong in it."""
    return {
        "a field more": f"{line},9",
        "a field less": line.rpartition(",")[0],
        "an open quote": f'"{line}',
        "a NUL": f"{line}\0",
        "a bad byte": line.encode() + b"\xff",
    }[how]


INJURIES = ["a field more", "a field less", "an open quote", "a NUL", "a bad byte"]


@thoroughly
@given(rows=PLAIN, how=st.sampled_from(INJURIES), data=st.data())
def test_an_injury_is_on_its_line(
    path: Path, rows: list[list[str]], how: str, data: st.DataObject
) -> None:
    assume(rows)
    lines: list[str | bytes] = [",".join(row) for row in [HEADER, *rows]]
    at = data.draw(st.integers(1, len(lines) - 1))
    lines[at] = injured(str(lines[at]), how)
    text = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    with pytest.raises(DataError) as caught:
        read(path, text + b"\n", ",")
    assert caught.value.problems[0].where == f"t.csv, line {at + 1}"
