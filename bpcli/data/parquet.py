"""Parquet files as tables of text cells, row group by row group; needs the extra `parquet`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem, ResourceError
from bpcli.data.arrays import Texts
from bpcli.data.asking import CONFIG, Asking
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table

SUFFIX = ".parquet"
_BLOCK = 2**20  # bytes hashed at once
_WORDS = {True: "true", False: "false"}


class ParquetReader:
    """The rows of a Parquet file, once, as one table a row group; like a `TableReader`.

    Numbers are written as Python writes them, so that they read back to the same bits; dates by
    ISO 8601. Its rows count as lines from 1. Raises DataError, and ResourceError without pyarrow.
    """

    def __init__(self, path: Path, spec: DataSpec, asking: Asking = CONFIG) -> None:
        self.path, self.rows, self.blank, self._asking = path, 0, 0, asking
        self.notices: tuple[Notice, ...] = ()
        plain = {"delimiter": ",", "encoding": "utf-8", "decimal": ".", "thousands": None}
        self.spec = spec.model_copy(update=plain)
        self._file = _opened(path, asking)
        self.names = tuple(self._file.schema_arrow.names)
        self._refuse_foreign()
        self._gap = spec.missing[0] if spec.missing else ""

    @property
    def sha256(self) -> str:
        """Of the bytes on the disk."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def __iter__(self) -> Iterator[Table]:
        """The tables in the order of the file; of a file without rows one without rows."""
        for number in range(self._file.num_row_groups):
            with _readable(self.path, self._asking):
                group = self._file.read_row_group(number)
            if group.num_rows:
                yield self._table([column.to_pylist() for column in group.columns], group.num_rows)
        if not self.rows:
            yield self._table([[] for _ in self.names], 0)

    def _table(self, columns: list[list[Any]], rows: int) -> Table:
        cells = {
            name: self._texts(name, column)
            for name, column in zip(self.names, columns, strict=True)
        }
        lines = np.arange(self.rows + 1, self.rows + rows + 1)
        table = Table(self.path, cells, lines, spec=self.spec, start=self.rows)
        self.rows += rows
        return table

    def _texts(self, name: str, values: list[Any]) -> Texts:
        texts = np.array([self._text(value) for value in values], dtype=object)
        if any("\0" in text for text in texts):
            raise DataError(self._problem(name, "has texts with NUL characters"))
        return texts

    def _text(self, value: Any) -> str:
        if value is None or value != value:  # NaN
            return self._gap
        if isinstance(value, bool):
            return _WORDS[value]
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    def _refuse_foreign(self) -> None:
        """Raises DataError for what no CSV could say."""
        from pyarrow import types

        fine = (
            *(types.is_integer, types.is_floating, types.is_decimal, types.is_boolean),
            *(types.is_string, types.is_large_string, types.is_date, types.is_timestamp),
            types.is_null,
        )
        for field in self._file.schema_arrow:
            if self.names.count(field.name) > 1:
                raise DataError(self._problem(field.name, "is there more than once"))
            kind = field.type.value_type if types.is_dictionary(field.type) else field.type
            if not any(is_fine(kind) for is_fine in fine):
                raise DataError(self._problem(field.name, f"has values of type {field.type}"))

    def _problem(self, name: str, what: str) -> Problem:
        fix = "write the file without the column, or the column as text under a name of its own"
        return Problem("BP-D081", self.path.name, f"column {name!r} {what}", fix)


def _opened(path: Path, asking: Asking) -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        what, fix = "a Parquet file needs pyarrow", "pip install 'bpcli[parquet]'"
        raise ResourceError(Problem("BP-R040", path.name, what, fix)) from None
    if not path.is_file():  # a pipe would be waited for
        raise DataError(_unreadable(path, "there is no such file", asking))
    with _readable(path, asking):
        return parquet.ParquetFile(path, pre_buffer=False)


@contextmanager
def _readable(path: Path, asking: Asking) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (OSError, ArrowException):
        raise DataError(_unreadable(path, "is damaged, or no Parquet file", asking)) from None


def _unreadable(path: Path, what: str, asking: Asking) -> Problem:
    return Problem("BP-D080", str(path), what, asking.to_correct())
