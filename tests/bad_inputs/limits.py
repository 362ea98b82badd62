"""What would not fit this machine, and training that leaves the numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC
from os import getpid
from pathlib import Path
from signal import SIGKILL
from threading import Event, Thread
from unittest.mock import patch

from bad_inputs.case import CONFIG, Case

CACHED = CONFIG.replace("target: y", "target: y, cache: true")
WIDE = "data: {path: t.csv, target: y}\nepochs: 1\nnetwork: [{dense: 1000000}, {dense: 1000000}]\n"


@contextmanager
def a_container(folder: Path) -> Iterator[None]:
    """The limit that the kernel tells of in a container of 1 GB."""
    limit, usage = folder / "memory.max", folder / "memory.current"
    limit.write_text("1000000000\n")
    usage.write_text("200000000\n")
    with patch("bpcli.config.memory.CGROUPS", ((str(limit), str(usage)),)):
        yield


@contextmanager
def a_container_and_a_big_table(folder: Path) -> Iterator[None]:
    """The same, and a table of 1 GB, most of which is a hole."""
    os.truncate(folder / "t.csv", 10**9)
    with a_container(folder):
        yield


@contextmanager
def no_space_for_arrays(folder: Path) -> Iterator[None]:
    """A disk that is full once the table is converted, and arrays that are large at any size."""
    full = OSError(ENOSPC, "No space left on device")
    with patch("bpcli.nn.room.LARGE", 1), patch("os.posix_fallocate", side_effect=full):
        yield


@contextmanager
def a_cache_cut_short(folder: Path) -> Iterator[None]:
    """Another process that cuts the text of a column between its check and its use."""

    def put(made: Path, place: Path) -> None:
        made.rename(place)
        os.truncate(place / "1.text", 5)

    with patch("bpcli.runs.cache._put", put):
        yield


@contextmanager
def a_killer(folder: Path) -> Iterator[None]:
    """Something that kills the first process that training starts, as the kernel may."""
    over, before = Event(), _children()

    def kill() -> None:
        while not over.is_set():
            for child in _children() - before:
                os.kill(child, SIGKILL)
                return

    killer = Thread(target=kill)
    killer.start()
    yield
    over.set()
    killer.join()


def _children() -> set[int]:
    return set(map(int, Path(f"/proc/self/task/{getpid()}/children").read_text().split()))


CASES = [
    Case(
        "a network of 4 TB",
        "BP-R001",
        8,
        ("GB", "0.8 GB are available", "network", "batch_size"),
        files={"c.yaml": WIDE},
        rows=(70, 72),
        around=a_container,
    ),
    Case(
        "a plan of 4 TB",
        "BP-R001",
        8,
        ("GB", "network"),
        "plan c.yaml",
        {"c.yaml": WIDE},
        rows=(70,),
    ),
    Case(
        "a rate that is too high",
        "BP-N001",
        7,
        ("iteration", "learning rate 1e+30", "learning_rate"),
        "train c.yaml -o new",
        {
            "c.yaml": CONFIG.replace("epochs: 1", "epochs: 9")
            + "optimizer: sgd\nlearning_rate: 1e30\nsplit: {validation: 0}\n"
        },
        rows=(64,),
        leaves="new",
    ),
    Case(
        "a validation row that no loss can hold",
        "BP-N002",
        7,
        ("iteration 1", "the validation loss", "the target 'y' reaches", "wrong cells"),
        "train c.yaml -o new",
        {
            "c.yaml": CONFIG.replace("path: t.csv", "train: t.csv, validation: v.csv"),
            "v.csv": "a,b,y\n1,red,3\n2,blue,1e30\n",
        },
        rows=(64, 65),
        leaves="new",
    ),
    Case(
        "a threshold that is not reached",
        "BP-N003",
        0,
        ("stop.threshold", "not below 1e-09"),
        "train c.yaml -o new",
        {"c.yaml": CONFIG + "stop: {threshold: 1e-9}\n"},
        rows=(67,),
    ),
    Case(
        "a layer of dead units",
        "BP-N004",
        0,
        ("layer 2 (dense)", "dead units: it gives every training row the same number"),
        "train c.yaml -o new",
        {"c.yaml": CONFIG.replace("{dense: 2}", "{dense: {units: 2, init: zeros}}, relu")},
        rows=(66,),
    ),
    Case(
        "20,000 categories in 20,000 rows",
        "BP-R010",
        8,
        ("t.csv", "20,000 rows", "inputs", "preprocess.categorical.one_hot"),
        files={
            "c.yaml": "data: {path: t.csv, target: y, columns: {b: categorical}}\n"
            "preprocess: {categorical: {one_hot: 1000000, max_levels: 1000000}}\n",
            "t.csv": "a,b,y\n" + "".join(f"{i},k{i},{i}.5\n" for i in range(20_000)),
        },
        rows=(70,),
        around=a_container,
    ),
    Case(
        "a table that is larger than the memory",
        "BP-R011",
        8,
        ("t.csv", "reading takes about 3.0 GB", "0.8 GB are available", "data.cache: true"),
        files={"c.yaml": CONFIG.replace("target: y", "target: y, cache: false")},
        rows=(70, 72),
        around=a_container_and_a_big_table,
    ),
    Case(
        "a table in a cache",
        "BP-D200",
        0,
        ("runs/.bpcli-cache", "the table is read from a cache"),
        "train c.yaml -o runs/new",
        {"c.yaml": CACHED},
    ),
    Case(
        "a disk without space for a table that is larger than memory",
        "BP-O014",
        6,
        ("runs/.bpcli-cache", "No space left", "bytes for an array"),
        "train c.yaml -o runs/new",
        {"c.yaml": CACHED},
        around=no_space_for_arrays,
        leaves="runs",
    ),
    Case(
        "a cache that is changed while it is used",
        "BP-R050",
        8,
        ("1.text", "was changed while it was read", "run again"),
        "train c.yaml -o runs/new",
        {"c.yaml": CACHED},
        around=a_cache_cut_short,
        leaves="runs",
    ),
    Case(
        "a trillion epochs",
        "BP-C033",
        3,
        ("c.yaml:3:9", "epochs", "at most 100000000"),
        files={"c.yaml": CONFIG.replace("epochs: 1", "epochs: 1000000000000")},
        rows=(70,),
    ),
    Case(
        "a process that is killed",
        "BP-R002",
        8,
        ("threads: 1",),
        "train c.yaml -o new",
        {"c.yaml": CONFIG.replace("epochs: 1", "epochs: 99999") + "threads: 2\n"},
        leaves="new",
        around=a_killer,
    ),
]
