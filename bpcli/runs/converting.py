"""The caches of a table in several files, made by the workers of a cluster, one file each.

What is found out about the columns is then computed over all files as if they were one: so the
numbers are those of a table in one file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

from bpcli.data.shards import files_of
from bpcli.data.spec import DataSpec
from bpcli.execution.cluster import Joining
from bpcli.experiment.load import Loaded
from bpcli.runs.cache import cache_of, place_of
from bpcli.runs.elsewhere import Elsewhere, Worker
from bpcli.runs.files import make_folder, require_no_link
from bpcli.runs.journal import identity_of
from bpcli.runs.signals import requests


class _File(NamedTuple):
    path: Path
    spec: DataSpec  # how it is read


def convert_on(joining: Joining, loaded: Loaded) -> None:
    """Make the caches that a table will be read from, if it is, by a cluster.

    The first file is converted here, since the others are read as it was.
    """
    loaded = loaded.anywhere()
    spec = loaded.config.data
    every = [one for path in spec.files.values() for one in files_of(loaded.folder / path)]
    if len(every) < 2 or not all(path.is_file() for path in every):
        return
    root = place_of(loaded)
    if root is None:
        return
    require_no_link(root)
    make_folder(root)
    first, *others = every
    found = cache_of(root, first, spec).table(first, spec).spec
    elsewhere = Elsewhere(_identity(root), partial(_worker, root))
    files = [_File(path, found) for path in others]
    for _ in joining.cluster.work_through(elsewhere, files, requests.require_none):
        pass


def _worker(root: Path) -> Worker:
    def work(file: _File) -> None:
        cache_of(root, file.path, file.spec)

    return Worker(_identity(root), work)


def _identity(root: Path) -> str:
    return identity_of(["convert", str(root)])
