"""Every write goes through here: whole files, durable, never half of one under its name.

Each call to the system is named in the error it ends with. Folders are opened without following
a link, and files are created, renamed and removed relative to the opened folder, so that nothing
is written through a link that appears in between.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import resource
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from bpcli.config.errors import BpcliError, OutputError, Problem, ResourceError
from bpcli.runs.processes import is_alive

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)  # what file systems without fsync say
TEMPORARY = ".bpcli-"  # how the names of temporary files begin
_UMASK = os.umask(0o077)
os.umask(_UMASK)


class Writer:
    """A new file, written from its start to its end."""

    def __init__(self, handle: int, path: Path) -> None:
        self._handle, self._path = handle, path

    def write(self, content: bytes) -> None:
        """Append all of it.  Raises OutputError."""
        left = memoryview(content)
        while left:
            with _naming("write", self._path):
                left = left[os.write(self._handle, left) :]

    def finish(self) -> None:
        """Give it its final mode, and see that it is on the disk."""
        with _naming("chmod", self._path):
            os.fchmod(self._handle, 0o666 & ~_UMASK)
        sync(self._handle, self._path)


@contextmanager
def replacing(path: Path, place: Path | None = None) -> Iterator[Writer]:
    """A file to write, which becomes `path` when the block ends well and vanishes otherwise.

    `place` is its folder where the folder's own name may be a link.
    Written under a temporary name in the same folder, flushed to the disk, then renamed: at every
    instant `path` is absent, complete and old, or complete and new. Raises OutputError.
    """
    with _opened(place or path.parent, path) as folder:
        _require_replaceable(path, folder)
        temporary = temporary_name()
        try:
            with _created(temporary, folder, path) as writer:
                yield writer
                writer.finish()
            with _naming("rename", path):
                os.replace(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        sync(folder, path)


def write_file(path: Path, content: bytes | str) -> None:
    """Write a whole file, durably.  Raises OutputError."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_parts(path: Path, parts: Iterable[str]) -> None:
    """Write a whole file part by part, durably.  Raises OutputError."""
    with replacing(path) as file:
        for part in parts:
            file.write(part.encode())


def require_new(path: Path, *, keep: Path, force: bool) -> None:
    """Raises OutputError for the input `keep`, and for a file that is there but for `force`."""
    require_apart(path, keep)
    if path.exists() and not force:
        fix = "choose another name with -o, or replace it with --force"
        raise OutputError(Problem("BP-O006", str(path), "already exists", fix))


@contextmanager
def creating(path: Path, *, keep: Path, force: bool) -> Iterator[Writer]:
    """A file to write that is not there yet, or with `force`; never over the input `keep`."""
    require_new(path, keep=keep, force=force)
    remove_leftovers(path.parent)
    # A folder that the user names may be a link; it is followed here, once.
    with replacing(path, path.parent.resolve()) as file:
        yield file


def write_new(path: Path, content: str, *, keep: Path, force: bool) -> None:
    """Write a whole file that is not there yet, or with `force`; never over the input `keep`."""
    with creating(path, keep=keep, force=force) as file:
        file.write(content.encode())


def require_apart(path: Path, source: Path) -> None:
    """Raises OutputError where two names, however written or linked, are one file."""
    if path.exists() and source.exists() and path.samefile(source):
        what = f"is the input file {source}"
        raise OutputError(Problem("BP-O005", str(path), what, "choose another name with -o"))


def require_no_link(path: Path) -> None:
    """Raises OutputError where a name is that of a symbolic link."""
    if path.is_symlink():
        raise _through_link(path)


def make_folder(path: Path) -> None:
    """Create a folder and its parents; no part of it is a file.  Raises OutputError."""
    with _naming("mkdir", path):
        os.makedirs(path, exist_ok=True)
    sync_folder(path.parent)


def make_numbered(parent: Path, name: str) -> Path:
    """Create the first `<name>-<n>` that is not there yet.  Raises OutputError."""
    make_folder(parent)
    for number in count(1):
        path = parent / f"{name}-{number}"
        with _naming("mkdir", path), suppress(FileExistsError):
            os.mkdir(path)
            sync_folder(parent)
            return path
    raise AssertionError("numbers do not end")


def remove_file(path: Path) -> None:
    """Remove a file if it is there.  Raises OutputError."""
    with _naming("unlink", path), suppress(FileNotFoundError):
        os.unlink(path)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders of processes of this machine that are gone."""
    for path in folder.glob(f"{_prefix()}*.tmp"):
        pid = path.name.removeprefix(_prefix()).partition("-")[0]
        if pid.isdigit() and not is_alive(int(pid)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            with suppress(OSError):
                os.unlink(path)


def temporary_name() -> str:
    """A name that nothing has, of this process: it is removed once that is gone."""
    return f"{_prefix()}{os.getpid()}-{secrets.token_hex(4)}.tmp"


def sync(handle: int, path: Path) -> None:
    """See that a file or folder is on the disk, where the file system can promise that.

    A failure is final: what was not written may be lost, and asking again would not say so.
    """
    with _naming("fsync", path):
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise


def let_go(handle: int) -> None:
    """Close what nothing was written to, or what is given up anyway."""
    with suppress(OSError):
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """See that what was made or renamed in a folder is on the disk.  Raises OutputError."""
    with _naming("open", folder):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(handle, folder)
    finally:
        let_go(handle)


def is_durable(folder: Path) -> bool:
    """Whether the file system of a folder has fsync.  Raises OutputError where it cannot say."""
    with _opened(folder, folder) as handle, _naming("fsync", folder):
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise
            return False
    return True


def require_space(folder: Path, needed: int) -> None:
    """Raises OutputError, with both numbers, where the disk has not that many free bytes."""
    with _naming("statvfs", folder):
        disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        what = f"the run needs about {needed:,} bytes, {free:,} are free on this disk"
        raise OutputError(Problem("BP-O012", str(folder), what, "free some space, or use -o"))


def failure(path: Path, call: str, error: OSError) -> BpcliError:
    """The error for a call to the system that failed, with its reason and the way out."""
    code = error.errno
    what = f"cannot be written: {error.strerror or error} ({call})"
    if code in (errno.EMFILE, errno.ENFILE):
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        fix = "close other programs, or raise the limit with ulimit -n"
        return ResourceError(Problem("BP-R020", str(path), f"{what}; the limit is {limit}", fix))
    if code == errno.EFBIG:
        limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        what = f"{what}; the limit is {limit:,} bytes"
    return OutputError(Problem("BP-O001", str(path), what, _WAYS_OUT.get(code or 0, _ELSEWHERE)))


_ELSEWHERE = "choose another place with -o"
_WAYS_OUT = {
    errno.ENOSPC: "free some space on the disk, or choose another place with -o",
    errno.EDQUOT: "free some of your quota, or choose another place with -o",
    errno.EFBIG: "raise the limit with ulimit -f",
    errno.ENOENT: "its folder is gone; put it back, or choose another place with -o",
    errno.EIO: "check the disk: it did not take the data",
}


@contextmanager
def _naming(call: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failure(path, call, error) from None


@contextmanager
def _opened(folder: Path, path: Path) -> Iterator[int]:
    """The folder of a file, opened; it is the one that was meant, and no link to another."""
    with _naming("open", path):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield handle
    finally:
        let_go(handle)


@contextmanager
def _created(name: str, folder: int, path: Path) -> Iterator[Writer]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with _naming("open", path):
        handle = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        yield Writer(handle, path)
    except BaseException:
        let_go(handle)
        raise
    with _naming("close", path):  # a network disk may report a failed write only here
        os.close(handle)


def _require_replaceable(path: Path, folder: int) -> None:
    """What has the name already is a plain file, not a link, a folder or a device."""
    with _naming("stat", path):
        try:
            found = os.lstat(path.name, dir_fd=folder)
        except FileNotFoundError:
            return
    if stat.S_ISREG(found.st_mode):
        return
    if stat.S_ISLNK(found.st_mode):
        raise _through_link(path)
    what = "is not a plain file; bpcli writes to no other"
    raise OutputError(Problem("BP-O013", str(path), what, _ELSEWHERE))


def _through_link(path: Path) -> OutputError:
    what = f"is a link to {os.readlink(path)}; bpcli does not write through links"
    return OutputError(Problem("BP-O004", str(path), what, "remove the link, or name its target"))


def _prefix() -> str:
    """How temporary files of this machine begin: another one's may be of a living process."""
    return f"{TEMPORARY}{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}-"
