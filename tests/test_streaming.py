"""Files in parts: any size of the parts gives the same table, the same errors, the same bits."""

from __future__ import annotations

import gzip
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import ROOT, bpcli, table, train

from bpcli.config.errors import DataError
from bpcli.data.numbers import plain_numbers
from bpcli.data.read import TableReader
from bpcli.data.source import BLOCK
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table
from bpcli.runs.predict import Predictions

ROWS = "".join(f"{i},{i * i}\n" for i in range(500))
TEXTS: dict[str, bytes] = {
    "plain": f"a,b\n{ROWS}".encode(),
    "CR LF": f"a,b\n{ROWS}".replace("\n", "\r\n").encode(),
    "CR": f"a,b\n{ROWS}".replace("\n", "\r").encode(),
    "no last line end": f"a,b\n{ROWS}1,2".encode(),
    "quoted line ends": ("a,b\n" + '1,"x\ny"\n"\r\n",2\n' * 200).encode(),
    "blank lines": ("\n\na,b\n" + "1,2\n\n  \n" * 200).encode(),
    "beyond ASCII": ("\ufeffgröße,ü\n" + "é,中文\n" * 300).encode(),
    "UTF-16": ("größe,ü\n" + "é,中文\n" * 300).encode("utf-16"),
    "cp1252 from the middle": f"a,b\n{ROWS}é,ü\n{ROWS}é,€\n".encode("cp1252"),
    "semicolons": f"a,b\n{ROWS}".replace(",", ";").encode(),
}
BROKEN: dict[str, tuple[bytes, str, str]] = {
    "ragged": (b"1,2,3\n", "BP-D014", "line 502"),
    "NUL": (b"1,\0\n", "BP-D009", "line 502"),
    "no UTF-8": (b"\xc3\xa9,1\n1,\xff\n", "BP-D008", "line 503"),
    "cut in a character": (b"1,\xc3\xa9\n1,\xe4\xb8", "BP-D008", "line 503"),
    "open quote": (b'1,"2\n3,4\n', "BP-D011", "line 502"),
    "mark inside": ("\ufeffa,b\n".encode(), "BP-D009", "line 502"),
    "text behind a quote": (b'1,"2"3\n', "BP-D011", "line 502"),
}


def read(path: Path, block: int) -> tuple[TableReader, Table]:
    reader = TableReader(path, DataSpec(path="x"), block=block)
    return reader, Table.whole(
        list(reader), sha256=reader.sha256, notices=reader.notices, blank=reader.blank
    )


def facts(path: Path, block: int) -> tuple[object, ...]:
    reader, found = read(path, block)
    cells = {name: found.text(name).tolist() for name in found.names}
    lines = [found.line_of(row) for row in range(found.n_rows)]
    notices = [(notice.id, notice.where) for notice in reader.notices]
    return cells, lines, notices, reader.sha256, reader.spec, reader.rows


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz"])
@pytest.mark.parametrize("case", TEXTS)
def test_parts_of_any_size_make_the_same_table(tmp_path: Path, case: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXTS[case]) if name.endswith(".gz") else TEXTS[case])
    whole = facts(path, BLOCK)
    for block in (2, 3, 64, 1001):
        assert facts(path, block) == whole


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_found_on_its_line_in_parts_of_any_size(
    tmp_path: Path, case: str
) -> None:
    content, id, line = BROKEN[case]
    path = tmp_path / "data.csv"
    path.write_bytes(f"a,b\n{ROWS}".encode() + content)
    for block in (2, 3, 64, 1001, BLOCK):
        with pytest.raises(DataError) as caught:
            read(path, block)
        (problem,) = caught.value.problems
        assert (problem.id, problem.where) == (id, f"data.csv, {line}")


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n" + b"x" * (2**24 + BLOCK + 1))
    with pytest.raises(DataError) as caught:
        read(path, BLOCK)
    assert (caught.value.problems[0].id, caught.value.problems[0].where) == (
        "BP-D160",
        "data.csv, line 2",
    )


@pytest.mark.parametrize("content", [b"a,b\n1,2\n" * 10, b"a"])
def test_a_file_that_grows_or_shrinks_while_it_is_read_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    """Rows 19 and 21 of the fault matrix."""
    path = tmp_path / "data.csv"
    path.write_bytes(f"a,b\n{ROWS * 100}".encode())
    parts = iter(TableReader(path, DataSpec(path="x"), block=50_000))
    next(parts)
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(parts)
    assert caught.value.problems[0].id == "BP-D005"


def test_many_numbers_are_the_same_floats_as_few() -> None:
    rng = random.Random(0)
    bits = np.frombuffer(rng.randbytes(8 * 20_000), dtype="<f8")
    words = [repr(value) for value in bits[np.isfinite(bits)].tolist()]
    words += [f"{rng.getrandbits(80)}e{rng.randrange(-340, 280)}" for _ in range(20_000)]
    words += [f"{rng.getrandbits(60)}.{rng.getrandbits(40)}" for _ in range(20_000)]
    together = plain_numbers([*words, ""])
    assert together is not None
    assert together[:-1].tolist() == [float(word) for word in words]
    assert np.isnan(together[-1])


@pytest.mark.parametrize("word", ["1.2.3", "1e", ".", "-", "+-1", "1e999", "1 2", "e5", " "])
def test_what_is_no_number_is_none_among_many_either(word: str) -> None:
    assert plain_numbers([word]) is None
    assert plain_numbers([*["1"] * 5000, word]) is None


# ---- predict ------------------------------------------------------------------------------------

CONFIG = """\
data: {path: train.csv, target: y, weight: w, columns: {note: drop}}
network: [{dense: 16}, tanh, {dense: 8}, relu]
learning_rate: 0.01
epochs: 3
"""


def line(i: int) -> str:
    rng = random.Random(i)
    x = [f"{rng.gauss(0, 1):.6f}" for _ in range(4)]
    return ",".join([f"id-{i}", *x, "ab"[i % 2], f'"note\n{i}"', "1", f"{rng.gauss(5, 2):.3f}"])


HEADER = "item_id,x1,x2,x3,x4,kind,note,w,y"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming")
    rows = [line(i) for i in range(300)]
    (folder / "train.csv").write_text("\n".join([HEADER, *rows, ""]))
    (folder / "c.yaml").write_text(CONFIG)
    train(folder / "c.yaml", "-o", "run", cwd=folder)
    (folder / "big.csv").write_text("\n".join([HEADER, *(line(i) for i in range(9000)), ""]))
    assert (folder / "big.csv").stat().st_size > 2 * BLOCK
    return folder


def answers(predictions: Predictions) -> list[float]:
    return [value for _, part in predictions for value in part[:, 0].tolist()]


def test_a_prediction_depends_on_its_row_alone(folder: Path, tmp_path: Path) -> None:
    together = answers(Predictions(folder / "run", folder / "big.csv", {}))
    assert len(together) == 9000
    order = random.Random(1).sample(range(9000), 700)
    some = tmp_path / "some.csv"
    some.write_text("\n".join([HEADER, *(line(i) for i in order), ""]))
    for block in (50, 5000, BLOCK):
        predictions = Predictions(folder / "run", some, {})
        predictions.reader = TableReader(some, predictions.reader.spec, block=block)
        assert answers(predictions) == [together[i] for i in order]


def test_parts_are_one_file(folder: Path) -> None:
    done = bpcli("predict", "run", "big.csv", cwd=folder)
    rows = table(done.stdout)
    assert [row["row"] for row in rows] == [str(i) for i in range(1, 9001)]
    assert done.stderr == ""  # neither the weight nor a dropped column is a surprise
    text = (folder / "big.csv").read_text()
    assert bpcli("predict", "run", "-", cwd=folder, stdin=text).stdout == done.stdout
    (folder / "big.csv.gz").write_bytes(gzip.compress(text.encode()))
    bpcli("predict", "run", "big.csv.gz", "-o", "out.csv", cwd=folder)
    assert (folder / "out.csv").read_text() == done.stdout
    (folder / "out.csv").unlink()


def test_evaluate_reads_in_parts(folder: Path) -> None:
    text = (folder / "big.csv").read_text()
    done = bpcli("evaluate", "run", "-", "--json", cwd=folder, stdin=text)
    assert '"rows": 9000' in done.stdout


LATE = {
    "ragged row": ("1,2\n", "BP-D014", 18_002),
    "bad byte": ("é,0,0,0,0,a,b,1,1\nx,0,0,0,0,\udcff,b,1,1\n", "BP-D008", 18_003),
    "NUL": ("x,0,0,0,0,\0,b,1,1\n", "BP-D009", 18_002),
    "bad cell": ("x,0,0,none,0,a,b,1,1\n", "BP-D016", 18_002),
    "infinity": ("x,0,0,inf,0,a,b,1,1\n", "BP-D016", 18_002),
}


@pytest.mark.parametrize("case", LATE)
def test_a_fault_at_the_end_publishes_nothing(folder: Path, tmp_path: Path, case: str) -> None:
    """Rows 17, 18, 23 and 25 of the fault matrix."""
    content, id, number = LATE[case]
    path = tmp_path / "late.csv"
    with path.open("wb") as file:
        file.write((folder / "big.csv").read_bytes())
        file.write(content.encode("utf-8", "surrogateescape"))
    done = bpcli("predict", folder / "run", "late.csv", "-o", "out.csv", cwd=tmp_path, code=4)
    assert done.stderr.startswith(f"error[{id}] late.csv, line {number}")
    assert re.search(r"1 error; after \d{4} rows; nothing was written$", done.stderr.strip())
    assert os.listdir(tmp_path) == ["late.csv"]


def test_what_is_new_is_counted_over_all_parts_and_said_once(folder: Path, tmp_path: Path) -> None:
    """Rows 24 and 26 of the fault matrix."""
    rows = (line(i).replace(",a,", ",new,") if i % 3 else line(i) for i in range(9000))
    gaps = (
        row.replace(row.split(",")[1], "", 1) if i < 2000 else row for i, row in enumerate(rows)
    )
    extra = (f"{row},7" for row in gaps)
    (tmp_path / "new.csv").write_text("\n".join([f"{HEADER},shoe", *extra, ""]))
    done = bpcli("predict", folder / "run", "new.csv", cwd=tmp_path)
    assert done.stderr.count("shoe") == 1
    assert "column 'kind': 3000 cells are none of the trained categories: 'new'" in done.stderr
    assert "column 'x1': 2000 cells are missing, in training none was" in done.stderr


PEAK = """\
import sys
from bpcli.cli.app import run
code = run()
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
sys.exit(code)
"""


def peak(folder: Path, *arguments: object) -> int:
    """The most bytes that a run had in memory."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[-1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is not told here")
@pytest.mark.parametrize("command, share", [("predict", 0.5), ("evaluate", 1.5)])
def test_memory_does_not_grow_with_the_file(
    folder: Path, tmp_path: Path, command: str, share: float
) -> None:
    """evaluate keeps two numbers a row; the table as text would be several times the file."""
    text = (folder / "big.csv").read_text().partition("\n")[2]
    path, sizes = tmp_path / "data.csv", []
    output = ("-o", tmp_path / "out.csv", "-f") if command == "predict" else ()
    for times in (2, 20):
        path.write_text(HEADER + "\n" + text * times)
        sizes.append(peak(folder, command, "run", path, *output))
    assert path.stat().st_size > 10_000_000
    assert sizes[1] < sizes[0] + share * path.stat().st_size
    assert sizes[1] < 300_000_000


def waiting(folder: Path, tmp_path: Path) -> Iterator[Any]:
    """A predict that has read some parts of standard input and waits for more."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bpcli", "predict", str(folder / "run"), "-", "-o", "out.csv"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell may have started the tests with interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdin is not None
    process.stdin.write((folder / "big.csv").read_bytes())
    process.stdin.flush()
    while not any(path.stat().st_size for path in tmp_path.iterdir()):
        assert process.poll() is None
        time.sleep(0.02)
    yield process
    process.stdin.close()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()


def test_an_interrupt_publishes_nothing(folder: Path, tmp_path: Path) -> None:
    """Row 48 of the fault matrix."""
    for process in waiting(folder, tmp_path):
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        assert (process.wait(20), "rows; nothing was written" in said) == (130, True)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_ends_it_quietly(folder: Path) -> None:
    """Row 55 of the fault matrix."""
    line = f"'{sys.executable}' -W error -m bpcli predict run big.csv | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "row,item_id,y,prediction\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_is_said(folder: Path) -> None:
    """Rows 36 and 37 of the fault matrix."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bpcli", "predict", "run", "big.csv"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 6
    assert done.stderr.startswith("error[BP-O001] standard output: cannot be written: No space")
    bpcli("predict", "run", "big.csv", "-o", "/dev/full", cwd=folder, code=6)


def test_another_dialect_is_said_by_options(folder: Path, tmp_path: Path) -> None:
    plain = table(bpcli("predict", "run", "train.csv", cwd=folder).stdout)
    text = (folder / "train.csv").read_text().replace(",", ";").replace(".", ",")
    (tmp_path / "de.csv").write_bytes(text.encode("utf-16"))
    arguments = ("predict", folder / "run", "de.csv")
    done = bpcli(*arguments, "--encoding", "utf-16", cwd=tmp_path, code=4)
    assert 'add --delimiter ";"' in done.stderr
    said = bpcli(
        *arguments, *("--encoding", "auto", "--delimiter", ";", "--decimal", ","), cwd=tmp_path
    )
    assert "utf-16" in said.stderr
    assert [row["prediction"] for row in table(said.stdout)] == [r["prediction"] for r in plain]
    for option, value in (("--delimiter", ";;"), ("--encoding", "nope"), ("--decimal", "x")):
        done = bpcli(*arguments, option, value, cwd=tmp_path, code=2)
        assert option in done.stderr
