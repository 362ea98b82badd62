"""A CSV file as a table: what is accepted, what is refused, and with which words."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bpcli.config.errors import DataError
from bpcli.data.numbers import to_numbers
from bpcli.data.read import TableReader, read_table
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table

SHARED = Path(__file__).parents[2] / "shared" / "datasets"


def write(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def table_of(folder: Path, content: str | bytes, **spec: Any) -> Table:
    return read_table(write(folder, content), DataSpec(path="data.csv", **spec))


def shared_file(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not beside the repository")
    return SHARED / name


def problems_of(act: Callable[[], Any]) -> list[tuple[str, str, str]]:
    """(id, where, everything else) of each problem that the call raises."""
    with pytest.raises(DataError) as caught:
        act()
    return [(p.id, p.where, "\n".join((p.what, p.fix, *p.detail))) for p in caught.value.problems]


REFUSED = {
    "empty": ("", "BP-D004", "data.csv", "empty"),
    "blank": (" \n\n", "BP-D004", "data.csv", "empty"),
    "long row": (
        "a,b\n1,2\n3,4,5\n",
        "BP-D014",
        "data.csv, line 3",
        "3 fields, but the header has 2",
    ),
    "short row": ("a,b\n1,2\n3\n", "BP-D014", "data.csv, line 3", "line 3: 3"),
    "first row longer": ("a,b\n1,2,3\n4,5\n", "BP-D014", "data.csv, line 2", "3 fields"),
    "after a quoted line break": ('a,b\n"x\ny",2\n3\n', "BP-D014", "data.csv, line 4", "1 field,"),
    "duplicate names": ("a,b,a\n1,2,3\n", "BP-D012", "data.csv, line 1", "called 'a'"),
    "same but for spaces": ("a, a\n1,2\n", "BP-D012", "data.csv, line 1", "called 'a'"),
    "NUL": ("a,b\n1,\0\n", "BP-D009", "data.csv, line 2", "NUL"),
    "joined files": ("a\n1\n\ufeffa\n2\n", "BP-D009", "data.csv, line 3", "byte order mark"),
    "open quote": ('a,b\n1,2\n3,"4\n5,6\n', "BP-D011", "data.csv, line 3", "never closed"),
    "swallowed row": ('a,b\n1,"2\n3,"4"\n', "BP-D011", "data.csv, line 2", "closing quote"),
    "huge cell": ('a\n"' + "x" * 140_000 + '"\n', "BP-D015", "data.csv, line 2", "131,072"),
    "two delimiters": ("a;b,c\n1;2,3\n", "BP-D010", "data.csv", 'data.delimiter: "," or ";"'),
    "decimal comma, no header": ("1,5;2\n", "BP-D010", "data.csv", '"," and ";" cut the header'),
    "ragged semicolons": (
        "a;b;c\n1;2\n",
        "BP-D014",
        "data.csv, line 2",
        "2 fields, but the header has 3",
    ),
    "latin-1": (b"a\n1\n\x81\n", "BP-D008", "data.csv, line 3", "byte 4 (0x81)"),
    "latin-1, the way out": (b"a\n\x81\n", "BP-D008", "data.csv, line 2", "latin-1"),
    "gb18030": ("a\n丂\n".encode("gb18030"), "BP-D008", "data.csv, line 2", "gb18030"),
    "UTF-16 without its mark": ("a\n1\n".encode("utf-16-le"), "BP-D009", "data.csv, line 1", "NUL"),
    "HTML": ("<!DOCTYPE html>", "BP-D006", "data.csv", "HTML"),
    "JSON": ('[{"a": 1}]', "BP-D006", "data.csv", "JSON"),
    "zip": (b"PK\x03\x04....", "BP-D006", "data.csv", "zip"),
    "gzip": (gzip.compress(b"a\n1\n"), "BP-D006", "data.csv", ".gz"),
    "parquet": (b"PAR1....", "BP-D006", "data.csv", "Parquet"),
    "LFS": ("version https://git-lfs.github.com/spec/v1\n", "BP-D006", "data.csv", "git lfs pull"),
    "header only": ("a,b\n", "BP-D013", "data.csv", "no rows"),
}


@pytest.mark.parametrize(
    "content, spec, id, words",
    [
        ("a;b\n1,5;2\n", {"delimiter": ","}, "BP-D010", 'data.delimiter: ";"'),
        ('"a";"b"\n"1";"2"\n', {"delimiter": ","}, "BP-D010", 'data.delimiter: ";"'),
        ("a\tb\n1\t2\n", {"delimiter": ","}, "BP-D010", r'data.delimiter: "\t"'),
        ("a,b\n1,2\n", {"delimiter": ";"}, "BP-D010", 'data.delimiter: ","'),
        (b"a\n1\n\xe9\n", {"encoding": "utf-8"}, "BP-D008", "cp1252 or latin-1"),
        ("1,2\n3\n", {"header": False}, "BP-D014", "but the first row has 2"),
    ],
)
def test_what_the_config_says_of_a_file_is_not_guessed(
    tmp_path: Path, content: str | bytes, spec: dict[str, Any], id: str, words: str
) -> None:
    ((found, _, said),) = problems_of(lambda: table_of(tmp_path, content, **spec))
    assert found == id
    assert words in said


@pytest.mark.parametrize("case", REFUSED)
def test_a_malformed_file_is_refused(tmp_path: Path, case: str) -> None:
    content, id, where, words = REFUSED[case]
    (first, *_) = problems_of(lambda: table_of(tmp_path, content))
    assert first[:2] == (id, where)
    assert words in first[2]


def test_the_first_five_ragged_lines_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    found = problems_of(lambda: table_of(tmp_path, "a,b\n" + "1\n" * 8))
    assert [where for _, where, _ in found[:5]] == [f"data.csv, line {n}" for n in range(2, 7)]
    assert len(found) == 6
    assert found[5][2].startswith("3 more lines")


@pytest.mark.parametrize(
    "make, id, words",
    [
        (lambda folder: folder / "no.csv", "BP-D001", "does not exist"),
        (lambda folder: Path("https://example.org/a.csv"), "BP-D001", "addresses"),
        (lambda folder: folder, "BP-D002", "a folder"),
        (lambda folder: Path(os.devnull), "BP-D002", "a device"),
        (lambda folder: write(folder, "a\n1\n") / "x", "BP-D003", "Not a directory"),
        (lambda folder: Path("a\0b"), "BP-D003", "null"),
        (lambda folder: write(folder, b"\x1f\x8b\x08", "a.gz"), "BP-D007", "damaged"),
    ],
)
def test_what_is_no_readable_file_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], id: str, words: str
) -> None:
    ((found, _, said),) = problems_of(lambda: read_table(make(tmp_path), DataSpec(path="x")))
    assert found == id
    assert words in said


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ((id, _, said),) = problems_of(lambda: read_table(tmp_path / "pipe", DataSpec(path="x")))
    assert (id, "named pipe" in said) == ("BP-D002", True)


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, stat = write(tmp_path, "a\n1\n"), Path.stat
    calls = []

    def growing(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        calls.append(self)
        if len(calls) == 2:  # after the bytes were read
            self.write_text("a\n1\n2\n")
        return stat(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", growing)
    ((id, _, said),) = problems_of(lambda: read_table(path, DataSpec(path="x")))
    assert id == "BP-D005"
    assert "4 → 6 bytes" in said


ACCEPTED = {
    "plain": ("a,b\n1,x\n2,y\n", {}, {"a": ["1", "2"], "b": ["x", "y"]}, [2, 3]),
    "no last line end": ("a,b\n1,x", {}, {"a": ["1"], "b": ["x"]}, [2]),
    "CR LF": ("a,b\r\n1,x\r\n", {}, {"a": ["1"], "b": ["x"]}, [2]),
    "CR": ("a,b\r1,x\r", {}, {"a": ["1"], "b": ["x"]}, [2]),
    "BOM": ("\ufeffa,b\n1,x\n", {}, {"a": ["1"], "b": ["x"]}, [2]),
    "words pandas would void": ("a\nNA\nnan\nNone\n", {}, {"a": ["NA", "nan", "None"]}, [2, 3, 4]),
    "leading zeros": ("a\n007\n", {}, {"a": ["007"]}, [2]),
    "quoted": ('a,b\n"1,5","say ""x"""\n', {}, {"a": ["1,5"], "b": ['say "x"']}, [2]),
    "line break": ('a,b\n"1\n2",x\n3,y\n', {}, {"a": ["1\n2", "3"], "b": ["x", "y"]}, [2, 4]),
    "blank lines": ("\na,b\n\n1,x\n  \n2,y\n\n", {}, {"a": ["1", "2"], "b": ["x", "y"]}, [4, 6]),
    "no other line ends": ("a\n1\x1c\u2028\x85\n", {}, {"a": ["1\x1c\u2028\x85"]}, [2]),
    "tab rows": ("a\tb\n\t\n", {"delimiter": "\t"}, {"a": [""], "b": [""]}, [2]),
    "no first name": (",b\n0,x\n", {}, {"": ["0"], "b": ["x"]}, [2]),
    "cp1252": (b"a\n\x80\n", {"encoding": "cp1252"}, {"a": ["€"]}, [2]),
    "UTF-16": ("a\n1\n".encode("utf-16"), {"encoding": "utf-16"}, {"a": ["1"]}, [2]),
    "gb18030": ("a\n中文\n".encode("gb18030"), {"encoding": "gb18030"}, {"a": ["中文"]}, [2]),
    "no header": ("\n1,x\n2,y\n", {"header": False}, {"c1": ["1", "2"], "c2": ["x", "y"]}, [2, 3]),
    "comma that most rows lack": ("a|b,c\n1,2\n", {}, {"a|b": ["1"], "c": ["2"]}, [2]),
    "a name with a semicolon": ("a;b\n1\n", {}, {"a;b": ["1"]}, [2]),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_every_cell_is_read_as_it_stands(tmp_path: Path, case: str) -> None:
    content, spec, cells, lines = ACCEPTED[case]
    table = table_of(tmp_path, content, **spec)
    assert {name: list(table.text(name)) for name in table.names} == cells
    assert [table.line_of(row) for row in range(table.n_rows)] == lines


def test_the_bytes_on_disk_are_hashed(tmp_path: Path) -> None:
    packed = gzip.compress(b"a\n1\n")
    table = read_table(write(tmp_path, packed, "a.csv.gz"), DataSpec(path="x"))
    assert table.sha256 == hashlib.sha256(packed).hexdigest()
    assert list(table.text("a")) == ["1"]


def test_a_header_alone_is_a_table_where_that_is_allowed(tmp_path: Path) -> None:
    (table,) = TableReader(write(tmp_path, "a,b\n"), DataSpec(path="x"))
    assert (table.names, table.n_rows, len(table.numbers("a"))) == (("a", "b"), 0, 0)


NOTED = {
    "blank lines": ("a,b\n1,2\n\n\n3,4\n", "BP-D101", "blank lines skipped: 2"),
    "numbers above": ("1,2.5\n3,4\n", "BP-D102", "set data.header: false"),
    "cells above": ("high,2\nlow,3\nhigh,4\n", "BP-D102", "or one of its cells"),
    "semicolons": ("a;b\n1,5;2\n", "BP-D115", 'separated by ";"'),
    "quoted semicolons": ('"a,b";"c"\n"1";"2"\n', "BP-D115", 'data.delimiter: ";"'),
    "tabs": ("a\tb\n1\t2\n", "BP-D115", r'data.delimiter: "\t"'),
    "bars": ("a|b\n1|2\n", "BP-D115", '"|"'),
    "a semicolon header alone": ("a;b\n", "BP-D115", '";"'),
    "latin-1": (b"a,b\n1,caf\xe9 au lait\n", "BP-D116", "as cp1252: line 2 has 'café au lait'"),
    "latin-1, the way out": ("a\n中文\n".encode("gb18030"), "BP-D116", "gb18030 or cp1252"),
    "UTF-16": ("a\n1\n".encode("utf-16"), "BP-D116", "set data.encoding: utf-16"),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_is_noteworthy_is_a_notice(tmp_path: Path, case: str) -> None:
    content, id, words = NOTED[case]
    reader = TableReader(write(tmp_path, content), DataSpec(path="x"))
    list(reader)
    ((found, _, *said),) = reader.notices
    assert found == id
    assert words in "\n".join(said)


def test_what_was_found_is_how_the_next_file_is_read(tmp_path: Path) -> None:
    spec = table_of(tmp_path, "größe;y\n1;2\n".encode("cp1252")).spec
    assert (spec.delimiter, spec.encoding) == (";", "cp1252")
    assert (
        table_of(
            tmp_path, "größe;y\n1;2\n".encode("cp1252"), delimiter=";", encoding="cp1252"
        ).notices
        == ()
    )


NUMBERS = [
    *[("0.1", 0.1), ("-1.5e-3", -0.0015), (" 2 ", 2.0), ("+.5", 0.5), ("1.", 1.0), ("1E5", 1e5)],
    *[("9007199254740993", 9007199254740992.0), ("0.30000000000000004", 0.1 + 0.2)],
    *[("123456789012345678901234567890", 1.2345678901234568e29), ("007", 7.0)],
]
NO_NUMBERS = [
    *[
        "inf",
        "-Infinity",
        "nan",
        "1e999",
        "0x10",
        "1_000",
        "1,5",
        "$5",
        "5%",
        "−1",
        "1 2",
        "1e",
        ".",
    ],
    *["１", "٣", "NA", "-", "true"],
]


@pytest.mark.parametrize("cell, value", NUMBERS)
def test_a_number_is_the_nearest_float(tmp_path: Path, cell: str, value: float) -> None:
    assert table_of(tmp_path, f"a\n{cell}\n").numbers("a").tolist() == [value]


@pytest.mark.parametrize("cell", NO_NUMBERS)
def test_no_other_text_is_a_number(tmp_path: Path, cell: str) -> None:
    table = table_of(tmp_path, f'a\n1\n"{cell}"\n')
    ((id, where, said),) = problems_of(lambda: table.numbers("a"))
    assert (id, where) == ("BP-D016", "data.csv, line 3")
    assert f"line 3: {cell!r}" in said and "'a'" in said


def test_a_decimal_comma_is_the_only_sign_where_it_is_set(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a;b\n1,5;1.5\n", delimiter=";", decimal=",")
    assert table.numbers("a").tolist() == [1.5]
    assert problems_of(lambda: table.numbers("b"))[0][0] == "BP-D016"


@pytest.mark.parametrize(
    "spec, cells, values",
    [
        (
            {"thousands": ","},
            ["1,234,567", "-12,345.5", "1234", "0.5"],
            [1234567, -12345.5, 1234, 0.5],
        ),
        ({"thousands": ",", "missing": ("", "x")}, ["1,000e1", "x"], [10000, np.nan]),
        ({"thousands": " "}, ["1 234", "1\u00a0234.5", "1\u202f234"], [1234, 1234.5, 1234]),
        ({"thousands": "'"}, ["1'234'567"], [1234567]),
        ({"thousands": ".", "decimal": ","}, ["1.234,5", "1.234", ",5"], [1234.5, 1234, 0.5]),
        ({"decimal": ","}, ["-1,5e-3", "2", "+,5"], [-0.0015, 2, 0.5]),
    ],
)
def test_signs_inside_numbers_are_read_where_they_are_declared(
    tmp_path: Path, spec: dict[str, Any], cells: list[str], values: list[float]
) -> None:
    content = "a;b\n" + "".join(f"{cell};0\n" for cell in cells)
    table = table_of(tmp_path, content, delimiter=";", **spec)
    np.testing.assert_array_equal(table.numbers("a"), values)


@pytest.mark.parametrize(
    "cell", ["1,23", "1234,567", ",123", "1,,234", "1,2345", "1.5,000", ",", ""]
)
def test_groups_of_other_than_three_digits_are_no_number(cell: str) -> None:
    assert np.isnan(to_numbers([cell], ".", ",")).all()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.text("01.eE+-", min_size=1, max_size=6), max_size=4))
def test_numbers_are_read_alike_together_and_beside_text(words: list[str]) -> None:
    alone = to_numbers(words, ".")
    np.testing.assert_array_equal(to_numbers([*words, "text"], ".")[:-1], alone)


def test_missing_words_are_missing_with_spaces_around_them_too(tmp_path: Path) -> None:
    table = table_of(tmp_path, 'a,b\n1,\n" ",\n NA ,\n"",\n', missing=("", "NA"))
    assert np.isnan(table.numbers("a")).tolist() == [False, True, True, True]


def test_the_first_five_bad_cells_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a\n" + "x\n" * 9)
    ((_, _, said),) = problems_of(lambda: table.numbers("a"))
    assert said.count("'x'") == 5
    assert "and 4 more" in said


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts")


PIECES = st.sampled_from(["1,2\n", ",", "\n", "\r\n", "\r", '"', '""', '"x\ny"', " ", "x"])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=20))
def test_a_text_is_read_as_the_csv_module_reads_it_or_refused(
    folder: Path, pieces: list[str]
) -> None:
    text = "a,b\n1,2\n" + "".join(pieces)
    try:
        table = table_of(folder, text)
    except DataError:
        return
    read = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = [row for row in read if row and not (len(row) == 1 and row[0].isspace())]
    assert [list(row) for row in zip(table.text("a"), table.text("b"), strict=True)] == rows[1:]


def test_the_specs_are_there_without_pandas() -> None:
    script = "import sys, bpcli.data.spec; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.parametrize(
    "field, value",
    [
        *[("encoding", "nope"), ("encoding", "base64"), ("delimiter", "ab"), ("path", "")],
        *[("thousands", "."), ("thousands", "x"), ("header", "no")],
    ],
)
def test_a_setting_that_cannot_work_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        DataSpec.model_validate({"path": "x", field: value})


@pytest.mark.parametrize(
    "name, spec, rows, columns",
    [
        ("titanic_train.csv", {}, 891, 12),
        ("california_housing.csv.gz", {}, 20_640, 10),
        ("penguins_raw.csv", {}, 344, 17),
        ("bank-additional.csv", {}, 4_119, 21),
        ("SeoulBikeData.csv", {}, 8_760, 14),
        ("Skin_NonSkin.txt.gz", {"header": False}, 245_057, 4),
        ("car_evaluation.csv", {"header": False}, 1_728, 7),
        ("CASP.csv.gz", {}, 45_730, 10),
    ],
)
def test_real_tables_are_read_whole(
    name: str, spec: dict[str, Any], rows: int, columns: int
) -> None:
    table = read_table(shared_file(name), DataSpec(path=name, **spec))
    assert (table.n_rows, len(table.names)) == (rows, columns)
    assert table.names[0].isprintable()


def test_a_real_table_without_a_header_is_refused() -> None:
    path = shared_file("car_evaluation.csv")
    ((id, _, said),) = problems_of(lambda: read_table(path, DataSpec(path="x")))
    assert (id, "set data.header: false" in said) == ("BP-D012", True)
