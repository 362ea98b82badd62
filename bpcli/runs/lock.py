"""One run at a time in a run folder.

The lock itself is the system's lock on the folder, which ends with its process. A file beside it
names the owner, for the message, and for file systems and other machines that do not see the lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from bpcli.config.errors import BusyError, Problem
from bpcli.runs.files import failure, let_go, remove_file, write_file
from bpcli.runs.processes import birth, is_alive

LOCK = ".lock"
GRACE = 5.0  # seconds


class Owner(NamedTuple):
    """The process that uses a run folder."""

    pid: int
    host: str
    since: str  # UTC
    birth: str  # of the process: a number may be given to another one later

    @classmethod
    def this(cls) -> Self:
        """This process."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(os.getpid(), platform.node(), now, birth(os.getpid()))

    def may_live(self) -> bool:
        """Whether the process may still be there; of another machine, nobody here can tell."""
        if self.host != platform.node():
            return True
        return is_alive(self.pid) and birth(self.pid) == self.birth

    def is_this(self) -> bool:
        """Whether it is this process."""
        return (self.pid, self.host) == (os.getpid(), platform.node())


class FolderLock:
    """Held from construction until `release`, or until the process ends.  Raises BusyError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            raise failure(folder, "open", error) from None
        try:
            _take(self._handle, folder)
            require_free(folder)
            write_file(folder / LOCK, json.dumps(Owner.this()._asdict()) + "\n")
        except BaseException:
            let_go(self._handle)
            raise

    def release(self) -> None:
        """Let the next run have the folder, if it is still there."""
        with suppress(Exception):
            remove_file(self.folder / LOCK)
        let_go(self._handle)


def require_free(folder: Path) -> None:
    """Raises BusyError where the folder's named owner may still be at work."""
    owner = owner_of(folder)
    if owner is not None and owner.may_live() and not owner.is_this():
        raise _busy(folder, owner)


def owner_of(folder: Path) -> Owner | None:
    """The process that the folder names as its user, alive or not."""
    try:
        facts = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        return Owner(int(facts["pid"]), *(str(facts[key]) for key in ("host", "since", "birth")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _take(handle: int, folder: Path) -> None:
    """The system's lock.  A dead owner's workers may hold it until they notice, for a moment."""
    end = time.monotonic() + GRACE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            owner = owner_of(folder)
            if owner is None or owner.may_live() or time.monotonic() > end:
                raise _busy(folder, owner) from None
            time.sleep(0.05)
        except OSError:
            return  # a file system without locks: the named owner decides


def _busy(folder: Path, owner: Owner | None) -> BusyError:
    if owner is None:
        return BusyError(Problem("BP-B001", str(folder), "another run is using it", _WAIT))
    what = f"process {owner.pid} on {owner.host} is using it since {owner.since}"
    if owner.host == platform.node():
        return BusyError(Problem("BP-B001", str(folder), what, _WAIT))
    fix = f"if that run is over, remove {folder / LOCK}; else choose another folder with -o"
    return BusyError(Problem("BP-B002", str(folder), what, fix))


_WAIT = "wait for it to end, or choose another folder with -o"
