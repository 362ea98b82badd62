"""A file as text: what kind of file it is, its bytes, its encoding.  Read once, hashed whole."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import re
import stat
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.spec import AUTO

STDIN = Path("-")


class Source(NamedTuple):
    """The decoded text of one file, and the SHA-256 of its bytes as they are on disk."""

    path: Path
    text: str
    sha256: str
    encoding: str
    notices: tuple[Notice, ...] = ()


def read_source(path: Path, encoding: str) -> Source:
    """The text of a regular file, decompressed where its name ends in `.gz`.

    `auto` tries UTF-8, then UTF-16 where the file begins with its mark, then cp1252.
    """
    raw = _read_bytes(path)
    content = _decompress(path, raw) if path.suffix == ".gz" else raw
    if not content.strip():
        raise DataError(Problem("BP-D004", path.name, "the file is empty", "check the path"))
    _refuse_foreign(path, content)
    found = _detect(content) if encoding == AUTO else encoding
    text = _decode(path, content, found)
    _refuse_marks(path, text)
    notices = () if found in (encoding, "utf-8") else (_guessed(path, content, found),)
    return Source(path, text, hashlib.sha256(raw).hexdigest(), found, notices)


def _read_bytes(path: Path) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    try:
        _refuse_special(path)
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            raw = file.read()
            after = path.stat()
    except FileNotFoundError:
        raise DataError(Problem("BP-D001", str(path), *_absent(path))) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        fix = "make the file readable, or correct data.path"
        raise DataError(Problem("BP-D003", str(path), f"cannot be read: {reason}", fix)) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        what = f"the file changed while it was read ({before.st_size} → {after.st_size} bytes)"
        raise DataError(Problem("BP-D005", path.name, what, "run again when it is complete"))
    return raw


def _absent(path: Path) -> tuple[str, str]:
    """(what, fix) for a path that leads nowhere; pathlib folds the // of an address into one."""
    if re.search(r"(^|/)[a-z][a-z0-9+]+:/", str(path)):
        return "addresses are not opened", "download the file and write its path in data.path"
    return "the file does not exist", "correct data.path; it is relative to the config file"


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def _refuse_special(path: Path) -> None:
    """Folders, pipes and devices are refused before `open`, which could wait for ever."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        what = f"expected a CSV file, this is {_KINDS.get(stat.S_IFMT(mode), 'no file')}"
        raise DataError(Problem("BP-D002", str(path), what, "name the CSV file in data.path"))


def _decompress(path: Path, raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        what = f"the gzip file is damaged: {error}"
        raise DataError(Problem("BP-D007", path.name, what, "copy it again")) from None


_FOREIGN = (
    (rb"PK\x03\x04", "a zip archive or a spreadsheet", "export it as CSV"),
    (rb"\x1f\x8b", "gzip data", "give the file a name that ends in .gz, or decompress it"),
    (rb"PAR1", "a Parquet file", "export it as CSV"),
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


def _detect(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "cp1252" if not _fits(content, "utf-8") and _fits(content, "cp1252") else "utf-8"


def _guessed(path: Path, content: bytes, encoding: str) -> Notice:
    """An encoding that the config does not name, with a word to judge it by."""
    if encoding != "cp1252":
        what = f"read as {encoding}, by the mark at its beginning"
        return Notice("BP-D116", path.name, what, f"set data.encoding: {encoding}")
    at = next(i for i, byte in enumerate(content) if byte > 127)
    first = max(content.rfind(mark, 0, at) for mark in (b" ", b"\n", b"\r", b",", b";", b"\t")) + 1
    word = content[max(first, at - 20) : at + 20].decode(encoding).split("\n")[0]
    line = content.count(b"\n", 0, at) + 1
    what = f"the file is not utf-8, so it is read as {encoding}: line {line} has {word.strip()!r}"
    fix = f"if that looks wrong, set data.encoding, e.g. to {_likely(content)}"
    return Notice("BP-D116", path.name, what, fix)


def _decode(path: Path, content: bytes, encoding: str) -> str:
    # A byte order mark is no part of the first name, whichever way the file was written.
    codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    try:
        return content.decode(codec)
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = content.count(b"\n", 0, start) + 1
        what = f"byte {start} (0x{content[start]:02x}) is not {encoding}"
        fix = f"set data.encoding, e.g. to {_likely(content)}"
        raise DataError(Problem("BP-D008", f"{path.name}, line {line}", what, fix)) from None


def _likely(content: bytes) -> str:
    """The encodings among the usual ones in which the bytes have a meaning."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return " or ".join(name for name in ("gb18030", "cp1252", "latin-1") if _fits(content, name))


def _fits(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_marks(path: Path, text: str) -> None:
    """NUL and a byte order mark inside the text come from damage or from joined files."""
    for mark, name in (("\0", "a NUL character"), ("\ufeff", "a byte order mark")):
        at = text.find(mark)
        if at >= 0:
            where = f"{path.name}, line {text.count(chr(10), 0, at) + 1}"
            fix = "remove it; a file of UTF-16 text needs data.encoding: utf-16"
            raise DataError(Problem("BP-D009", where, f"{name} inside the text", fix))
