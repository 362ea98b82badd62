"""A table in a cache: what is trained from it has the same bytes, and no other cache is trusted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import ROOT, bpcli

from bpcli.data.read import TableReader
from bpcli.experiment.load import load
from bpcli.nn import room
from bpcli.runs import conversion
from bpcli.runs.cache import FOLDER
from bpcli.runs.train import TrainingRun

TAIL = "network: [{dense: 4}, tanh]\noptimizer: adam\nepochs: 2\nbatch_size: 32\n"
WORDS = ("red", "green", " blue ", "NA", "grün")


def table(rows: int = 240, *, sign: str = ",", decimal: str = ".") -> str:
    """Columns of all kinds; `late` holds words below its numbers, `code` leading zeros."""
    rng = np.random.default_rng(3)
    names = "id a b gap word many day flag late code half w group label y z"
    lines = [sign.join(names.split())]
    for i in range(rows):
        a, b, c = (f"{x:.4f}".replace(".", decimal) for x in rng.standard_normal(3).tolist())
        word = WORDS[i % 5] if i % 7 else ""
        half = ("yes", "no", "maybe")[i % 3]
        cells = [f"r{i}", a, b, "" if i % 11 == 0 else c, word, f"k{i * i % 60}"]
        cells += [f"20{10 + i % 9}-03-{1 + i % 28:02}", ("true", "false")[i * i % 3 == 0]]
        cells += [str(i % 9) if i < 200 else f"x{i % 2}", f"{i % 30:03}", half, str(i % 4)]
        cells += [f"g{i % 25}", ("yes", "no")[i % 5 == 0], a, ("yes", "no")[b.startswith("-")]]
        lines.append(sign.join(cells))
    return "\n".join(lines) + "\n"


DROP = "late: categorical"
DATA = f"data: {{path: t.csv, target: y, columns: {{{DROP}, w: drop}}}}\n"
CONFIGS = {
    "numbers": DATA,
    "two classes": DATA.replace("y,", "z,"),
    "three classes and weights": DATA.replace("y,", "half, weight: w,").replace(", w: drop", ""),
    "several numbers": DATA.replace("y,", "[y, b, a],")
    + "preprocess: {target: quantile, numeric: robust}\n",
    "labels": DATA.replace("y,", "[z, label],"),
    "quantiles": DATA + "loss: {quantile: {levels: [0.1, 0.5, 0.9]}}\n",
    "float64 and bins": DATA + "dtype: float64\npreprocess: {numeric_embedding: piecewise}\n",
    "groups": DATA.replace("y,", "y, group: group,"),
    "time": DATA.replace("y,", "y, time: day,"),
    "another word for a gap": DATA.replace("y,", "y, missing: ['', NA, '7'],"),
    "no validation": DATA + "split: {validation: 0, test: 0.3}\n",
    "calibration rows": DATA.replace("y,", "z,")
    + "split: {calibration: 0.1}\ndecision: {maximize: f1}\nclass_weight: balanced\n",
    "shards": DATA + "shards: 4\n",
    "two at once": DATA + "ensemble: 2\n",
    "folds": DATA + "ensemble: {folds: 3}\n",
    "an autoencoder": DATA.replace("target: y,", "") + "task: autoencoder\n",
}
CLUSTERS = DATA.replace("target: y,", "label: half,") + "task: clustering\nloss: {kmeans: 3}\n"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Arrays of any size are files, and blocks are of a few rows."""
    monkeypatch.setattr(room, "LARGE", 1)
    monkeypatch.setattr(room, "KEPT", 0)
    monkeypatch.setattr(room, "AT_ONCE", 300)
    monkeypatch.setattr("bpcli.runs.conversion.CELLS", 100)
    monkeypatch.setattr("bpcli.runs.conversion.open_table", _in_small_parts)
    yield
    room.leave()


def _in_small_parts(path: Path, spec: Any) -> Any:
    from bpcli.data.read import open_table

    return (
        open_table(path, spec) if path.suffix == ".parquet" else TableReader(path, spec, block=64)
    )


def trained(config: Path, output: Path, cache: object) -> dict[str, Any]:
    """What a run leaves that has no time in it, by file; the table in it is that of `cache`."""
    with TrainingRun(load(config, [f"data.cache={json.dumps(cache)}"]), output) as run:
        for _ in run:
            pass
        run.finish()
    record = json.loads((output / "run.json").read_text())
    notices = [n for n in record["notices"] if n["id"] != "BP-D200"]
    assert (len(notices) < len(record["notices"])) is (cache is True)
    history = [line.split(",") for line in (output / "history.csv").read_text().splitlines()]
    where = history[0].index("seconds")
    kept = {"history": [[*line[:where], *line[where + 1 :]] for line in history]}
    kept |= {key: record[key] for key in ("run", "task", "data", "columns")}
    skipped = ("run.json", "history.csv", "checkpoint.safetensors", "config.resolved.yaml")
    files = (path for path in output.iterdir() if path.name not in skipped)
    return kept | {"notices": notices} | {p.name: p.read_bytes() for p in files if p.is_file()}


def require_same(config: Path) -> None:
    """The run from memory and that from the cache are the same."""
    folder = config.parent
    there = trained(config, folder / "runs" / "cached", True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "AT_ONCE", 1 << 22)
        usual = trained(config, folder / "runs" / "usual", False)
    assert usual.keys() == there.keys()
    assert [name for name in usual if usual[name] != there[name]] == []


@pytest.mark.parametrize("name", CONFIGS)
def test_the_bytes_are_the_same(tmp_path: Path, name: str, small: None) -> None:
    (tmp_path / "t.csv").write_text(table(), encoding="utf-8")
    config = tmp_path / "c.yaml"
    config.write_text(CONFIGS[name] + TAIL)
    require_same(config)


def test_clusters_are_the_same(tmp_path: Path, small: None) -> None:
    (tmp_path / "t.csv").write_text(table(), encoding="utf-8")
    (tmp_path / "c.yaml").write_text(CLUSTERS + "epochs: 3\n")
    require_same(tmp_path / "c.yaml")


def cut(text: str, *rows: int) -> list[str]:
    """The table in files that begin with these rows, each with the header."""
    head, *lines = text.splitlines(keepends=True)
    ends = [*rows[1:], len(lines)]
    return [head + "".join(lines[a:b]) for a, b in zip(rows, ends, strict=True)]


def one_of(folder: Path) -> str:
    text = table(sign=";", decimal=",").replace("r7;", '"r;\n7";')
    (folder / "t.csv").write_text("\ufeff" + text.replace("r9;", "\n\nr9;"), encoding="utf-8")
    return 'path: t.csv, decimal: ","'


def western(folder: Path) -> str:
    (folder / "t.csv").write_bytes(table().encode("cp1252"))
    return "path: t.csv"


def several(folder: Path) -> str:
    for i, text in enumerate(cut(table(), 0, 3, 150)):
        (folder / f"part-{i}.csv").write_text(text, encoding="utf-8")
    return "path: part-*.csv"


def by_set(folder: Path) -> str:
    for name, text in zip(("a", "b", "v"), cut(table(), 0, 100, 190), strict=True):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "b.csv").rename(folder / "a2.csv")
    return "train: a*.csv, validation: v.csv"


def parquet(folder: Path) -> str:
    files = pytest.importorskip("pyarrow.parquet")
    from pyarrow import csv

    (folder / "t.csv").write_text(table(), encoding="utf-8")
    files.write_table(csv.read_csv(folder / "t.csv"), folder / "t.parquet", row_group_size=50)
    return "path: t.parquet"


TABLES = (one_of, western, several, by_set, parquet)


@pytest.mark.parametrize("write", TABLES, ids=lambda write: write.__name__)
def test_any_files_are_the_same(tmp_path: Path, write: Callable[[Path], str], small: None) -> None:
    files = write(tmp_path)
    (tmp_path / "c.yaml").write_text(DATA.replace("path: t.csv", files) + TAIL)
    require_same(tmp_path / "c.yaml")


def test_what_is_wrong_is_found_in_the_same_place(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(table().replace("r99,", "r99,x"), encoding="utf-8")
    (tmp_path / "c.yaml").write_text(DATA.replace("w: drop", "a: numeric, w: drop") + TAIL)
    command = ("train", "c.yaml", "-o", "runs/a", "--set")
    said = [
        bpcli(*command, f"data.cache={cache}", cwd=tmp_path, code=4).stderr
        for cache in ("false", "true")
    ]
    assert said[0] == said[1]
    assert "line 101" in said[0]


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with a table and a config that caches it."""
    (tmp_path / "t.csv").write_text(table(), encoding="utf-8")
    (tmp_path / "c.yaml").write_text(DATA.replace("y,", "y, cache: true,") + TAIL)
    return tmp_path


def caches(folder: Path) -> list[Path]:
    return [
        path for path in (folder / "runs" / FOLDER).iterdir() if (path / "record.json").exists()
    ]


def train(folder: Path, name: str, *options: str) -> Path:
    """A run, and its cache."""
    bpcli("train", "c.yaml", "-o", f"runs/{name}", *options, cwd=folder)
    (found,) = caches(folder)
    return found


def test_a_table_is_converted_once(given: Path) -> None:
    cache = train(given, "a")
    made = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert train(given, "b", "--set", "network=linear") == cache
    bpcli("verify", "runs/a", cwd=given)
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == made
    assert len(list((given / "runs" / FOLDER).iterdir())) == 1


def test_resuming_finds_it(given: Path) -> None:
    train(given, "a")
    bpcli("train", "c.yaml", "-o", "runs/a", "--resume", cwd=given)
    assert len(caches(given)) == 1


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def relink(path: Path) -> None:
    shutil.move(path, path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def rewrite(**changes: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        record = path.parent / "record.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | changes))

    return change


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a bit": flip,
    "too short": lambda path: os.truncate(path, path.stat().st_size - 8),
    "gone": Path.unlink,
    "a link": relink,
    "no record": lambda path: (path.parent / "record.json").unlink(),
    "another record": lambda path: (path.parent / "record.json").write_text("[" * 100_000),
    "more rows than there are": rewrite(rows=10**15),
    "another number of columns": rewrite(names=["a"]),
    "a file elsewhere": rewrite(files={"../../t.csv": {"size": 3, "sha256": ""}}),
    "another format": rewrite(format=2),
    "another file's": rewrite(sha256="0" * 64),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["2.f8", "5.text", "starts.i8"])
def test_what_is_damaged_is_made_anew(given: Path, damage: str, name: str) -> None:
    first = trained(given / "c.yaml", given / "runs" / "a", True)
    (cache,) = caches(given)
    before = (cache / name).read_bytes()
    DAMAGES[damage](cache / name)
    assert trained(given / "c.yaml", given / "runs" / "b", True) == first
    assert (cache / name).read_bytes() == before
    assert not (cache / name).is_symlink()


def test_another_table_of_the_same_name_is_converted(given: Path) -> None:
    cache = train(given, "a")
    (given / "t.csv").write_text(table(120), encoding="utf-8")
    assert train(given, "b") == cache
    assert json.loads((cache / "record.json").read_text())["rows"] == 120
    assert (
        json.loads((given / "runs/b/run.json").read_text())["data"]["account"]["rows"]["read"]
        == 120
    )


def test_a_conversion_that_ends_midway_leaves_nothing_to_trust(given: Path) -> None:
    pid = os.fork()
    if not pid:  # killed when all is written but the record
        conversion.write_json = lambda path, record: os.kill(os.getpid(), 9)
        trained(given / "c.yaml", given / "runs" / "a", True)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    left = list((given / "runs" / FOLDER).iterdir())
    assert len(left) == 1
    assert left[0].name.endswith(".tmp")
    trained(given / "c.yaml", given / "runs" / "b", True)
    assert [path.name for path in (given / "runs" / FOLDER).iterdir()] == [caches(given)[0].name]


def test_a_disk_that_is_too_small_says_so(given: Path) -> None:
    os.truncate(given / "t.csv", 1 << 42)  # a hole
    said = bpcli("train", "c.yaml", "-o", "runs/a", cwd=given, code=6).stderr
    assert "BP-O012" in said
    assert f"needs about {3 << 42:,} bytes" in said
    assert not list((given / "runs" / FOLDER).iterdir())


def test_memory_decides_where_nobody_does(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(given / "c.yaml", given / "runs" / "a", "auto")
    assert not (given / "runs" / FOLDER).exists()
    (given / "t.csv").write_text(table(4000), encoding="utf-8")
    monkeypatch.setattr(room, "AT_ONCE", 1000)
    monkeypatch.setattr("bpcli.config.memory.bytes_available", lambda: 1_000_000)
    with TrainingRun(load(given / "c.yaml", ["data.cache=auto"]), given / "runs" / "b") as run:
        assert "BP-D200" in {notice.id for notice in run.prepared.notices}


CHILD = """
import atexit, sys
from pathlib import Path
status = Path("/proc/self/status")
atexit.register(lambda: print(status.read_text().split("VmHWM:")[1].split()[0]))
from bpcli.insight import look
from bpcli.nn import room
from bpcli.runs import conversion
room.LARGE, room.KEPT, room.AT_ONCE = 1 << 18, 1 << 22, 1 << 16
look.MOST_DATA = conversion.CELLS = 1 << 16
sys.argv[:] = ["bpcli", "train", "c.yaml", "-q", *sys.argv[1:]]
from bpcli.__main__ import main
main()
"""
LINEAR = "split: {validation: 0.1, test: 0.01}\nnetwork: linear\nbatch_size: 4096\niterations: 30\n"


def most_held(folder: Path, *arguments: str) -> int:
    """The most bytes that a training has held in memory."""
    command = [sys.executable, "-W", "error", "-c", CHILD, *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, check=True)
    return 1024 * int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux")
def test_memory_does_not_grow_with_the_columns(tmp_path: Path) -> None:
    """44 MB of numbers: what is left of them in memory are a few columns."""
    rng = np.random.default_rng(0)
    lines = [",".join(map(repr, row)) + "\n" for row in rng.random((500, 40)).round(5).tolist()]
    with (tmp_path / "t.csv").open("w") as file:
        file.write(",".join(f"x{i}" for i in range(40)) + "\n")
        for i in range(280):
            file.writelines(lines[i:] + lines[:i])
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: x0}\n" + LINEAR)
    size = (tmp_path / "t.csv").stat().st_size
    usual = most_held(tmp_path, "-o", "runs/usual", "--set", "data.cache=false")
    cached = most_held(tmp_path, "-o", "runs/cached", "--set", "data.cache=true")
    assert cached < usual - 3 * size, f"{cached:,} and {usual:,} for {size:,}"
    for name in ("model.safetensors", "metrics.json", "predictions_test.csv", "diagnostics.csv"):
        there = (tmp_path / "runs" / "cached" / name).read_bytes()
        assert there == (tmp_path / "runs" / "usual" / name).read_bytes()
