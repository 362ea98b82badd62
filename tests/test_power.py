"""Power loss: whatever of a command's writes had reached the disk, each file is whole, and the run
goes on to the same bytes.

The calls that write are logged. At each point of the log the disk may hold only what was flushed;
or all; or the names of all with half of what was not flushed; or half of the names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from bad_inputs.case import command
from faults import CONFIG, NONE, TRAIN, run
from resuming import essence, flowers, leftovers

from bpcli.runs import files, lock
from bpcli.runs.files import TEMPORARY

DEAD = 2**22 + 1  # no process has this number


class Call(NamedTuple):
    """One call that changes the disk, or flushes it."""

    name: str
    path: str  # of the file or folder; of a rename the old name
    content: bytes = b""  # written
    new: str = ""  # of a rename the new name


class Recorder:
    """The module `os`, with a log of the calls that write."""

    def __init__(self) -> None:
        self.log: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        noted: Callable[..., Any] | None = getattr(self, f"note_{name}", None)
        if noted is None:
            return real

        def call(*arguments: Any, **options: Any) -> Any:
            done = real(*arguments, **options)
            self.log.append(noted(done, *arguments, **options))
            return done

        return call

    def note_open(self, done: int, path: Any, flags: int, *_: Any, **options: Any) -> Call:
        created = flags & os.O_CREAT
        return Call("create" if created else "open", _absolute(path, options.get("dir_fd")))

    def note_write(self, done: int, handle: int, content: memoryview) -> Call:
        return Call("write", _of(handle), bytes(content[:done]))

    def note_fsync(self, done: None, handle: int) -> Call:
        return Call("fsync", _of(handle))

    def note_unlink(self, done: None, path: Any, **options: Any) -> Call:
        return Call("unlink", _absolute(path, options.get("dir_fd")))

    def note_replace(self, done: None, old: str, new: str, **folders: int) -> Call:
        where = folders["src_dir_fd"], folders["dst_dir_fd"]
        return Call("rename", _absolute(old, where[0]), new=_absolute(new, where[1]))


def _of(handle: int) -> str:
    return os.readlink(f"/proc/self/fd/{handle}").removesuffix(" (deleted)")


def _absolute(path: Any, folder: int | None) -> str:
    return os.path.abspath(path) if folder is None else os.path.join(_of(folder), path)


class File:
    """What was written to a file, and how much of it was flushed."""

    def __init__(self) -> None:
        self.content, self.flushed = b"", 0

    def torn(self) -> bytes:
        """Half of what was not flushed is there."""
        return self.content[: self.flushed + (len(self.content) - self.flushed) // 2]


Names = dict[str, File]


class Disk:
    """Files by name, and the changes of names that no flush of a folder has made certain."""

    def __init__(self) -> None:
        self.sure: Names = {}
        self.pending: list[tuple[str, File | None]] = []  # a name and its file; None: no more

    def names(self, changes: int | None = None) -> Names:
        """The files with so many of the pending changes."""
        found = dict(self.sure)
        for name, file in self.pending[:changes]:
            if file is None:
                found.pop(name, None)
            else:
                found[name] = file
        return found

    def take(self, call: Call) -> None:
        """The next call of the log."""
        now = self.names()
        match call.name:
            case "create":
                self.pending.append((call.path, File()))
            case "write":
                now[call.path].content += call.content
            case "unlink":
                self.pending.append((call.path, None))
            case "rename":
                self.pending += [(call.new, now[call.path]), (call.path, None)]
            case "fsync" if call.path in now:
                now[call.path].flushed = len(now[call.path].content)
            case "fsync":  # a folder
                inside = [(n, f) for n, f in self.pending if os.path.dirname(n) == call.path]
                self.pending = [change for change in self.pending if change not in inside]
                outside, self.pending = self.pending, inside
                self.sure, self.pending = self.names(), outside

    def states(self) -> Iterator[dict[str, bytes]]:
        """What may be there when the power comes back."""
        yield {name: file.content[: file.flushed] for name, file in self.sure.items()}
        yield {name: file.content for name, file in self.names().items()}
        yield {name: file.torn() for name, file in self.names().items()}
        half = len(self.pending) // 2
        yield {name: file.torn() for name, file in self.names(half).items()}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Call], dict[str, str]]:
    """The folder in which a small run wrote, its log, and the essence of the run."""
    folder = tmp_path_factory.mktemp("calm")
    flowers(folder, CONFIG)
    recorder = Recorder()
    with chdir(folder), patch.object(files, "os", recorder), patch.object(lock, "os", recorder):
        code, _, said = command([*TRAIN])
    assert code == 0, said
    return folder, recorder.log, essence(folder / "run")


def after_each(log: list[Call]) -> Iterator[list[dict[str, bytes]]]:
    """The possible states of the disk after each call."""
    disk = Disk()
    for call in log:
        disk.take(call)
        yield list(disk.states())


def test_a_name_never_stands_for_half_a_file(
    log: tuple[Path, list[Call], dict[str, str]],
) -> None:  # rows 53, 54
    folder, calls, _ = log
    disk, whole = Disk(), set[tuple[str, bytes]]()
    for call in calls:
        if call.name == "rename":
            whole.add((call.new, disk.names()[call.path].content))
        disk.take(call)
    assert {Path(name).name for name, _ in whole} >= {"run.json", "model.safetensors"}
    for states in after_each(calls):
        for state in states:
            published = {n: c for n, c in state.items() if TEMPORARY not in n}
            assert published.items() <= whole
    assert disk.pending == [(str(folder / "run" / ".lock"), None)]  # all else is certain


def test_each_state_goes_on_to_the_same_bytes(
    log: tuple[Path, list[Call], dict[str, str]], tmp_path: Path
) -> None:  # rows 52, 54
    home, calls, expected = log
    every = [state for states in after_each(calls) for state in states]
    distinct = list({tuple(sorted(state.items())): state for state in every}.values())
    for state in distinct[:: max(1, len(distinct) // 12)]:
        place = tmp_path / "place"
        place.mkdir()
        flowers(place, CONFIG)
        for name, content in state.items():
            # After a power loss the owner of temporary files and of a lock is gone.
            path = place / str(Path(name).relative_to(home)).replace(
                f"-{os.getpid()}-", f"-{DEAD}-"
            )
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content.replace(b'"pid": %d' % os.getpid(), b'"pid": %d' % DEAD))
        with chdir(place):
            code, _, said = run(NONE, *TRAIN, "--resume")
        assert code == 0, said
        assert essence(place / "run") == expected
        assert leftovers(place) == []
        shutil.rmtree(place)
