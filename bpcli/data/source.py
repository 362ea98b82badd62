"""A file as bytes in blocks: what kind of file it is, decompressed, hashed as it is on the disk."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from bpcli.config.errors import DataError, Problem
from bpcli.data.asking import Asking

STDIN = Path("-")
BLOCK = 2**18  # bytes read at once: what becomes of them fits the processor's cache


class Source:
    """The content of one file, read once from its start to its end.

    A regular file, decompressed where its name ends in `.gz`, or standard input.
    """

    def __init__(self, path: Path, asking: Asking, block: int = BLOCK) -> None:
        self.path, self._asking, self._block = path, asking, block
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of the bytes on the disk, as far as they are read."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        """The blocks.  Raises DataError, at the end too where the file changed meanwhile."""
        with self._reading():
            if self.path == STDIN:
                if sys.stdin is None:
                    raise OSError(0, "standard input is closed")
                yield from self._blocks(cast(BufferedReader, sys.stdin.buffer))
                return
            _refuse_special(self.path, self._asking)
            with self.path.open("rb") as file:
                before = os.fstat(file.fileno())
                yield from self._blocks(file)
                _refuse_change(self.path, before, self.path.stat())

    def _blocks(self, file: BufferedReader) -> Iterator[bytes]:
        hashed = _Hashing(file, self._digest.update)
        packed = self.path.suffix == ".gz"
        content = gzip.GzipFile(mode="rb", fileobj=cast(BinaryIO, hashed)) if packed else hashed
        block = _filled(content.read1, self._block)
        _refuse_foreign(self.path, block)
        while block:
            yield block
            block = _filled(content.read1, self._block)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            what = f"the gzip file is damaged: {error}"
            raise DataError(Problem("BP-D007", self.path.name, what, "copy it again")) from None
        except FileNotFoundError:
            raise DataError(Problem("BP-D001", str(self.path), *self._absent())) from None
        except (OSError, ValueError) as error:
            what = f"cannot be read: {getattr(error, 'strerror', None) or error}"
            fix = f"make the file readable, or correct {self._asking.path}"
            raise DataError(Problem("BP-D003", str(self.path), what, fix)) from None

    def _absent(self) -> tuple[str, str]:
        """(what, fix) for a path that leads nowhere; pathlib makes one of the // in an address."""
        if re.search(r"(^|/)[a-z][a-z0-9+]+:/", str(self.path)):
            fix = f"download the file and write its path in {self._asking.path}"
            return "addresses are not opened", fix
        return "the file does not exist", self._asking.to_correct()


class _Hashing:
    """Reads on, and hands each block to `update`."""

    def __init__(self, file: BufferedReader, update: Callable[[bytes], None]) -> None:
        self._file, self._update = file, update

    def read(self, size: int = -1) -> bytes:
        block = self._file.read1(size)
        self._update(block)
        return block

    read1 = read


def _filled(read: Callable[[int], bytes], size: int) -> bytes:
    """A whole block, or what is left; an interrupt is seen between two reads of a slow pipe."""
    parts = []
    while size and (part := read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def _refuse_special(path: Path, asking: Asking) -> None:
    """Folders, pipes and devices are refused before `open`, which could wait for ever."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        what = f"expected a CSV file, this is {_KINDS.get(stat.S_IFMT(mode), 'no file')}"
        fix = f"name the CSV file in {asking.path}"
        raise DataError(Problem("BP-D002", str(path), what, fix))


def _refuse_change(path: Path, before: os.stat_result, after: os.stat_result) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        what = f"the file changed while it was read ({before.st_size} → {after.st_size} bytes)"
        raise DataError(Problem("BP-D005", path.name, what, "run again when it is complete"))


_FOREIGN = (
    (rb"PK\x03\x04", "a zip archive or a spreadsheet", "export it as CSV"),
    (rb"\x1f\x8b", "gzip data", "give the file a name that ends in .gz, or decompress it"),
    (rb"PAR1", "a Parquet file", "give the file a name that ends in .parquet"),
    (rb"\xd0\xcf\x11\xe0", "an old spreadsheet", "export it as CSV"),
    (rb"version https://git-lfs", "a Git LFS pointer, not the data", "run git lfs pull"),
    (rb"(?i)\s*<(!doctype|html|\?xml)", "HTML or XML", "download the CSV file itself"),
    (rb'\s*(\[|\{)\s*(["{\[\]}]|$)', "JSON", "convert it to CSV"),
)


def _refuse_foreign(path: Path, content: bytes) -> None:
    head = content[:512].removeprefix(codecs.BOM_UTF8)
    for pattern, kind, fix in _FOREIGN:
        if re.match(pattern, head):
            raise DataError(Problem("BP-D006", path.name, f"expected CSV, this is {kind}", fix))
