"""The cache of one file in a folder: what it must hold, and its table where it does.

`record.json` says what file it was made from, and the size and SHA-256 of each of the others. A
cache is used only where all of that holds; nothing in it is run, and it is never written to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field, ValidationError

from bpcli.config.component import Spec
from bpcli.config.errors import Notice
from bpcli.data import decoding, dialect
from bpcli.data.arrays import Ints
from bpcli.data.spec import AUTO, DataSpec, Words
from bpcli.data.stored_column import Piece, StoredColumn
from bpcli.data.stored_table import StoredTable
from bpcli.data.table import Part
from bpcli.nn import room

FORMAT: Literal[1] = 1  # to be raised with every change of what the files mean
RECORD = "record.json"
LINES = "lines.i8"  # the line of the file that each row starts on
STARTS = "starts.i8"  # the first row of each block, and the number of rows
ENDS = "ends.i8"  # for each block its place in the text of each column, (B+1,C)
COMMON = (LINES, STARTS, ENDS)  # to all columns
_GUESSED = {"delimiter": dialect.GUESSED, "encoding": decoding.GUESSED}  # and how that is said
_LONGEST = 1 << 26  # bytes of a record
_BLOCK = 1 << 20  # bytes hashed at once

Size = Annotated[int, Field(ge=0)]


class FileFacts(Spec):
    """How large a file is, and what is in it."""

    size: Size
    sha256: str


class CacheRecord(Spec):
    """What a cache was made from and how that was read, and what it holds."""

    format: Literal[1]
    sha256: str  # of the file that it was made from
    reading: str  # how that was to be read, by `reading_of`
    asked: dict[str, str]  # and what may have been left open of that
    names: Words  # of the columns
    plain: Annotated[tuple[bool, ...], Field(strict=False)]  # which are numbers and gaps only
    rows: Annotated[int, Field(ge=1)]
    blank: Size  # lines without a row
    found: dict[str, str | None]  # how the file was read
    notices: Annotated[tuple[Annotated[Words, Field(max_length=4)], ...], Field(strict=False)]
    files: dict[str, FileFacts]


class Cache(NamedTuple):
    """A cache by its record; what it holds is to be checked before it is used."""

    folder: Path
    record: CacheRecord

    def holds(self, file: str) -> bool:
        """Whether a file has the content that the record says."""
        try:
            return sha256_of(self.folder / file) == self.record.files[file].sha256
        except OSError:
            return False

    def files_of(self, name: str) -> list[str]:
        """The files that are a column's own."""
        column = self.record.names.index(name)
        numbers = [numbers_name(column)] if self.record.plain[column] else []
        return [text_name(column), *numbers]

    @property
    def bytes(self) -> int:
        """What it takes on the disk."""
        return sum(one.size for one in self.record.files.values())

    def table(self, path: Path, spec: DataSpec) -> StoredTable:
        """The table of the file `path`, as reading that would give it."""
        record = self.record
        starts = self._integers(STARTS)
        ends = self._integers(ENDS).reshape(len(starts), len(record.names))
        columns = {
            name: StoredColumn((Piece(self._text(i), self._numbers(i), starts, ends[:, i].copy()),))
            for i, name in enumerate(record.names)
        }
        return StoredTable(
            path,
            columns,
            room.mapped(self.folder / LINES, np.int64),
            spec=spec.model_copy(update=record.found),
            sha256=record.sha256,
            notices=tuple(self._notices(spec)),
            parts=(Part(path, 0, blank=record.blank),),
        )

    def _notices(self, spec: DataSpec) -> Iterator[Notice]:
        """What was noticed; nothing was guessed where the config says it."""
        said = [_GUESSED[key] for key in _GUESSED if getattr(spec, key) != AUTO]
        return (Notice(*words) for words in self.record.notices if words[0] not in said)

    def _text(self, column: int) -> Path:
        return self.folder / text_name(column)

    def _numbers(self, column: int) -> Path | None:
        return self.folder / numbers_name(column) if self.record.plain[column] else None

    def _integers(self, name: str) -> Ints:
        return np.fromfile(self.folder / name, dtype=np.int64)


def text_name(column: int) -> str:
    """The file of the text of a column, by its number."""
    return f"{column}.text"


def numbers_name(column: int) -> str:
    """The file of the numbers of a column."""
    return f"{column}.f8"


def reading_of(spec: DataSpec) -> str:
    """How a file is to be read, but for what may be left open."""
    keys = {"header", "decimal", "thousands", "missing"}
    return json.dumps(spec.model_dump(mode="json", include=keys), sort_keys=True)


def asked_of(spec: DataSpec) -> dict[str, str]:
    """What may be left open, as a config has it."""
    return {key: getattr(spec, key) for key in _GUESSED}


def open_cache(folder: Path, sha256: str, spec: DataSpec) -> Cache | None:
    """The cache in a folder; None where it is none of this file, or not as it was written."""
    found = find_cache(folder, spec)
    if found is None or found.record.sha256 != sha256:
        return None
    return found if all(map(found.holds, found.record.files)) else None


def find_cache(folder: Path, spec: DataSpec) -> Cache | None:
    """The cache in a folder as its record has it, with files of these sizes; None without one."""
    record = _record(folder / RECORD)
    if record is None or record.reading != reading_of(spec):
        return None
    found = ((record.asked.get(key), record.found.get(key)) for key in _GUESSED)
    if any(now not in then for now, then in zip(asked_of(spec).values(), found, strict=True)):
        return None
    if not _is_whole(record) or not _has_files(folder, record):
        return None
    return Cache(folder, record)


def _record(path: Path) -> CacheRecord | None:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            return None
        return CacheRecord.model_validate(json.loads(content))
    except (OSError, ValueError, RecursionError, ValidationError):
        return None


def _is_whole(record: CacheRecord) -> bool:
    """Every file that the columns need is named, with the size that so many rows take."""
    files, columns = record.files, range(len(record.names))
    if len(record.plain) != len(columns) or len({*record.names}) != len(columns):
        return False
    plain = [numbers_name(i) for i in columns if record.plain[i]]
    if {*files} != {*COMMON, *map(text_name, columns), *plain}:
        return False
    by_row = all(files[name].size == 8 * record.rows for name in (LINES, *plain))
    return by_row and files[ENDS].size == files[STARTS].size * len(columns)


def _has_files(folder: Path, record: CacheRecord) -> bool:
    """With the size of each, and no link among them."""
    try:
        paths = {folder / name: one.size for name, one in record.files.items()}
        if any(path.is_symlink() or not path.is_file() for path in paths):
            return False
        return all(path.stat().st_size == size for path, size in paths.items())
    except OSError:
        return False


def sha256_of(path: Path) -> str:
    """Of a file.  Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
