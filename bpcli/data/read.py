"""A CSV file as a `Table`: every cell as text, every record accounted for."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.arrays import Flags, Texts
from bpcli.data.numbers import to_numbers
from bpcli.data.scan import Scan, scan
from bpcli.data.source import Source, read_source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table


def read_table(path: Path, spec: DataSpec, *, allow_empty: bool = False) -> Table:
    """The table in a file; `allow_empty` accepts a header without rows, as predict does."""
    source = read_source(path, spec.encoding)
    shape = scan(source, spec.delimiter, header=spec.header)
    kept = shape.widths > 0
    if spec.header:
        kept[np.argmax(kept)] = False
    if not kept.any() and not allow_empty:
        what = "the file has a header and no rows"
        raise DataError(Problem("BP-D013", path.name, what, "add rows of data"))
    columns = _parse(source, shape, kept)
    found = {"delimiter": shape.delimiter, "encoding": source.encoding}
    return Table(
        path,
        columns,
        shape.lines[kept],
        spec=spec.model_copy(update=found),
        sha256=source.sha256,
        notices=(*source.notices, *shape.notices, *_notices(path, spec, shape, columns)),
    )


def read_files(base: Path, spec: DataSpec) -> Table:
    """The table of a config: its one file, or its training file with the others below it.

    The others are read as the training file was.
    """
    if spec.train is None:
        return read_table(base / spec.path, spec)
    first = read_table(base / spec.train, spec)
    others = {key: path for key, path in spec.files.items() if key != "train"}
    return first.joined({key: read_table(base / path, first.spec) for key, path in others.items()})


def _parse(source: Source, shape: Scan, kept: Flags) -> dict[str, Texts]:
    # Blank lines stay rows here, so that row i of pandas is record i of the scan.
    frame = pd.read_csv(
        StringIO(source.text, newline=""),
        sep=shape.delimiter,
        engine="c",
        header=None,
        names=range(len(shape.names)),
        index_col=False,
        dtype=str,
        na_filter=False,
        keep_default_na=False,
        skip_blank_lines=False,
    )
    if len(frame) != len(kept):
        raise AssertionError(f"pandas found {len(frame)} records, the scan {len(kept)}")
    return {name: frame[i].to_numpy(dtype=object)[kept] for i, name in enumerate(shape.names)}


def _notices(path: Path, spec: DataSpec, shape: Scan, columns: dict[str, Texts]) -> list[Notice]:
    notices = []
    blank = int(np.count_nonzero(shape.widths == 0))
    if blank:
        notices.append(Notice("BP-D101", path.name, f"blank lines skipped: {blank}"))
    if spec.header and all(_like_a_cell(name, cells, spec) for name, cells in columns.items()):
        numbers = not np.isnan(to_numbers(shape.names, spec.decimal, spec.thousands)).any()
        kind = "a number" if numbers else "a number or one of its cells"
        what = f"every column name is {kind}, so the first row may be no header"
        fix = "set data.header: false; the columns are then called c1, c2, …"
        notices.append(Notice("BP-D102", path.name, what, fix))
    return notices


def _like_a_cell(name: str, cells: Texts, spec: DataSpec) -> bool:
    if not np.isnan(to_numbers([name], spec.decimal, spec.thousands)[0]):
        return True
    return bool(name) and bool(np.any(cells == name))
