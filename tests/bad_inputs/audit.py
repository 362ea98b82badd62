"""Run every bad input under an audit hook and print, as JSON, what it should not have done.

    python -m bad_inputs.audit PROJECT

Each case finds a `canary.py` beside its files, which leaves a trace if it is ever imported.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bad_inputs import CASES
from bad_inputs.case import Case, arrange, model, run

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

    def run(self, case: Case) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "canary.py").write_text("open('canary', 'w').close()\n")
            arrange(case, folder)  # its model is trained before anybody looks
            self.folder, self.case = os.path.realpath(name), case.name
            ending = run(case, folder)
            self.folder = ""
            assert ending.exit == case.exit, f"{case.name}: {ending.err}"
            assert not (folder / "canary").exists(), case.name


def main() -> None:
    watch = Watch(Path(sys.argv[1]))
    model()  # what is imported late is imported by now
    sys.addaudithook(watch)
    for case in CASES:
        watch.run(case)
    print(json.dumps([len(CASES), watch.seen]))


if __name__ == "__main__":
    main()
