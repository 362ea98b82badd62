"""A CSV file as a `Table`: every cell as text, every record accounted for."""

from __future__ import annotations

import math
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.arrays import Flags, Texts
from bpcli.data.scan import Scan, scan
from bpcli.data.source import Source, read_source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table, to_number


def read_table(path: Path, spec: DataSpec, *, allow_empty: bool = False) -> Table:
    """The table in a file; `allow_empty` accepts a header without rows, as predict does."""
    source = read_source(path, spec.encoding)
    shape = scan(source, spec.delimiter)
    kept = shape.widths > 0
    kept[np.argmax(kept)] = False  # the header
    if not kept.any() and not allow_empty:
        what = "the file has a header and no rows"
        raise DataError(Problem("BP-D013", path.name, what, "add rows of data"))
    return Table(
        path,
        _parse(source, spec.delimiter, shape, kept),
        shape.lines[kept],
        spec=spec,
        sha256=source.sha256,
        notices=tuple(_notices(path, shape)),
    )


def _parse(source: Source, delimiter: str, shape: Scan, kept: Flags) -> dict[str, Texts]:
    # Blank lines stay rows here, so that row i of pandas is record i of the scan.
    frame = pd.read_csv(
        StringIO(source.text, newline=""),
        sep=delimiter,
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


def _notices(path: Path, shape: Scan) -> list[Notice]:
    notices = []
    blank = int(np.count_nonzero(shape.widths == 0))
    if blank:
        notices.append(Notice("BP-D101", path.name, f"blank lines skipped: {blank}"))
    if not any(math.isnan(to_number(name, ".")) for name in shape.names):
        what = "every column name is a number, so the first row may have been read as the header"
        notices.append(Notice("BP-D102", path.name, what, "add a line with the column names"))
    return notices
