"""Room for arrays that memory may not hold: files without a name, mapped into memory.

Where a folder is given for it, large arrays are mapped files; else they are memory like any other.
The pages of a mapped file count as memory of the process until they are let go. A thread does that
whenever there are too many: a page that is asked for again comes back from the file, so whatever
is computed, and in what order, is the same.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import ENOMEM
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bpcli.config.errors import OutputError, Problem

LARGE = 1 << 24  # bytes from which on an array is a file
KEPT = 1 << 27  # bytes of mapped pages that may stay
FEW = 1 << 11  # rows that are taken from a file before looking at its pages
AT_ONCE = 1 << 22  # numbers that are made at once
PAUSE = 0.002  # seconds between two looks
_NO_ADDRESSES = "raise the limit of addresses (ulimit -v): files are mapped whole"
_PAGES = Path("/proc/self/statm")  # its third number: pages of files

Array = NDArray[Any]


class Room:
    """The files of one folder, and the thread that lets go of their pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
        self._closed = threading.Event()
        self.start()

    def start(self) -> None:
        """Begin to let go, in a process that is new."""
        self._lock = threading.Lock()  # of the set; that of a parent may never be opened
        threading.Thread(target=self._let_go, name="room", daemon=True).start()

    def close(self) -> None:
        """Let go no more; arrays that are in use stay as they are."""
        self._closed.set()

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """An array of a file of its own, all zeros.  Raises OutputError without space."""
        size = prod(shape) * dtype.itemsize
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                _reserve(file.fileno(), size)
                return self.seen(mmap.mmap(file.fileno(), size), dtype).reshape(shape)
        except OSError as error:
            what = f"{size:,} bytes for an array: {error.strerror or error}"
            full = "free some space on this disk, or choose another one with -o"
            fix = _NO_ADDRESSES if error.errno == ENOMEM else full
            raise OutputError(Problem("BP-O014", str(self.folder), what, fix)) from None

    def seen(self, content: mmap.mmap, dtype: DTypeLike) -> Array:
        """The numbers of a mapped file, whose pages are let go."""
        with self._lock:
            self._maps.add(content)
        return np.frombuffer(content, dtype)

    def release(self) -> None:
        """Let go of all pages."""
        with self._lock:
            every = list(self._maps)
        for content in every:
            with suppress(ValueError):  # closed meanwhile
                content.madvise(mmap.MADV_DONTNEED)

    def release_some(self) -> None:
        """Let go of all pages where there are too many."""
        if _mapped_bytes() > KEPT:
            self.release()

    def _let_go(self) -> None:
        while not self._closed.wait(PAUSE):
            self.release_some()


_room: Room | None = None


def enter(folder: Path) -> None:
    """From now on large arrays are files of this folder."""
    global _room
    if _room is None or _room.folder != folder:
        leave()
        _allow_many_files()
        _room = Room(folder)


def leave() -> None:
    """From now on they are memory again."""
    global _room
    if _room is not None:
        _room.close()
    _room = None


def is_open() -> bool:
    """Whether large arrays are files."""
    return _room is not None


def empty(shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> Array:
    """An array to be filled, where there is room for it."""
    kind = np.dtype(dtype)
    if _room is None or prod(shape) * kind.itemsize < LARGE:
        return np.empty(shape, kind)
    return _room.empty(shape, kind)


def zeros(shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> Array:
    """An array of zeros."""
    kind = np.dtype(dtype)
    if _room is None or prod(shape) * kind.itemsize < LARGE:
        return np.zeros(shape, kind)
    return _room.empty(shape, kind)


def taken(array: Array, rows: NDArray[np.int64]) -> Array:
    """Some rows of an array (N,…), as `array[rows]`."""
    if _room is None or len(rows) * array[:1].nbytes < LARGE:
        found: Array = array[rows]
        return found
    return take(array, rows, empty((len(rows), *array.shape[1:]), array.dtype))


def take(array: Array, rows: NDArray[np.integer[Any]], out: Array, axis: int = 0) -> Array:
    """Write some rows of an array into another one.

    Each row may bring many pages of a file with it. So they are taken in the order of the file,
    where several share a page, and the pages are let go on the way.
    """
    if _room is None:
        # mode="clip" writes straight into `out`; the default mode buffers.
        return np.take(array, rows, axis=axis, out=out, mode="clip")
    rising = bool((rows[1:] >= rows[:-1]).all())
    order = None if rising else np.argsort(rows, kind="stable")
    for start in range(0, len(rows), FEW):
        part = slice(start, start + FEW)
        own = part if order is None else order[part]
        np.moveaxis(out, axis, 0)[own] = np.moveaxis(np.take(array, rows[own], axis=axis), axis, 0)
        _room.release_some()
    return out


def by_rows(array: Array, make: Callable[[Array], Array], axis: int = 0) -> Array:
    """`make(array)`, where each row of it depends on the same row of the array (N,…) alone.

    The rows of what is made are counted along `axis`.
    """
    width = array[:1].size
    if len(array) <= _at_once(width):
        return make(array)
    whole: Array = np.empty(0)
    for own in cut_rows(len(array), width):
        part = np.moveaxis(make(array[own]), axis, 0)
        if own.start == 0:
            shape = list(part.shape[1:])
            shape.insert(axis, len(array))
            whole = empty(tuple(shape), part.dtype)
        np.moveaxis(whole, axis, 0)[own] = part
    return whole


def kept(array: Array) -> Array:
    """The same numbers, in a file where they are many."""
    if _room is None or array.nbytes < LARGE:
        return array
    copy = empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def cut_rows(rows: int, width: int) -> Iterator[slice]:
    """Rows of so many numbers, in runs that are made in memory; pages are let go between two.

    Not left to the thread alone, which may have to wait for a busy processor.
    """
    size = _at_once(width)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
        if _room is not None:
            _room.release_some()


def _at_once(width: int) -> int:
    """How many rows of so many numbers are made in memory."""
    return max(1, AT_ONCE // max(1, width))


def mapped(path: Path, dtype: DTypeLike) -> Array:
    """The numbers of a file, to be read only."""
    if not path.stat().st_size:
        return np.empty(0, dtype)
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(content, dtype) if _room is None else _room.seen(content, dtype)


def _reserve(handle: int, size: int) -> None:
    """Space on the disk now: a page without it would end the process when it is written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.ftruncate(handle, size)


def _allow_many_files() -> None:
    """Each mapped array has a file open, and a table may have thousands of columns."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _mapped_bytes() -> int:
    try:
        return int(_PAGES.read_text(encoding="ascii").split()[2]) * mmap.PAGESIZE
    except OSError:  # no Linux: let go each time
        return KEPT + 1


def _begin_anew() -> None:
    if _room is not None:
        _room.start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
