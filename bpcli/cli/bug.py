"""A fault of bpcli itself: a crash file to send to its developers, without anything of the data."""

from __future__ import annotations

import platform
import secrets
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from bpcli import __version__
from bpcli.config.errors import BpcliError

ID = "BP-X001"


def report_bug(error: Exception) -> int:
    """Write the crash file, say where it is and what to do with it; returns the exit code."""
    from bpcli.runs.files import write_file

    path, text = Path(f"bpcli-crash-{secrets.token_hex(4)}.txt"), crash_text(error)
    try:
        write_file(path, text)
    except BpcliError:
        where = text
    else:
        where = f"{path} says where; it holds nothing of your data"
    with suppress(OSError):
        print(f"error[{ID}] a fault of bpcli itself: {where}", file=sys.stderr)
        print("  fix: please report it with that text and the command you gave", file=sys.stderr)
    return 1


def crash_text(error: Exception) -> str:
    """The versions, the kind of error and the lines of code it passed; not what it says.

    The words of an error may quote a cell of the table.
    """
    frames = traceback.extract_tb(error.__traceback__)
    calls = [f"  {Path(f.filename).name}:{f.lineno} in {f.name}: {f.line}" for f in frames]
    versions = f"bpcli {__version__}, Python {platform.python_version()}, {sys.platform}"
    return "\n".join([versions, type(error).__name__, *calls, ""])
