"""What is found out about each column of a table by itself, by the workers of a cluster.

That is a map over the columns: a worker looks at a whole one, over all files of the table, so what
comes of it has the bits that it has here. It opens the caches by their records, and checks the
files of a column when it first needs that column.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bpcli.config.errors import ResourceError
from bpcli.data.arrays import Ints
from bpcli.data.each import Look, Names, Result, here
from bpcli.data.marked import Marked
from bpcli.data.read import read_files
from bpcli.data.spec import DataSpec
from bpcli.data.stored import COMMON, Cache, find_cache
from bpcli.data.stored_column import changed
from bpcli.data.stored_table import StoredTable
from bpcli.data.table import Table
from bpcli.execution.cluster import Joining, another
from bpcli.experiment.load import Loaded
from bpcli.nn import room
from bpcli.nn.team import cut
from bpcli.runs.cache import folder_of
from bpcli.runs.elsewhere import Elsewhere, Worker
from bpcli.runs.journal import identity_of
from bpcli.runs.signals import requests

SHARES = 4  # of the columns for each worker: they take unequal times, and each brings the rows


class ColumnsOn:
    """Has columns looked at by a cluster where they are in a cache, else here."""

    def __init__(self, joining: Joining, loaded: Loaded) -> None:
        self.joining, self.loaded = joining, loaded.anywhere()

    def __call__(
        self,
        look: Look[Result],
        table: Table,
        columns: Sequence[Names],
        rows: Ints,
    ) -> list[Result]:
        """See `Each`."""
        root = self.loaded.beside
        if root is None or not isinstance(table, StoredTable):
            return here(look, table, columns, rows)
        opening = partial(_worker, root, self.loaded.folder, self.loaded.config.data)
        elsewhere = Elsewhere(_identity(root, table), opening)
        cluster, marked = self.joining.cluster, Marked.of(rows)
        runs = cut(len(columns), SHARES * cluster.size, 1)
        shares = [_Share(look, columns[own], marked) for own in runs if own.start < own.stop]
        found = dict(cluster.work_through(elsewhere, shares, requests.require_none))
        return [one for number in range(len(shares)) for one in found[number]]


class _Share(NamedTuple):
    look: Look[Any]
    columns: Sequence[Names]
    rows: Marked


def _worker(root: Path, folder: Path, spec: DataSpec) -> Worker:
    opened = _Opened(root, folder, spec)
    return Worker(_identity(root, opened.table), opened.work)


def _identity(root: Path, table: Table) -> str:
    return identity_of(["columns", str(root), table.sha256])


class _Opened:
    """A table in caches, whose columns are checked one by one; large arrays live beside them."""

    def __init__(self, root: Path, folder: Path, spec: DataSpec) -> None:
        self._root = root
        self._caches: list[Cache] = []
        self._checked = set[str]()
        room.enter(root)
        self.table = read_files(folder, spec, self._read)

    def work(self, share: _Share) -> list[Any]:
        """What comes of the columns of a share."""
        for names in share.columns:
            for name in names:
                self._check(name)
        return here(share.look, self.table, share.columns, room.kept(share.rows.rows))

    def _read(self, path: Path, spec: DataSpec) -> Table:
        folder = folder_of(self._root, path, spec)
        cache = find_cache(folder, spec)
        if cache is None:
            raise ResourceError(another(str(folder), f"is no cache of {path.name}"))
        _require(cache, COMMON)
        self._caches.append(cache)
        return cache.table(path, spec)

    def _check(self, name: str) -> None:
        if name not in self._checked:
            for cache in self._caches:
                _require(cache, cache.files_of(name))
            self._checked.add(name)


def _require(cache: Cache, files: Sequence[str]) -> None:
    for file in files:
        if not cache.holds(file):
            raise changed(cache.folder / file)
