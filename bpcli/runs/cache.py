"""Tables larger than memory: converted once to a cache beside the run, and read from there.

A cache is storage and nothing else: what is trained from it has the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from bpcli.config.errors import Notice, ResourceError
from bpcli.data.header import require_room
from bpcli.data.prepare import read_in_memory
from bpcli.data.read import read_files
from bpcli.data.spec import DataSpec
from bpcli.data.stored import FORMAT, Cache, open_cache, reading_of, sha256_of
from bpcli.data.table import Table
from bpcli.experiment.load import Loaded
from bpcli.nn import room
from bpcli.runs.conversion import convert
from bpcli.runs.files import (
    failure,
    make_folder,
    remove_leftovers,
    require_no_link,
    require_space,
    sync_folder,
    temporary_name,
)
from bpcli.runs.header import canonical

FOLDER = ".bpcli-cache"
_IN_MEMORY = 7  # bytes that a training in memory takes for each byte of a file, as measured
_TIMES = 3  # bytes on the disk for each byte of a file: its text, its numbers, what is trained on

Read = Callable[[Path, DataSpec], Table]


def beside(loaded: Loaded, folder: Path) -> Loaded:
    """The same, which may read its table from a cache in a folder, unless it has another one."""
    return loaded if loaded.beside else loaded._replace(beside=folder / FOLDER)


def reader(loaded: Loaded) -> Read:
    """How the table of a config is read, once its files are known to be there."""
    return partial(_read, loaded)


def _read(loaded: Loaded, base: Path, spec: DataSpec) -> Table:
    root = place_of(loaded)
    return read_in_memory(base, spec) if root is None else _read_cached(root, base, spec)


def place_of(loaded: Loaded) -> Path | None:
    """The folder of the caches that a table is read from; None where that is to be in memory.

    Raises OSError where a file of the table is not there.
    """
    asked = loaded.config.data.cache
    if asked == "auto":
        try:
            require_room(loaded.folder, loaded.config.data, _IN_MEMORY)
        except ResourceError:
            return loaded.beside
    return loaded.beside if asked is True else None


def _read_cached(root: Path, base: Path, spec: DataSpec) -> Table:
    """From caches in the folder `root`, made where there are none; large arrays live there too."""
    require_no_link(root)
    make_folder(root)
    remove_leftovers(root)
    room.enter(root)
    caches: list[Cache] = []

    def read(path: Path, given: DataSpec) -> Table:
        caches.append(cached := cache_of(root, path, given))
        return cached.table(path, given)

    table = read_files(base, spec, read)
    size = sum(one.bytes for one in caches)
    what = f"the table is read from a cache of {size:,} bytes, and trains to the same bytes"
    table.notices += (Notice("BP-D200", str(root), what, "delete it when you need it no more"),)
    return table


def cache_of(root: Path, path: Path, spec: DataSpec) -> Cache:
    """The cache of a file in a folder, made where there is none that fits it."""
    place = folder_of(root, path, spec)
    if place.is_dir() and (found := open_cache(place, _hash_of(path), spec)):
        return found
    require_space(root, _TIMES * _size_of(path))
    folder = root / temporary_name()
    try:
        record = convert(path, spec, folder)
        _put(folder, place)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Cache(place, record)


def folder_of(root: Path, path: Path, spec: DataSpec) -> Path:
    """Where in a folder the cache of a file is."""
    key = {"format": FORMAT, "path": str(path.resolve()), "reading": reading_of(spec)}
    return root / hashlib.sha256(canonical(key).encode()).hexdigest()[:16]


def _put(made: Path, place: Path) -> None:
    """Give a finished cache its name, in place of what had it."""
    old = made.with_name(temporary_name())
    try:
        with suppress(FileNotFoundError):
            os.rename(place, old)
        os.rename(made, place)
    except OSError as error:
        raise failure(place, "rename", error) from None
    shutil.rmtree(old, ignore_errors=True)
    sync_folder(place.parent)


def _size_of(path: Path) -> int:
    """Bytes of a file; whether it can be read is said where it is."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _hash_of(path: Path) -> str:
    """SHA-256 of a file that was read before; empty where it cannot be read any more."""
    try:
        return sha256_of(path) if path.is_file() else ""
    except OSError:
        return ""
