"""One file to a cache in a folder: read once, a block of rows at a time, column by column."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.config.errors import DataError
from bpcli.data.numbers import plain_numbers, void_numbers
from bpcli.data.packed import BETWEEN
from bpcli.data.read import Reader, no_rows, open_table
from bpcli.data.spec import DataSpec
from bpcli.data.stored import (
    ENDS,
    FORMAT,
    LINES,
    RECORD,
    STARTS,
    CacheRecord,
    FileFacts,
    asked_of,
    numbers_name,
    reading_of,
    text_name,
)
from bpcli.data.stored_column import ENCODING, ERRORS
from bpcli.data.table import Table
from bpcli.runs.files import failure, make_folder, sync, sync_folder
from bpcli.runs.folder import write_json

CELLS = 1 << 19  # of a block, and no more than a part of the file beyond that


def convert(path: Path, spec: DataSpec, folder: Path) -> CacheRecord:
    """Write the cache of a file into a new folder, the record last.

    Raises DataError for what cannot be read, and OutputError.
    """
    make_folder(folder)
    reader = open_table(path, spec)
    columns = _Columns(folder, reader)
    waiting: list[Table] = []
    rows = max(1, CELLS // len(reader.names))
    for part in reader:
        waiting.append(part)
        if sum(table.n_rows for table in waiting) >= rows:
            columns.add(waiting)
            waiting = []
    columns.add(waiting)
    if not columns.rows:
        raise DataError(no_rows(path))
    files = columns.finish()
    found = reader.spec
    record = CacheRecord(
        format=FORMAT,
        sha256=reader.sha256,
        reading=reading_of(spec),
        asked=asked_of(spec),
        names=reader.names,
        plain=tuple(columns.plain),
        rows=columns.rows,
        blank=reader.blank,
        found={key: getattr(found, key) for key in _FOUND},
        notices=tuple(tuple(notice) for notice in reader.notices),
        files=files,
    )
    write_json(folder / RECORD, record.model_dump(mode="json"))
    return record


_FOUND = ("delimiter", "encoding", "decimal", "thousands")


class _Columns:
    """The files of the columns, which grow block by block."""

    def __init__(self, folder: Path, reader: Reader) -> None:
        spec = reader.spec
        readable = spec.decimal == "." and spec.thousands is None
        numbers = readable and not void_numbers({word.strip() for word in spec.missing})
        self.names = reader.names
        self.plain = [numbers] * len(self.names)
        self.rows = 0
        self._files = _Files(folder)
        self._ends = np.zeros(len(self.names), dtype=np.int64)
        self._files.append(STARTS, np.array([0]))
        self._files.append(ENDS, self._ends)

    def add(self, tables: Sequence[Table]) -> None:
        """Append the rows of some parts of the file as one block."""
        rows = sum(table.n_rows for table in tables)
        if not rows:
            return
        self.rows += rows
        self._files.append(STARTS, np.array([self.rows]))
        self._files.append(LINES, *(table.lines for table in tables))
        for i, name in enumerate(self.names):
            self._ends[i] += self._add(i, [c for t in tables for c in t.text(name).tolist()])
        self._files.append(ENDS, self._ends)

    def _add(self, column: int, cells: list[str]) -> int:
        """The bytes of the cells as text."""
        text = BETWEEN.join(cells).encode(ENCODING, ERRORS)
        self._files.append(text_name(column), text)
        if self.plain[column]:
            numbers = plain_numbers(cells)
            if numbers is None:
                self.plain[column] = False
                self._files.drop(numbers_name(column))
            else:
                self._files.append(numbers_name(column), numbers)
        return len(text)

    def finish(self) -> dict[str, FileFacts]:
        """See that all of it is on the disk."""
        return self._files.finish()


class _Files:
    """Files that are appended to; none is open in between, since there may be thousands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._facts: dict[str, tuple[int, Any]] = {}  # by name: size, and the hash so far

    def append(self, name: str, *contents: Any) -> None:
        """Buffers of bytes behind what a file has.  Raises OutputError."""
        path = self._folder / name
        size, digest = self._facts.get(name) or (0, hashlib.sha256())
        try:
            with path.open("ab", buffering=0) as file:
                for content in contents:
                    size += _write(file.fileno(), content)
                    digest.update(content)
        except OSError as error:
            raise failure(path, "write", error) from None
        self._facts[name] = size, digest

    def drop(self, name: str) -> None:
        """Remove a file that has turned out not to be needed."""
        if self._facts.pop(name, None):
            os.unlink(self._folder / name)

    def finish(self) -> dict[str, FileFacts]:
        """What each file came to, once it is on the disk.  Raises OutputError."""
        for name in self._facts:
            with (self._folder / name).open("rb") as file:
                sync(file.fileno(), self._folder / name)
        sync_folder(self._folder)
        return {
            name: FileFacts(size=size, sha256=digest.hexdigest())
            for name, (size, digest) in self._facts.items()
        }


def _write(handle: int, content: Any) -> int:
    """Write a buffer to its end."""
    left = memoryview(content).cast("B") if memoryview(content).nbytes else memoryview(b"")
    size = left.nbytes
    while left:
        left = left[os.write(handle, left) :]
    return size
