"""A table of text cells, and what a column says when its cells are words or numbers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from bpcli.config.errors import DataError, Notice, Problem, did_you_mean, listing
from bpcli.data.arrays import Flags, Floats, Ints, Texts
from bpcli.data.dates import DateGuess, days_of, guess_format
from bpcli.data.declared import Date
from bpcli.data.numbers import plain_numbers, to_numbers, truth_of, void_numbers
from bpcli.data.packed import Joined, Packed, texts_of
from bpcli.data.spec import DataSpec
from bpcli.nn import room

_SHOWN = 5  # offending cells of one column


class Cells:
    """A column as K distinct words and, per row, the index of its word; −1 is a missing cell.

    A column of nothing but plain numbers and gaps is read as its `numbers`, which may be given too;
    its words are then not looked for until they are asked for.
    """

    def __init__(
        self,
        raw: Texts | Joined,
        missing: Iterable[str],
        decimal: str,
        thousands: str | None = None,
        numbers: Floats | None = None,
    ) -> None:
        self._raw, self._missing = raw, {word.strip() for word in missing}
        self._signs, self._given = (decimal, thousands), numbers

    @cached_property
    def _coded(self) -> tuple[tuple[str, ...], Ints]:
        codes, distinct = pd.factorize(texts_of(self._raw))
        stripped = [word.strip() for word in map(str, distinct)]
        words = tuple(dict.fromkeys(word for word in stripped if word not in self._missing))
        index = {word: i for i, word in enumerate(words)}
        found = [index.get(word, -1) for word in stripped]
        return words, np.array(found, dtype=np.int64)[codes]

    @cached_property
    def _plain(self) -> Floats | None:
        """The numbers of a column of nothing but plain numbers and gaps (N,)."""
        readable = self._signs == (".", None) and not void_numbers(self._missing)
        if self._given is None and readable and isinstance(self._raw, Packed):
            return plain_numbers(self._raw.cells())
        return self._given

    @property
    def plain(self) -> bool:
        """Whether its numbers say all that is in it."""
        return self._plain is not None

    @property
    def words(self) -> tuple[str, ...]:
        """The distinct words (K,), without spaces around them, in the order of the rows."""
        return self._coded[0]

    @property
    def codes(self) -> Ints:
        """The index of each row's word (N,); −1 for a missing cell."""
        return self._coded[1]

    @cached_property
    def values(self) -> Floats:
        """The number that each word is (K,); NaN where it is none."""
        return to_numbers(self.words, *self._signs)

    @cached_property
    def truth(self) -> Floats:
        """+1 for each word that means yes, −1 for one that means no (K,); NaN for any other."""
        return truth_of(self.words, self.values)

    @property
    def missing(self) -> Flags:
        """The rows whose cell is missing (N,)."""
        return self.codes < 0 if self._plain is None else np.isnan(self._plain)

    @property
    def numbers(self) -> Floats:
        """The number in each row (N,); NaN where it is missing or none."""
        return np.append(self.values, np.nan)[self.codes] if self._plain is None else self._plain

    @property
    def not_numbers(self) -> Flags:
        """The rows whose cell is neither missing nor a number (N,)."""
        if self._plain is not None:
            return np.zeros(len(self._plain), dtype=bool)
        return np.append(np.isnan(self.values), False)[self.codes]

    def has_text(self, pattern: re.Pattern[str]) -> bool:
        """Whether a pattern is found in the cells as they are written, NUL between them."""
        packed = Packed.of(self._raw) if isinstance(self._raw, np.ndarray) else self._raw
        return any(pattern.search(block) for block in packed.blocks)

    def labels(self, rows: Ints) -> Ints:
        """A number from 0 for each of the rows, the same where the cells are; gaps have one too."""
        values = self.codes if self._plain is None else self._plain
        return pd.factorize(values[rows], use_na_sentinel=False)[0].astype(np.int64)

    def digest(self) -> bytes:
        """The same for two columns that hold the same in all rows."""
        if self._plain is not None:
            return hashlib.sha256(np.ascontiguousarray(self._plain).data).digest()
        words = hashlib.sha256("\0".join(self.words).encode("utf-8", "surrogatepass"))
        words.update(np.ascontiguousarray(self.codes).data)
        return words.digest()

    def counts(self, rows: Ints | None = None) -> Ints:
        """How many of the rows hold each word (K,); of all rows where none are given."""
        codes, counts = self.codes, np.zeros(1 + len(self.words), np.int64)  # of gaps first
        for own in room.cut_rows(len(codes) if rows is None else len(rows), 1):
            found = codes[own] if rows is None else codes[rows[own]]
            counts += np.bincount(found + 1, minlength=len(counts))
        return counts[1:]


class Part(NamedTuple):
    """One file of a table, and the row that it begins with."""

    path: Path
    start: int
    role: str = ""  # train, validation or test where the config says so
    blank: int = 0  # lines without a row


class Table:
    """The rows of a file: raw cells by column name, each row with the line it starts on.

    A part of a file has the number `start` of its first row, and neither hash nor notices.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Texts | Joined],
        lines: Ints,
        *,
        spec: DataSpec,
        start: int | None = None,
        sha256: str = "",
        notices: tuple[Notice, ...] = (),
        parts: tuple[Part, ...] = (),
    ) -> None:
        self.path = path
        self.parts = parts or (Part(path, 0),)
        self.names = tuple(columns)
        self.n_rows = len(lines)
        self.spec = spec
        self.start = start or 0
        self._is_part = start is not None
        self.sha256 = sha256
        self.notices = notices
        self._columns = columns
        self.lines = lines
        self._cells: dict[str, Cells] = {}
        self._days: dict[tuple[str, str], Floats] = {}
        self._guesses: dict[str, DateGuess] = {}

    def text(self, name: str) -> Texts:
        """The cells of a column as they are in the file (N,)."""
        return texts_of(self._columns[name])

    def texts(self, name: str, rows: Ints) -> Texts:
        """Some cells of a column as they are in the file."""
        return self.text(name)[rows]

    def of_each(self, width: int, make: Callable[[Table], Floats]) -> Floats:
        """What `make` gives for the rows (N,width), each row by itself."""
        return make(self)

    def around(self, own: slice) -> tuple[Table, int]:
        """A table with these rows and few others, and the row of this one that it begins with."""
        return self, 0

    def packed(self) -> Table:
        """The same part in a fraction of the memory."""
        columns = {name: self._packed(name) for name in self.names}
        return Table(self.path, columns, self.lines, spec=self.spec, start=self.start)

    def with_cells_of(self, names: Sequence[str], rows: Ints) -> Table:
        """The table in which some columns have the cells of other rows (N,)."""
        columns = {
            name: self.text(name)[rows] if name in names else column
            for name, column in self._columns.items()
        }
        table = Table(self.path, columns, self.lines, spec=self.spec, parts=self.parts)
        table._cells = {name: cells for name, cells in self._cells.items() if name not in names}
        return table

    def cells(self, name: str) -> Cells:
        """The column as distinct words without spaces around them."""
        if name not in self._cells:
            self._cells[name] = self._made(name, None)
        return self._cells[name]

    def _made(self, name: str, numbers: Floats | None) -> Cells:
        spec = self.spec
        return Cells(self._columns[name], spec.missing, spec.decimal, spec.thousands, numbers)

    def _packed(self, name: str) -> Packed:
        column = self._columns[name]
        return column if isinstance(column, Packed) else Packed.of(texts_of(column))

    def _stacked_column(self, name: str, stack: Sequence[Table]) -> Joined:
        """A column of tables that stand one below the other, this one first."""
        return Packed.joined(table._packed(name) for table in stack)

    def read_numbers(self, names: Sequence[str]) -> None:
        """Read columns of plain numbers of a part all at once, many times as fast as one by one.

        Where there is any other cell among them, each is read by itself when it is asked for.
        """
        spec = self.spec
        if not self._is_part:
            return  # long columns are as fast by themselves
        if spec.decimal != "." or spec.thousands is not None or void_numbers(spec.missing):
            return
        numbers = plain_numbers([word for name in names for word in self.text(name).tolist()])
        if numbers is not None:
            columns = zip(names, numbers.reshape(len(names), self.n_rows), strict=True)
            self._cells |= {name: self._made(name, column) for name, column in columns}

    def numbers(self, name: str) -> Floats:
        """The column as float64 (N,), NaN for missing; any other text is a `DataError`."""
        if self.cells(name).not_numbers.any():
            raise DataError(self.number_problem(name, "correct the cells"))
        return self.cells(name).numbers

    def number_problem(self, name: str, fix: str) -> Problem:
        """The first cells of a column that are no numbers, each with its line."""
        return self.cell_problem("BP-D016", name, self.cells(name).not_numbers, "numbers", fix)

    def cell_problem(self, id: str, name: str, wrong: Flags, expected: str, fix: str) -> Problem:
        """The first of the wrong cells of a column, each with its line."""
        rows = np.flatnonzero(wrong)
        detail = [f"line {self.line_of(row)}: {self.word(name, row)!r}" for row in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            detail.append(f"and {len(rows) - _SHOWN} more")
        lines = f" in lines {self.lines[0]} to {self.lines[-1]}" if self._is_part else ""
        count = f"{len(rows)} of {self.n_rows} cells{lines} are not"
        what = f"column {name!r}: expected {expected}, but {count}"
        return Problem(id, self.where(int(rows[0])), what, fix, tuple(detail))

    def days(self, name: str, format: str) -> Floats:
        """The column as days since 1970-01-01 (N,); NaN where it is missing or no such date."""
        return np.append(self.days_of_words(name, format), np.nan)[self.cells(name).codes]

    def days_of_words(self, name: str, format: str) -> Floats:
        """The day that each word of the column is (K,)."""
        if (name, format) not in self._days:
            self._days[name, format] = days_of(self.cells(name).words, format)
        return self._days[name, format]

    def not_dates(self, name: str, format: str) -> Flags:
        """The rows whose cell is neither missing nor a date of this format (N,)."""
        return np.isnan(self.days(name, format)) & (self.cells(name).codes >= 0)

    def date_guess(self, name: str) -> DateGuess:
        """The format that the config declares, or the one that fits the column's cells."""
        role = self.spec.columns.get(name)
        if isinstance(role, Date) and role.format is not None:
            return DateGuess((role.format,))
        if name not in self._guesses:
            self._guesses[name] = guess_format(self.cells(name).words)
        return self._guesses[name]

    def word(self, name: str, row: int) -> str:
        """One cell, cut for a message."""
        return str(self.texts(name, np.array([row]))[0]).strip()[:80]

    def line_of(self, row: int) -> int:
        """The line of the file, counted from 1, on which a row starts."""
        return int(self.lines[row])

    def where(self, row: int) -> str:
        """`data.csv, line 62`."""
        part = self.parts[int(self.part_of(np.array([row]))[0])]
        return f"{part.path.name}, line {self.line_of(row)}"

    def part_of(self, rows: Ints) -> Ints:
        """The index of each row's file among the parts."""
        starts = [part.start for part in self.parts]
        return np.searchsorted(starts, rows, side="right").astype(np.int64) - 1

    @classmethod
    def whole(
        cls, tables: Sequence[Table], *, sha256: str, notices: tuple[Notice, ...], blank: int
    ) -> Table:
        """The table of a file from its packed parts."""
        first, last = tables[0], tables[-1]
        return cls(
            first.path,
            {name: Packed.joined(t._packed(name) for t in tables) for name in first.names},
            np.concatenate([table.lines for table in tables]),
            spec=last.spec,
            sha256=sha256,
            notices=notices,
            parts=(Part(first.path, 0, blank=blank),),
        )

    def joined(self, others: Mapping[str, Table]) -> Table:
        """This table as the training file, with the rows of others below its own, by role.

        Columns go together by name; one that another table lacks is a `DataError`.
        """
        return _stacked({"train": self, **others}.items())

    def followed_by(self, others: Sequence[Table]) -> Table:
        """The rows of this table and those of others below them, all of one role."""
        return _stacked([("", table) for table in (self, *others)])


def _stacked(tables: Iterable[tuple[str, Table]]) -> Table:
    """Tables with their roles, one below the other, with the columns of the first."""
    roles, stack = zip(*tables, strict=True)
    first: Table
    first, *others = stack
    _refuse_absent(first, others)
    starts = np.cumsum([0, *(table.n_rows for table in stack)]).tolist()
    hashes = "".join(table.sha256 for table in stack)
    return type(first)(
        first.path,
        {name: first._stacked_column(name, stack) for name in first.names},
        room.kept(np.concatenate([table.lines for table in stack])),
        spec=first.spec,
        sha256=hashlib.sha256(hashes.encode()).hexdigest(),
        notices=tuple(n for table in stack for n in (*table.notices, *_extra(table, first))),
        parts=tuple(
            part._replace(start=start + part.start, role=role or part.role)
            for role, table, start in zip(roles, stack, starts, strict=False)
            for part in table.parts
        ),
    )


def _refuse_absent(first: Table, others: Sequence[Table]) -> None:
    problems = []
    for table in others:
        for name in first.names:
            if name not in table.names:
                near = did_you_mean(name, table.names)
                what = f"column {name!r} of {first.path.name} is missing{near}"
                fix = f"the columns are {listing(table.names)}"
                problems.append(Problem("BP-D026", table.path.name, what, fix))
    if problems:
        raise DataError(*problems)


def _extra(table: Table, first: Table) -> list[Notice]:
    return ignored(table.path.name, [name for name in table.names if name not in first.names])


def ignored(where: str, names: Sequence[str]) -> list[Notice]:
    """The columns that nobody asked for."""
    return [Notice("BP-D109", where, f"ignored: {listing(names)}")] if names else []
