"""Is every file there, and every column that a config names?  Asked before anything is read."""

from __future__ import annotations

from os.path import isfile
from pathlib import Path

import numpy as np

from bpcli.config.errors import DataError, Problem, listing
from bpcli.config.memory import require_memory
from bpcli.data.input import Input
from bpcli.data.picked import input_columns
from bpcli.data.read import open_table
from bpcli.data.roles import check_names
from bpcli.data.shards import files_of
from bpcli.data.source import STDIN
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table

_NOT_TWICE = (
    "a config names a file, and - is standard input, which cannot be read again",
    "save it to a file first, so that the run can be repeated and gone on with",
)
CELLS = 3  # bytes that each byte of a file takes at the least: as text, as number, as input


def header_problems(
    base: Path, spec: DataSpec, *, unsupervised: bool = False, input: Input | None = None
) -> list[Problem]:
    """Files that cannot be opened, and names that are not in the header of the first file; or
    columns that are not those of the input."""
    problems: list[Problem] = []
    tables = []
    for key, path in spec.files.items():
        if path == str(STDIN):
            problems.append(Problem("BP-D029", f"data.{key}", *_NOT_TWICE))
            continue
        try:
            tables.append(_header(base / path, spec))
        except DataError as error:
            problems += error.problems
    if not problems and tables[0] is not None:
        try:
            targets = check_names(tables[0], spec, unsupervised=unsupervised)
            input_columns(tables[0], spec, targets, input)
        except DataError as error:
            problems += error.problems
    return problems


def require_room(base: Path, spec: DataSpec, copies: int = CELLS) -> None:
    """Raises ResourceError where so many copies of the files cannot be held in memory."""
    files = [file for path in spec.files.values() for file in files_of(base / path)]
    size = sum(path.stat().st_size for path in files)
    fix = "use fewer rows, or bpcli train with data.cache: true, which reads them from the disk"
    require_memory(copies * size, "BP-R011", listing([f.name for f in files]), "reading", fix)


def _header(name: Path, spec: DataSpec) -> Table | None:
    """The columns of the first file of a name, without rows; None where only the whole can tell.

    Raises DataError where there is no file.
    """
    path = files_of(name)[0]
    try:
        names = open_table(path, spec).names
    except DataError:
        if isfile(path):
            return None
        raise
    columns = {name: np.array([], dtype=object) for name in names}
    return Table(path, columns, np.array([], dtype=np.int64), spec=spec)
