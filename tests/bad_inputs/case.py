"""A bad input as data: a command, the files it finds, and how it must end."""

from __future__ import annotations

import io
import os
import shlex
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, chdir, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

Content = str | bytes | Callable[[], bytes]
Surroundings = Callable[[Path], AbstractContextManager[object]]

CONFIG = "data: {path: t.csv, target: y}\nnetwork: [{dense: 2}]\nepochs: 1\n"
COLOURS = ("red", "green", "blue")
ROWS = [f"{i / 2},{COLOURS[i % 3]},{2 * i + 0.25 * (i % 3)}\n" for i in range(1, 21)]
TABLE = "a,b,y\n" + "".join(ROWS)
CLASSES = "a,b,y\n" + "".join(
    f"{i / 2},{i * i % 7},{'no' if i % 3 else 'yes'}\n" for i in range(20)
)


class Case(NamedTuple):
    """What is given, and what must come of it."""

    name: str
    id: str  # of one problem or notice that is printed
    exit: int
    says: tuple[str, ...]  # what must be named: file, line, column, value, the way out
    command: str = "train c.yaml"
    files: Mapping[str, Content] = {}
    rows: tuple[int, ...] = ()  # of the fault matrix
    around: Surroundings = nullcontext  # what no file can be: a pipe, a limit, a race
    stdin: bytes = b""
    leaves: str = ""  # the folder of a run that has started, and says why it ended


class Ending(NamedTuple):
    """How a command ended."""

    exit: int
    out: str
    err: str
    new: list[str]  # paths that were not there before, or are not as they were


def run(case: Case, folder: Path) -> Ending:
    """Run a case in this process, through the entry point of the command line."""
    arrange(case, folder)
    with chdir(folder):
        with case.around(folder):
            before = _tree(Path())
            code, out, err = command(shlex.split(case.command), case.stdin)
        after = _tree(Path())
    changed = [path for path in after.keys() | before.keys() if before.get(path) != after.get(path)]
    return Ending(code, out, err, sorted(changed))


def arrange(case: Case, folder: Path) -> None:
    """The usual files with those of the case; a model only where the command asks for one."""
    files: dict[str, Content] = {"c.yaml": CONFIG, "t.csv": TABLE}
    if "run" in case.command.split():
        files["run/model.safetensors"] = model
    for name, content in {**files, **case.files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        made_now = content() if callable(content) else content
        path.write_bytes(made_now.encode() if isinstance(made_now, str) else made_now)


def command(arguments: list[str], stdin: bytes = b"") -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of one command."""
    from bpcli.cli.app import run as entry

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in "oe")
    given = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    plain = {key: value for key, value in os.environ.items() if key not in _DISPLAY}
    with (
        patch.object(sys, "argv", ["bpcli", *arguments]),
        patch.multiple(sys, stdin=given, stdout=out, stderr=err),
        patch.dict(os.environ, plain, clear=True),
    ):
        code = entry()
    return code, *(stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined,return-value]


@cache
def model(config: str = CONFIG, table: str = TABLE) -> bytes:
    """The model that a config trains."""
    with tempfile.TemporaryDirectory() as name, chdir(name):
        Path("c.yaml").write_text(config)
        Path("t.csv").write_text(table)
        code, _, err = command(["train", "c.yaml", "-o", "run", "-q"])
        assert code == 0, err
        return Path("run", "model.safetensors").read_bytes()


_DISPLAY = ("COLUMNS", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TERM")


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below a folder, with what changes when a file is written."""
    found = {str(path): path.lstat() for path in folder.rglob("*")}
    return {
        name: (one.st_ino, 0 if stat.S_ISDIR(one.st_mode) else one.st_mtime_ns)
        for name, one in found.items()
    }


@contextmanager
def made(make: Callable[[Path], object], path: Path) -> Iterator[None]:
    """Something that is there while the command runs."""
    path.unlink(missing_ok=True)
    make(path)
    yield


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """A file without read permission, and no rights of root, to whom every file is readable."""
    model()  # so that all of bpcli is imported while its files can be read
    path.parent.chmod(0o755)
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        path.chmod(0o644)
