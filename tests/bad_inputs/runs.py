"""Run folders: what they hold already, what is not of one run, and disks that fail."""

from __future__ import annotations

import errno
import json
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, chdir
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bad_inputs.case import CONFIG, TABLE, Case, Content, Surroundings, command, made
from bpcli.runs.processes import birth
from bpcli.runs.tensorfile import pack, unpack


@cache
def run(name: str) -> bytes:
    """A file of the folder that the usual config trains."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("c.yaml").write_text(CONFIG)
        Path("t.csv").write_text(TABLE)
        code, _, err = command(["train", "c.yaml", "-o", "run", "-q"])
        assert code == 0, err
        return Path("run", name).read_bytes()


def checkpoint(**changes: Any) -> Callable[[], bytes]:
    """The run's checkpoint with another record and a right checksum."""

    def content() -> bytes:
        record, tensors = unpack(run("checkpoint.safetensors"), "c")
        return pack({**record, **changes}, tensors)

    return content


STOPPED = '{"state": "interrupted"}'


def resumed(name: str, id: str, exit: int, *says: str, rows: tuple[int, ...], **more: Any) -> Case:
    """`--resume` in the folder of a stopped run."""
    files: Mapping[str, Content] = {
        "new/run.json": STOPPED,
        "new/checkpoint.safetensors": checkpoint(),
        **more.pop("files", {}),
    }
    options = more.pop("options", "")
    return Case(
        name, id, exit, says, f"train c.yaml -o new --resume {options}", files, rows, **more
    )


def patched(target: str, error: BaseException) -> Surroundings:
    """A function that fails while the command runs."""
    return lambda folder: patch(target, side_effect=error)


def owner(**changes: object) -> str:
    """A lock file of a process that lives: the one that runs the tests."""
    pid = os.getppid()
    since = "2026-01-01T00:00:00+00:00"
    facts = {"pid": pid, "host": platform.node(), "since": since, "birth": birth(pid)}
    return json.dumps(facts | changes)


def no_fsync(folder: Path) -> AbstractContextManager[object]:
    """Some network mounts know no fsync."""
    return patch("os.fsync", side_effect=OSError(errno.EINVAL, "Invalid argument"))


CASES = [
    Case(
        "a folder with a stopped run",
        "BP-O010",
        6,
        ("new", "was interrupted", "--resume", "--force"),
        "train c.yaml -o new",
        {"new/run.json": STOPPED},
        rows=(30,),
    ),
    Case(
        "a folder with a killed run",
        "BP-O010",
        6,
        ("new", "was interrupted"),
        "train c.yaml -o new",
        {"new/run.json": '{"state": "running"}'},
        rows=(30,),
    ),
    Case(
        "a folder with a failed run",
        "BP-O010",
        6,
        ("new", "failed", "--resume"),
        "train c.yaml -o new",
        {"new/run.json": '{"state": "failed"}'},
        rows=(30, 29),
    ),
    Case(
        "a finished run without its checkpoint",
        "BP-O002",
        6,
        ("new", "--force"),
        "train c.yaml -o new --resume",
        {"new/run.json": '{"state": "completed"}'},
        rows=(29,),
    ),
    Case(
        "a folder that is in use",
        "BP-B001",
        10,
        (f"process {os.getppid()} on ", "since 2026-01-01"),
        "train c.yaml -o new",
        {"new/.lock": owner()},
        rows=(60,),
    ),
    Case(
        "a folder that is in use elsewhere",
        "BP-B002",
        10,
        ("elsewhere", "remove new/.lock"),
        "train c.yaml -o new --force",
        {"new/.lock": owner(host="elsewhere")},
        rows=(61,),
    ),
    Case(
        "prediction with a stopped run",
        "BP-M015",
        5,
        ("run", "interrupted", "--resume"),
        "predict run t.csv",
        {"run/run.json": STOPPED},
    ),
    Case(
        "a model of another run",
        "BP-M011",
        5,
        ("run/model.safetensors", "0123456789abcdef"),
        "predict run t.csv",
        {"run/run.json": '{"state": "completed", "run": "0123456789abcdef"}'},
        rows=(75,),
    ),
    resumed(
        "a checkpoint of another run",
        "BP-M011",
        5,
        "new/checkpoint.safetensors",
        "0123456789abcdef",
        rows=(75,),
        files={"new/run.json": '{"state": "interrupted", "run": "0123456789abcdef"}'},
    ),
    resumed(
        "a changed config",
        "BP-C090",
        3,
        "learning_rate: was ",
        "is 0.5 now",
        rows=(11,),
        options="--set learning_rate=0.5",
    ),
    resumed(
        "changed data",
        "BP-M014",
        4,
        "t.csv",
        "20 rows",
        "19 rows",
        rows=(20,),
        files={"t.csv": TABLE.rpartition("10.0")[0]},
    ),
    resumed(
        "a checkpoint that is a folder",
        "BP-M010",
        5,
        "new/checkpoint.safetensors",
        rows=(73,),
        around=lambda folder: made(os.mkdir, folder / "new/checkpoint.safetensors"),
    ),
    resumed(
        "a model as a checkpoint",
        "BP-M002",
        5,
        "no checkpoint",
        rows=(73,),
        files={"new/checkpoint.safetensors": lambda: run("model.safetensors")},
    ),
    resumed(
        "a checkpoint with code",
        "BP-M002",
        5,
        "no checkpoint: code",
        rows=(73,),
        files={"new/checkpoint.safetensors": checkpoint(code="import os")},
    ),
    resumed(
        "another numpy",
        "BP-M016",
        0,
        "numpy: was ",
        "last bits",
        rows=(77,),
        files={
            "new/checkpoint.safetensors": lambda: checkpoint(
                environment={
                    **unpack(run("checkpoint.safetensors"), "c")[0]["environment"],
                    "numpy": "2.1.0",
                }
            )()
        },
    ),
    Case(
        "more threads than cores",
        "BP-R022",
        8,
        ("512 threads", "--threads"),
        "train c.yaml --threads 512",
        rows=(87,),
    ),
    Case(
        "a disk without space",
        "BP-O012",
        6,
        ("needs about", "0 are free"),
        "train c.yaml -o new",
        rows=(33,),
        around=lambda folder: patch("os.statvfs", return_value=_Full()),
    ),
    Case(
        "a disk that fails",
        "BP-O001",
        6,
        ("t.out: cannot be written: Input/output error (fsync)", "check the disk"),
        "predict run t.csv -o t.out",
        rows=(38,),
        around=patched("os.fsync", OSError(errno.EIO, "Input/output error")),
    ),
    Case(
        "a disk without fsync",
        "BP-O020",
        0,
        ("new", "power loss"),
        "train c.yaml -o new",
        rows=(39,),
        around=no_fsync,
    ),
    Case(
        "too many open files",
        "BP-R020",
        8,
        ("the limit is", "ulimit -n"),
        "predict run t.csv -o t.out",
        rows=(41,),
        around=patched("os.open", OSError(errno.EMFILE, "Too many open files")),
    ),
    Case(
        "predictions to a pipe",
        "BP-O013",
        6,
        ("pipe: is not a plain file",),
        "predict run t.csv -o pipe -f",
        around=lambda folder: made(os.mkfifo, folder / "pipe"),
    ),
    Case(
        "no memory left for the table",
        "BP-R023",
        8,
        ("memory",),
        around=patched("bpcli.runs.resolved.prepare", MemoryError()),
        rows=(71,),
    ),
    Case(
        "no memory left for an update",
        "BP-R021",
        8,
        ("iteration 1", "--resume"),
        "train c.yaml -o new",
        around=patched("bpcli.nn.sources.OwnRows.evaluate", MemoryError()),
        rows=(71,),
        leaves="new",
    ),
    Case(
        "a fault of bpcli",
        "BP-X001",
        1,
        ("bpcli-crash-", "report"),
        around=patched("bpcli.runs.resolved.prepare", RuntimeError("the cell 'secret'")),
        rows=(86,),
        leaves="bpcli-crash-",
    ),
]


class _Full:
    f_bavail, f_frsize = 0, 4096
