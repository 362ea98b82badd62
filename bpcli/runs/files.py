"""Every write goes through here: whole files, durable, never half of one under its name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bpcli.config.errors import OutputError, Problem


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which becomes `path` when the block ends well and vanishes otherwise.

    Written under a temporary name in the same folder, flushed to the disk, then renamed: at every
    instant `path` is absent, complete and old, or complete and new. Raises OutputError.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        if path.is_symlink():
            raise OSError(0, "it is a symbolic link")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(temporary, flags, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise failure(path, "write", error) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_file(path: Path, content: bytes | str) -> None:
    """Write a whole file, durably.  Raises OutputError."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_new(path: Path, content: str, *, keep: Path, force: bool) -> None:
    """Write a file that is not there yet, or with `force`; never over the input `keep`."""
    require_new(path, keep=keep, force=force)
    write_file(path, content)


def require_new(path: Path, *, keep: Path, force: bool) -> None:
    """Raises OutputError where `path` is the input `keep`, or is there and not to be replaced."""
    if path.exists() and keep.exists() and path.samefile(keep):
        what = f"is the input file {keep}"
        raise OutputError(Problem("BP-O005", str(path), what, "choose another name with -o"))
    if path.exists() and not force:
        fix = "choose another name with -o, or replace it with --force"
        raise OutputError(Problem("BP-O006", str(path), "already exists", fix))


def make_folder(path: Path) -> None:
    """Create a folder and its parents.  Raises OutputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failure(path, "mkdir", error) from None


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power loss; some file systems cannot, and say so with an error."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def failure(path: Path, call: str, error: OSError) -> OutputError:
    """The error for a call to the system that failed, with its reason and the way out."""
    what = f"cannot be written: {error.strerror or error} ({call})"
    return OutputError(Problem("BP-O001", str(path), what, "choose another place with -o"))
