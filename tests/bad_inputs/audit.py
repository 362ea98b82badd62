"""An audit hook that tells what a bad input should not have done.

Each case finds a `canary.py` beside its files, which leaves a trace if it is ever imported.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bad_inputs.case import Case, Ending, arrange, model, run

RUNS = (
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.", "pty.", "webbrowser."),
    *("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "pickle.", "ctypes."),
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
VERIFYING = os.path.join(os.path.realpath(tempfile.gettempdir()), "bpcli-verify-")
HARMLESS = ("/proc", "/sys", "/dev/null", "/usr/share/zoneinfo", sys.prefix, sys.base_prefix)


class Watch:
    """An audit hook, which nothing can take off again; it looks only while a case runs."""

    def __init__(self, project: Path) -> None:
        self.readable = tuple(
            os.path.realpath(path) for path in (*HARMLESS, project / "bpcli", project / "tests")
        )
        self.folder = ""
        self.case = ""
        self.seen: list[tuple[str, str, str]] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder:
            return
        if event == "open" and isinstance(arguments[0], str | bytes):
            self._opened(os.path.realpath(os.fsdecode(arguments[0])), arguments[2] or 0)
        elif event.startswith(RUNS) or (event == "import" and arguments[0] == "canary"):
            self.seen.append((self.case, event, repr(arguments)[:200]))

    def _opened(self, path: str, flags: int) -> None:
        """Only the case's own folder is written to, and nothing is read that it does not need."""
        own = path.startswith((self.folder, VERIFYING))
        if not own and (flags & WRITES or not path.startswith(self.readable)):
            self.seen.append((self.case, f"open with flags {flags}", path))

    def run(self, case: Case, folder: Path) -> Ending:
        """Run a case in this process, and look what it does."""
        canary = folder / "canary.py"
        canary.write_text("open('canary', 'w').close()\n")
        arrange(case, folder)  # its model is trained before anybody looks
        self.folder, self.case, self.seen = os.path.realpath(folder), case.name, []
        try:
            ending = run(case, folder)
        finally:
            self.folder = ""
        self.seen += [(case.name, "import", "canary")] if (folder / "canary").exists() else []
        return ending


def watch(project: Path) -> Watch:
    """A hook of this process."""
    model()  # what is imported late is imported by now
    hook = Watch(project)
    sys.addaudithook(hook)
    return hook
