"""Tables that are missing, damaged, no tables, or nothing to learn from; and files that are odd."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from bad_inputs.case import CLASSES, CONFIG, ROWS, TABLE, Case, Content, made, unreadable

HEAD = "a,b,y\n"
BODY = "".join(ROWS)
LAST = ROWS[-1]


def table(
    name: str,
    id: str,
    text: Content,
    *says: str,
    data: str = "",
    rest: str = "network: [{dense: 2}]\nepochs: 1\n",
    rows: tuple[int, ...] = (),
    exit: int = 4,
    where: str = "t.csv",
) -> Case:
    """A table that is refused; `data` are more keys of the config's data."""
    config = f"data: {{path: t.csv, target: y{data}}}\n{rest}"
    return Case(
        name, id, exit, (where, *says), "train c.yaml", {"c.yaml": config, "t.csv": text}, rows
    )


def path(name: str, id: str, path: str, *says: str, rows: tuple[int, ...] = ()) -> Case:
    """A path that leads to no table."""
    return Case(name, id, 4, says, "train c.yaml", {"c.yaml": CONFIG.replace("t.csv", path)}, rows)


def said(
    name: str, id: str, text: Content, *says: str, config: str = CONFIG, **more: object
) -> Case:
    """A table that is used, but not without a word."""
    return Case(name, id, 0, says, "train c.yaml", {"c.yaml": config, "t.csv": text}, **more)  # type: ignore[arg-type]


def put(value: str, row: int = 5, column: int = 0) -> str:
    """The table with another cell; the row stands on line `row` + 1."""
    rows = [line.rstrip("\n").split(",") for line in ROWS]
    rows[row - 1][column] = value
    return HEAD + "".join(",".join(cells) + "\n" for cells in rows)


def added(name: str, cell: Callable[[int], object], count: int = 20) -> str:
    """The table with one more column in front."""
    rows = [f"{cell(i)},{ROWS[i % 20]}" for i in range(count)]
    return f"{name},{HEAD}" + "".join(rows)


def learned(cell: Callable[[int], object], target: Callable[[int], object], count: int = 30) -> str:
    """A table of one feature, x, and the target."""
    return "x,y\n" + "".join(f"{cell(i)},{target(i)}\n" for i in range(count))


def column(value: str, of: int = 2) -> str:
    """The table with the same cell in a whole column."""
    rows = [line.rstrip("\n").split(",") for line in ROWS]
    return HEAD + "".join(",".join([*c[:of], value, *c[of + 1 :]]) + "\n" for c in rows)


@contextmanager
def growing(folder: Path) -> Iterator[None]:
    """A file that another process appends to once it has been opened."""
    plain = os.fstat

    def fstat(handle: int) -> os.stat_result:
        found = plain(handle)
        with (folder / "t.csv").open("a") as file:
            file.write(LAST)
        return found

    path = folder / "t.csv"
    before = path.stat()
    with patch("bpcli.data.source.os.fstat", fstat):
        yield
    path.write_text(TABLE)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


FILES = [
    path("no such file", "BP-D001", "no.csv", "no.csv", "data.path", rows=(12,)),
    path("standard input", "BP-D029", "'-'", "data.path", "save it to a file", rows=(13,)),
    path("an address", "BP-D001", "'https://example.org/t.csv'", "addresses", rows=(13,)),
    path("an address of a file", "BP-D001", "'file:///etc/hostname'", "addresses", rows=(13,)),
    path("a bucket", "BP-D001", "'s3://bucket/t.csv'", "addresses", rows=(13,)),
    path("a folder", "BP-D002", ".", "a folder", rows=(13,)),
    path("a device", "BP-D002", "/dev/zero", "/dev/zero", "a device", rows=(13,)),
    path("an endless device", "BP-D002", "/dev/urandom", "a device", rows=(13,)),
    path("a terminal", "BP-D002", "/dev/tty", "a device", rows=(13,)),
    Case(
        "a pipe",
        "BP-D002",
        4,
        ("t.csv", "a named pipe"),
        rows=(13,),
        around=lambda folder: made(os.mkfifo, folder / "t.csv"),
    ),
    Case(
        "no read permission",
        "BP-D003",
        4,
        ("t.csv", "Permission denied"),
        rows=(12,),
        around=lambda folder: unreadable(folder / "t.csv"),
    ),
    path("a NUL in the path", "BP-D003", '"a\\0b.csv"', "cannot be read"),
    path("a name that is too long", "BP-D003", "x" * 256 + ".csv", "too long", rows=(82,)),
    path("a path with an escape", "BP-D001", '"\\e[31m.csv"', r"\x1b[31m.csv", rows=(82,)),
    table("an empty file", "BP-D004", "", "empty", rows=(14,)),
    table("a file of blanks", "BP-D004", " \n\n  \n", "empty", rows=(14,)),
    table("a blank in quotes", "BP-D004", '"\r\r"\r\r', "empty", rows=(14,)),
    table("a file of separators", "BP-D004", "\n \x1d\n", "empty", rows=(14,)),
    Case("a file that grows", "BP-D005", 4, ("t.csv", "changed"), rows=(19, 21), around=growing),
    table("a zip archive", "BP-D006", b"PK\x03\x04" + b"\0" * 60, "zip", rows=(13,)),
    table("a Parquet file", "BP-D006", b"PAR1" + b"\0" * 60, "Parquet", rows=(13,)),
    table(
        "an old spreadsheet",
        "BP-D006",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "spreadsheet",
        rows=(13,),
    ),
    table("gzip data", "BP-D006", gzip.compress(TABLE.encode(), mtime=0), ".gz", rows=(13,)),
    table("a web page", "BP-D006", "<!DOCTYPE html><p>404</p>\n", "HTML", rows=(13,)),
    table("JSON", "BP-D006", '{"a": [1, 2]}\n', "JSON", rows=(13,)),
    table(
        "a Git LFS pointer",
        "BP-D006",
        "version https://git-lfs.github.com/spec/v1\n",
        "git lfs pull",
        rows=(13,),
    ),
    Case(
        "a damaged gzip file",
        "BP-D007",
        4,
        ("t.csv.gz", "damaged"),
        files={
            "c.yaml": CONFIG.replace("t.csv", "t.csv.gz"),
            "t.csv.gz": gzip.compress(TABLE.encode())[:-9],
        },
    ),
    table(
        "bytes of another encoding",
        "BP-D008",
        HEAD.encode() + b"1,\xff\xfe,2\n",
        "line 2",
        "0xff",
        data=", encoding: utf-8",
        rows=(18,),
    ),
    table(
        "a byte that is in no encoding",
        "BP-D008",
        BODY.encode() + b"1,\x81\n",
        "0x81",
        "line 21",
        rows=(18,),
    ),
    table(
        "a line without end", "BP-D160", lambda: b"a,b,y\n" + b"1" * 2**25, "line 2", "characters"
    ),
    table("half a UTF-16 character", "BP-D008", TABLE.encode("utf-16")[:-1], "utf-16", rows=(18,)),
    table("a NUL", "BP-D009", put("1\0", 5, 1), "line 6", "NUL", rows=(18,)),
    table(
        "a mark inside",
        "BP-D009",
        TABLE + "\ufeff" + LAST,
        "line 22",
        "byte order mark",
        rows=(18,),
    ),
]

SHAPES = [
    table("two delimiters", "BP-D010", "a;b,y\n1;2,3\n4;5,6\n", '";"', '","', "data.delimiter"),
    table("another delimiter", "BP-D010", TABLE.replace(",", ";"), '";"', data=", delimiter: ','"),
    table("an unclosed quote", "BP-D011", put('"1'), "line 6", "never closed"),
    table("text behind a quote", "BP-D011", put('"1"2'), "line 6", "follows a closing quote"),
    table("a name twice", "BP-D012", TABLE.replace("a,b,y", "a,a,y"), "line 1", "'a'"),
    table("two names that are blank", "BP-D012", TABLE.replace("a,b,y", " ,,y"), "line 1", "''"),
    table("names that differ in spaces", "BP-D012", TABLE.replace("a,b,y", "a, a,y"), "'a'"),
    table("a header alone", "BP-D013", HEAD, "no rows", rows=(14,)),
    table("a long row", "BP-D014", put("1,9"), "line 6", "4 fields", "header has 3", rows=(16,)),
    table("a short row at the end", "BP-D014", TABLE + "1,2\n", "line 22", "2 fields", rows=(16,)),
    table(
        "a comma at the end of each row",
        "BP-D014",
        HEAD + BODY.replace("\n", ",\n"),
        "line 2",
        "15 more",
    ),
    table("one field more in every row", "BP-D014", HEAD + BODY.replace("\n", ",1\n"), "line 2"),
    table("one field less in every row", "BP-D014", "a,b,c,y\n" + BODY, "line 2", "3 fields"),
    table("a decimal comma", "BP-D014", put("1,5"), "line 6", "1,5"),
    table("prose", "BP-D014", "Dear sir,y\nthis is a letter, not a table, at all\n", "line 2"),
    table(
        "a cell of 200,000 letters",
        "BP-D015",
        HEAD + f'1,"{"x" * 200_000}",2\n',
        "line 2",
        "131,072",
    ),
]
CELLS = [
    table(
        "text among numbers",
        "BP-D016",
        put("five"),
        "line 6",
        "'a'",
        "'five'",
        "1 of 20",
        rows=(23,),
    ),
    table("an infinite feature", "BP-D016", put("inf"), "line 6", "'inf'", rows=(23,)),
    table("a feature that is not a number", "BP-D016", put("NaN"), "line 6", "'NaN'", rows=(23,)),
    table("a number beyond floats", "BP-D016", put("1e999"), "line 6", "'1e999'", rows=(23, 65)),
    table(
        "an infinite target", "BP-D016", put("-inf", 7, 2), "line 8", "'y'", "'-inf'", rows=(23,)
    ),
    table("money", "BP-D016", put("$5"), "line 6", "'$5'"),
    table("per cent", "BP-D016", put("5%"), "line 6", "'5%'"),
    table("thousands", "BP-D016", put('"1,234"'), "line 6", "'1,234'"),
    table("underscores", "BP-D016", put("1_000"), "line 6", "'1_000'"),
    table("hexadecimal", "BP-D016", put("0x10"), "line 6", "'0x10'"),
    table("a minus sign of typography", "BP-D016", put("−5"), "line 6", "−5"),
    table("digits of another script", "BP-D016", put("٥"), "line 6"),
    table("wide digits", "BP-D016", put("５"), "line 6"),
    table("an escape in a cell", "BP-D016", put("\x1b[31m5"), "line 6", r"\\x1b[31m5"),
    table("a cell of 100,000 letters", "BP-D016", put("x" * 100_000), "line 6"),
    table(
        "no dates",
        "BP-D017",
        column("2024-01-02", 1).replace("2024-01-02", "2024-13-45", 1),
        "line 2",
        "'b'",
        data=", columns: {b: {date: '%Y-%m-%d'}}",
    ),
    table(
        "no truth",
        "BP-D018",
        column("yes", 1).replace("yes", "maybe", 1),
        "line 2",
        "'maybe'",
        data=", columns: {b: boolean}",
    ),
    table(
        "dates of two orders",
        "BP-D025",
        added("d", lambda i: f"0{i % 9 + 1}/02/2024"),
        "'d'",
        "%d/%m/%Y",
        "%m/%d/%Y",
        data=", columns: {d: date}",
    ),
    table(
        "dates of no usual form",
        "BP-D025",
        added("d", lambda i: f"May {i}th"),
        "'d'",
        data=", columns: {d: date}",
    ),
    table("a negative weight", "BP-D027", put("-1"), "line 6", "'-1'", data=", weight: a"),
    table("a weight that is missing", "BP-D027", put(""), "line 6", data=", weight: a"),
    table("weights of nothing", "BP-D028", column("0", 0), "'a'", "weight 0", data=", weight: a"),
    table(
        "numbers too large to scale",
        "BP-D051",
        added("x", lambda i: "-1.7e308" if i % 2 else "1.7e308"),
        "x",
    ),
    table(
        "a number too large for float32",
        "BP-D141",
        put("1e300"),
        "line 6",
        "'a'",
        "dtype: float64",
        rest="preprocess: {numeric: none}\nepochs: 1\n",
        rows=(65,),
    ),
    table(
        "targets not above 0",
        "BP-D048",
        put("-1", 5, 2),
        "line 6",
        "above 0",
        rest="preprocess: {target: log}\n",
    ),
]

COLUMNS = [
    table(
        "a role for no column",
        "BP-D020",
        TABLE,
        "'bb'",
        "did you mean 'b'",
        data=", columns: {bb: numeric}",
    ),
    table("a weight that is no column", "BP-D020", TABLE, "weight column 'w'", data=", weight: w"),
    table("no such target", "BP-D021", TABLE.replace("y", "why"), "'y'", "a, b, why", rows=(22,)),
    table(
        "a target in other letters",
        "BP-D021",
        TABLE.replace("y", "Y"),
        "did you mean 'Y'",
        rows=(22,),
    ),
    table("the target as weight", "BP-D022", TABLE, "'y'", "data.weight", data=", weight: y"),
    table("a role for the target", "BP-D022", TABLE, "'y'", data=", columns: {y: numeric}"),
    table(
        "nothing to learn from",
        "BP-D024",
        learned(lambda i: 1, lambda i: i + 0.5),
        "'x'",
        "constant",
    ),
    table(
        "only names of rows",
        "BP-D024",
        learned(lambda i: f"x{i}", lambda i: i + 0.5, 60),
        "'x'",
        "different",
    ),
    Case(
        "a column that only training has",
        "BP-D026",
        4,
        ("v.csv", "'b'", "t.csv"),
        files={
            "c.yaml": "data: {train: t.csv, validation: v.csv, target: y}\n",
            "v.csv": "a,y\n1,2\n",
        },
    ),
    table("too few rows", "BP-D030", HEAD + ROWS[0] + ROWS[1], "3 rows", where="split"),
    table(
        "a column without training rows",
        "BP-D140",
        HEAD + BODY.replace("red", "test").replace("green", "test").replace("blue", "test"),
        "'b'",
        data=", split: b",
        where="split",
    ),
    table(
        "classes for a number",
        "BP-D031",
        TABLE,
        "stratified",
        rest="split: {method: stratified}\n",
        where="split.method",
    ),
    table(
        "too few rows of each class",
        "BP-D032",
        learned(lambda i: i, lambda i: f"k{i % 5}", 6),
        "too few rows",
        where="split",
    ),
    table(
        "a split without its column",
        "BP-D033",
        TABLE,
        "data.group",
        rest="split: {method: group}\n",
        where="split.method",
    ),
    table(
        "two splits at once",
        "BP-D033",
        TABLE,
        "data.group",
        "data.time",
        data=", group: b, time: a",
        where="split.method",
    ),
    table(
        "too few groups", "BP-D034", column("x", 1), "1 groups", data=", group: b", where="split"
    ),
    table(
        "too few times", "BP-D034", column("3", 0), "1 different", data=", time: a", where="split"
    ),
    table("a gap in the groups", "BP-D035", put("", 5, 1), "line 6", "'b'", data=", group: b"),
    table(
        "a split that is no set",
        "BP-D036",
        TABLE,
        "'red'",
        "train, validation, test or calibration",
        data=", split: b",
    ),
    Case(
        "a group in two files",
        "BP-D037",
        4,
        ("'b'", "'red'"),
        files={
            "c.yaml": "data: {train: t.csv, test: v.csv, target: y, group: b}\n",
            "v.csv": HEAD + ROWS[2],
        },
    ),
    table("a target without a value", "BP-D040", column(""), "'y'", "20 cells", rows=(22,)),
    table("one class", "BP-D041", column("yes"), "'y'", "'yes'", rows=(22,)),
    table("one number", "BP-D041", column("7"), "'y'", "'7'", rows=(22,)),
    table(
        "three classes for two",
        "BP-D043",
        TABLE.replace("y\n", "z\n").replace("b,", "y,"),
        "two classes",
        "blue",
        rest="task: binary\n",
    ),
    table(
        "a class that trains nothing",
        "BP-D045",
        CLASSES.replace("0.0,0,yes", "0.0,0,once"),
        "'once'",
        rest="split: {method: random, test: 0.8, validation: 0.1}\n",
    ),
    table(
        "one number in two ways",
        "BP-D046",
        learned(lambda i: i, lambda i: ("1", "1.0", "2")[i % 3]),
        "'1'",
        "'1.0'",
        rest="task: multiclass\n",
    ),
    table("a class for each row", "BP-D047", learned(lambda i: i, lambda i: f"k{i}"), "30"),
    table(
        "a class weight of no class",
        "BP-C056",
        CLASSES,
        "'maybe'",
        exit=3,
        rest="class_weight: {maybe: 2}\n",
    )._replace(says=("class_weight", "'maybe'")),
    table(
        "a target in other units",
        "BP-C057",
        TABLE,
        exit=3,
        rest="loss: poisson\npreprocess: {target: minmax}\n",
    )._replace(says=("loss", "remove preprocess.target")),
    table(
        "counts below zero",
        "BP-C058",
        learned(lambda i: i, lambda i: -i - 0.5),
        exit=3,
        rest="loss: poisson\n",
    )._replace(says=("'y'", "-29.5")),
    table(
        "a temperature without validation rows",
        "BP-C066",
        CLASSES,
        exit=3,
        rest="split: {validation: 0}\ncalibration: temperature\n",
    )._replace(says=("calibration", "split.validation")),
    table(
        "a threshold without validation rows",
        "BP-C065",
        CLASSES,
        exit=3,
        rest="split: {validation: 0}\ndecision: {maximize: f1}\n",
    )._replace(says=("decision", "{threshold: 0.5}")),
    table(
        "two classes for a loss of three",
        "BP-C053",
        CLASSES.replace("yes", "a", 3),
        exit=3,
        rest="loss: binary_cross_entropy\n",
    )._replace(says=("loss",)),
    Case(
        "columns, a layer and an option wrong at once",
        "BP-D021",
        3,
        ("dnese", "'yy'", "'bb'", "weight column 'w'", "'optimzer'", "t.csv", "5 errors"),
        files={
            "c.yaml": "data: {path: t.csv, target: yy, columns: {bb: numeric}, weight: w}\n"
            "network: [{dnese: 4}]\noptimzer: adam\n"
        },
        rows=(9, 22),
    ),
    Case(
        "three files that are not there",
        "BP-D001",
        4,
        ("a.csv", "b.csv", "c.csv", "3 errors"),
        files={"c.yaml": "data: {train: a.csv, validation: b.csv, test: c.csv, target: y}\n"},
        rows=(12,),
    ),
]


def several(name: str, id: str, targets: str, *says: str, rest: str = "") -> Case:
    """Several targets that cannot be learned together."""
    config = f"data: {{path: t.csv, target: [{targets}]}}\n{rest}"
    return Case(name, id, 4, says, "train c.yaml", {"c.yaml": config, "t.csv": HOUSES})


HOUSES = "x,price,sold,seen,town\n" + "".join(
    f"{i},{i}.5,{('no', 'yes')[i % 2]},{i % 2},{('Ulm', 'Bonn')[i % 2]}\n" for i in range(20)
)
SEVERAL = [
    several("numbers and labels", "BP-D070", "price, sold", "yes and no in 'sold'"),
    several("numbers and 0 or 1", "BP-D070", "price, seen", "set task: regression"),
    several("words and labels", "BP-D070", "town, sold", "text in 'town'"),
    several("two targets for two classes", "BP-D071", "sold, seen", rest="task: binary\n"),
    several(
        "a number as label", "BP-D072", "sold, price", "line 2", "0.5", rest="task: multilabel\n"
    ),
    Case(
        "a label that only the test rows have",
        "BP-D073",
        4,
        ("'late'",),
        files={
            "c.yaml": "data: {path: t.csv, target: [late, sold], split: set}\n",
            "t.csv": "x,late,sold,set\n"
            + "".join(
                f"{i},{int(i > 15)},{i % 2},{'test' if i > 13 else 'train'}\n" for i in range(20)
            ),
        },
    ),
    several("a target twice", "BP-C040", "price, price", "'price' is there twice")._replace(exit=3),
    Case(
        "a target with gaps beside another",
        "BP-D130",
        0,
        ("'price' in 1 rows",),
        "train c.yaml",
        {
            "c.yaml": "data: {path: t.csv, target: [price, y]}\nnetwork: linear\nepochs: 1\n",
            "t.csv": "x,price,y\n" + "".join(f"{i},{i if i else ''},{i}.5\n" for i in range(30)),
        },
    ),
]

NOTICES = [
    said("blank lines", "BP-D101", TABLE + "\n\n", "t.csv", "2"),
    said(
        "no header",
        "BP-D102",
        "1.0,2.0\n" + "".join(f"{i}.5,{i}.25\n" for i in range(20)),
        "data.header",
        config="data: {path: t.csv}\nepochs: 1\n",
    ),
    said("no target", "BP-D103", TABLE, "'y'", config="data: {path: t.csv}\nepochs: 1\n"),
    said("a constant column", "BP-D104", column("1", 1), "b", "constant"),
    said("a column of ids", "BP-D104", added("id", lambda i: i), "id", "left out"),
    said("codes with zeros", "BP-D105", added("z", lambda i: f"00{i % 3}"), "z", "leading zeros"),
    said("rows without a target", "BP-D106", put("", 5, 2), "1"),
    said("a class of one row", "BP-D107", CLASSES.replace("0.0,0,yes", "0.0,0,once"), "'once'"),
    said(
        "too many categories",
        "BP-D108",
        TABLE,
        "b",
        "2 most frequent of 3",
        config=CONFIG + "preprocess: {categorical: {max_levels: 2}}\n",
    ),
    said("another delimiter that fits", "BP-D115", TABLE.replace(",", ";"), '";"'),
    said(
        "an encoding that is guessed",
        "BP-D116",
        TABLE.replace("red", "röt").encode("cp1252"),
        "cp1252",
        "röt",
    ),
    said(
        "a word that may mean missing",
        "BP-D117",
        TABLE.replace("red", "NA"),
        "'NA'",
        "data.missing",
    ),
    said(
        "numbers with a decimal comma",
        "BP-D123",
        "\n".join(["a;b;y", *(f"{i};{i % 7},5;{i % 3},5" for i in range(1, 40))]) + "\n",
        "columns b, y",
        "data.decimal",
    ),
    said(
        "dates with the day first",
        "BP-D118",
        added("d", lambda i: f"{i + 1:02d}/02/2024"),
        "%d/%m/%Y",
    ),
    said(
        "a split by a column",
        "BP-D119",
        TABLE.replace("red", "train").replace("green", "validation").replace("blue", "test"),
        "'b'",
        "6 rows",
        config="data: {path: t.csv, target: y, split: b}\nepochs: 1\n",
    ),
    said(
        "a group that nobody uses",
        "BP-D120",
        TABLE,
        "data.group",
        config="data: {path: t.csv, target: y, group: b}\nsplit: {method: random}\nepochs: 1\n",
    ),
    said("a column twice", "BP-D142", added("c", lambda i: f"{(i + 1) / 2}"), "c, a", "20 rows"),
    said(
        "a column that is the target",
        "BP-D143",
        added("leak", lambda i: -3 * float(ROWS[i].split(",")[2])),
        "'leak'",
        "'y'",
        "-1",
    ),
    said(
        "a column that is the class",
        "BP-D143",
        learned(lambda i: f"c{i % 3}", lambda i: f"k{i % 3}"),
        "'x'",
        "3 values",
    ),
    said(
        "a rare class",
        "BP-D144",
        learned(lambda i: i, lambda i: "once" if i % 10 == 0 else "often"),
        "'once'",
    ),
    said(
        "a class of one row in ten",
        "BP-D147",
        learned(lambda i: i, lambda i: "rare" if i % 10 == 0 else "often", 100),
        "'often'",
        "'rare'",
        "90 %",
        "class_weight: balanced",
        "decision: {maximize: f1}",
        "pr_auc",
    ),
    said(
        "rows in two sets",
        "BP-D145",
        learned(lambda i: i // 2, lambda i: i // 2 + 0.5),
        "test rows",
    ),
]

CASES = [*FILES, *SHAPES, *CELLS, *COLUMNS, *SEVERAL, *NOTICES]
