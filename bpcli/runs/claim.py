"""Taking a run folder: what is in the way is found before anything is read, and said."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bpcli.config.errors import OutputError, Problem
from bpcli.runs.files import (
    TEMPORARY,
    make_folder,
    make_numbered,
    remove_file,
    remove_leftovers,
    require_apart,
    require_no_link,
    require_space,
)
from bpcli.runs.folder import RECORD, TRAINING, Kind, command_of, state_of
from bpcli.runs.lock import LOCK, FolderLock, require_free

RUNS = Path("runs")


class Claim(NamedTuple):
    """A run folder asked for: an existing one only with `force`, or to `resume` what it holds."""

    config: Path
    output: Path | None
    force: bool = False
    resume: bool = False
    kind: Kind = TRAINING

    @property
    def parent(self) -> Path:
        """The folder that the run folder is in."""
        return RUNS if self.output is None else self.output.parent

    def check(self) -> None:
        """Raises BusyError or OutputError where it would be refused; reads and writes no data."""
        if self.output is None:
            return
        require_no_link(self.output)
        if self.output.is_dir():
            require_free(self.output)
            self._require_fit(self.output)
        _require_possible(self.output)

    def take(self, inputs: Sequence[Path], space: int) -> tuple[Path, FolderLock]:
        """The folder, made and locked, with room for so many bytes and no input among its files."""
        self.check()
        new = self.output is None or not self.output.exists()
        if self.output is None:
            folder = make_numbered(RUNS, self._name)
        else:
            make_folder(folder := self.output)
        lock = None
        try:
            lock = FolderLock(folder)
            self._prepare(folder, inputs, space)
            return folder, lock
        except BaseException:
            if lock is not None:
                lock.release()
            if new:
                with suppress(OSError):
                    folder.rmdir()
            raise

    @property
    def _name(self) -> str:
        """`iris` of a training, `iris-lr-sweep` of a sweep."""
        stem = self.config.stem
        return stem if self.kind == TRAINING else f"{stem}-{self.kind.command}"

    def _prepare(self, folder: Path, inputs: Sequence[Path], space: int) -> None:
        self._require_fit(folder)  # another run may have been here since the check
        for name in self.kind.files:
            require_no_link(folder / name)
        replaced = dict.fromkeys((RECORD, *TRAINING.files, *self.kind.files))
        for name in self.kind.results if self.resume else replaced:
            for source in inputs:
                require_apart(folder / name, source)
        remove_leftovers(folder)
        require_space(folder, space)
        if self.force:
            for name in replaced:  # the record first: a folder without one holds no run
                remove_file(folder / name)

    def _require_fit(self, folder: Path) -> None:
        """What the folder holds may be replaced, or gone on with."""
        state = state_of(folder)
        if self.force:
            return
        goes_on = state != "completed" or (folder / self.kind.going_on).is_file()
        own = command_of(folder) == self.kind.command
        if not (self.resume and state is not None and own and goes_on):
            _require_vacant(folder, state, resumable=own and bool(self.kind.going_on))


def _require_vacant(folder: Path, state: str | None, *, resumable: bool) -> None:
    if state is None:
        if any(not path.name.startswith((LOCK, TEMPORARY)) for path in folder.iterdir()):
            what = "is not empty and not a run folder"
            raise OutputError(
                Problem("BP-O003", str(folder), what, "choose another folder with -o")
            )
    elif resumable and state in ("interrupted", "failed"):
        what = f"holds a run that {'was interrupted' if state == 'interrupted' else 'failed'}"
        fix = "go on with it by --resume, or start again with --force"
        raise OutputError(Problem("BP-O010", str(folder), what, fix))
    else:
        what = "already holds a run"
        fix = "choose another folder with -o, or replace the run with --force"
        raise OutputError(Problem("BP-O002", str(folder), what, fix))


def _require_possible(folder: Path) -> None:
    """The nearest folder above that exists can be written to."""
    above = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not above.is_dir():
        raise OutputError(Problem("BP-O011", str(folder), f"{above} is not a folder", _ELSEWHERE))
    if not os.access(above, os.W_OK | os.X_OK):
        what = f"cannot be made: {above} is not writable"
        raise OutputError(Problem("BP-O011", str(folder), what, _ELSEWHERE))


_ELSEWHERE = "choose another folder with -o"
