"""A CSV file as tables: every cell as text, every record accounted for, in one pass.

Bytes → text → lines → records → tables, each in blocks, so that a file of any size can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem, listing
from bpcli.data.arrays import Texts
from bpcli.data.asking import CONFIG, Asking
from bpcli.data.decoding import Decoder
from bpcli.data.dialect import HEAD, delimiter_of, guessed
from bpcli.data.numbers import to_numbers
from bpcli.data.parquet import SUFFIX, ParquetReader
from bpcli.data.records import RecordReader, Records, is_blank
from bpcli.data.shards import files_of
from bpcli.data.source import BLOCK, Source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table

_SHOWN = 5  # offending lines of one kind

ReadFile = Callable[[Path, DataSpec], Table]


class TableReader:
    """The rows of a file, once, as one table a block; the names are known before the first.

    Notices and hash are complete when the last table was taken. Raises DataError.
    """

    def __init__(
        self, path: Path, spec: DataSpec, asking: Asking = CONFIG, block: int = BLOCK
    ) -> None:
        self.path, self.rows, self._asking, self._given = path, 0, asking, spec
        self._source = Source(path, asking, block)
        self._decoder = Decoder(path, spec.encoding, asking)
        self._notices: list[Notice] = []
        self.blank = 0
        head, blocks = _headed(self._decoder(self._source))
        if not head.strip():
            raise DataError(_empty(path))
        self._model = "header" if spec.header else "first row"
        self.delimiter = delimiter_of(head, spec.delimiter, path, self._model, asking)
        if self.delimiter not in (spec.delimiter, ","):
            self._notices.append(guessed(self.delimiter, path, asking))
        self._reader = RecordReader(blocks, path, self.delimiter)
        first = self._reader.first()
        if not first.rows:
            raise DataError(_empty(path))
        self.blank = int(first.lines[0]) - 1
        self._waiting = [] if spec.header else [first]
        self.names = self._named(first) if spec.header else _numbered(len(first.rows[0]))

    @property
    def spec(self) -> DataSpec:
        """How the file is read, with what was found out about it."""
        found = {"delimiter": self.delimiter, "encoding": self._decoder.encoding}
        return self._given.model_copy(update=found)

    @property
    def sha256(self) -> str:
        """Of the file, once it is read."""
        return self._source.sha256

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is noteworthy about the file, once it is read."""
        blank = [Notice("BP-D101", self.path.name, f"blank lines skipped: {self.blank}")]
        return (*self._decoder.notices, *self._notices, *(blank if self.blank else ()))

    def __iter__(self) -> Iterator[Table]:
        """The tables in the order of the file; of a file without rows one without rows."""
        for records in chain(self._waiting, self._reader):
            table = self._table(self._kept(records))
            if self._given.header and self.rows == 0:
                self._notices += _header_notices(table)
            self.rows += table.n_rows
            if table.n_rows:
                yield table
        if not self.rows:
            yield self._table(Records([], np.array([], dtype=np.int64)))

    def _table(self, records: Records) -> Table:
        cells = zip(*records.rows, strict=True) if records.rows else ((),) * len(self.names)
        columns = {
            name: np.array(column, dtype=object)
            for name, column in zip(self.names, cells, strict=True)
        }
        return Table(self.path, columns, records.lines, spec=self.spec, start=self.rows)

    def _kept(self, records: Records) -> Records:
        """The records that are rows; each must have a cell for each name."""
        width = len(self.names)
        if width > 1 and set(map(len, records.rows)) == {width}:
            return records
        kept = [i for i, row in enumerate(records.rows) if not is_blank(row)]
        self.blank += len(records.rows) - len(kept)
        rows = Records([records.rows[i] for i in kept], records.lines[kept])
        self._refuse_ragged(rows, width)
        return rows

    def _refuse_ragged(self, records: Records, expected: int) -> None:
        wrong = [i for i, row in enumerate(records.rows) if len(row) != expected]
        problems = [
            Problem(
                "BP-D014",
                f"{self.path.name}, line {records.lines[i]}",
                f"{_fields(len(records.rows[i]))}, but the {self._model} has {expected}",
                "quote a cell that contains the delimiter, or make the number of fields equal",
                (self._reader.lines.shown(int(records.lines[i])),),
            )
            for i in wrong[:_SHOWN]
        ]
        if len(wrong) > _SHOWN:
            more, last = len(wrong) - _SHOWN, records.lines[wrong[-1]]
            what = f"{more} more lines up to line {last} do not have {expected} fields"
            problems.append(Problem("BP-D014", self.path.name, what))
        if problems:
            raise DataError(*problems)

    def _named(self, header: Records) -> tuple[str, ...]:
        """The header's names, without spaces around them; each must be unique."""
        names = [name.strip() for name in header.rows[0]]
        twice = [repr(name) for name, count in Counter(names).items() if count > 1]
        if twice:
            what = f"more than one column is called {listing(twice)}"
            fix = (
                "give each column its own name; for a file without a header set data.header: false"
            )
            line = int(header.lines[0])
            where, detail = f"{self.path.name}, line {line}", (self._reader.lines.shown(line),)
            raise DataError(Problem("BP-D012", where, what, fix, detail))
        return tuple(names)


class Reader(Protocol):
    """The rows of a file, once, as one table a part; `names` are known before the first.

    Notices and hash are complete when the last table was taken.
    """

    @property
    def path(self) -> Path: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> int: ...
    @property
    def blank(self) -> int: ...
    @property
    def spec(self) -> DataSpec: ...
    @property
    def sha256(self) -> str: ...
    @property
    def notices(self) -> tuple[Notice, ...]: ...
    def __iter__(self) -> Iterator[Table]: ...


def open_table(path: Path, spec: DataSpec, asking: Asking = CONFIG) -> Reader:
    """A reader of the file, by its name.  Raises DataError."""
    if path.suffix == SUFFIX:
        return ParquetReader(path, spec, asking)
    return TableReader(path, spec, asking)


def read_table(path: Path, spec: DataSpec, asking: Asking = CONFIG) -> Table:
    """The table in a file, or in all files whose names a pattern fits, one below the other."""
    return _all_of(path, spec, lambda one, given: _read_file(one, given, asking))


def _all_of(path: Path, spec: DataSpec, read: ReadFile) -> Table:
    """The others are read as the first one was."""
    first, *others = files_of(path)
    table = read(first, spec)
    if not others:
        return table
    return table.followed_by([read(one, table.spec) for one in others])


def _read_file(path: Path, spec: DataSpec, asking: Asking = CONFIG) -> Table:
    reader = open_table(path, spec, asking)
    table = Table.whole(
        [part.packed() for part in reader],
        sha256=reader.sha256,
        notices=reader.notices,
        blank=reader.blank,
    )
    if not table.n_rows:
        raise DataError(no_rows(path))
    return table


def no_rows(path: Path) -> Problem:
    """The file has nothing below its header."""
    return Problem("BP-D013", path.name, "the file has a header and no rows", "add rows of data")


def read_files(base: Path, spec: DataSpec, read: ReadFile = _read_file) -> Table:
    """The table of a config: its one file, or its training file with the others below it.

    The others are read as the training file was; `read` reads one.
    """
    if spec.train is None:
        return _all_of(base / spec.path, spec, read)
    first = _all_of(base / spec.train, spec, read)
    others = {key: path for key, path in spec.files.items() if key != "train"}
    tables = {key: _all_of(base / path, first.spec, read) for key, path in others.items()}
    return first.joined(tables)


def _empty(path: Path) -> Problem:
    return Problem("BP-D004", path.name, "the file is empty", "check the path")


def _header_notices(table: Table) -> list[Notice]:
    """Names that look like cells of the first rows."""
    spec = table.spec
    if not all(_like_a_cell(name, table.text(name), spec) for name in table.names):
        return []
    numbers = not np.isnan(to_numbers(table.names, spec.decimal, spec.thousands)).any()
    kind = "a number" if numbers else "a number or one of its cells"
    what = f"every column name is {kind}, so the first row may be no header"
    fix = "set data.header: false; the columns are then called c1, c2, …"
    return [Notice("BP-D102", table.path.name, what, fix)]


def _like_a_cell(name: str, cells: Texts, spec: DataSpec) -> bool:
    if not np.isnan(to_numbers([name], spec.decimal, spec.thousands)[0]):
        return True
    return bool(name) and bool(np.any(cells == name))


def _headed(texts: Iterator[str]) -> tuple[str, Iterable[str]]:
    """The beginning of a text, long enough to judge it, and all of its blocks."""
    blocks: list[str] = []
    for text in texts:
        blocks.append(text)
        if sum(map(len, blocks)) > HEAD:
            break
    return "".join(blocks), chain(blocks, texts)


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"c{i}" for i in range(1, width + 1))


def _fields(count: int) -> str:
    return f"{count} field{'' if count == 1 else 's'}"
