"""The journal of a study: what is finished, kept so that an interrupted one goes on from there.

One line says whose it is, then one line for each finished group. The file is replaced as a whole,
so it never ends in half a line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bpcli import __version__
from bpcli.config.errors import ModelError, Problem
from bpcli.runs.files import write_file

JOURNAL = "journal.jsonl"
_AGAIN = "start again with --force, or name another folder with -o"


def identity_of(facts: Any) -> str:
    """A name for everything that the results depend on."""
    versions = {"bpcli": __version__, "numpy": np.__version__}
    text = json.dumps([versions, facts], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """The finished groups of one study, in the order in which they were done."""

    def __init__(self, folder: Path, identity: str, *, resume: bool) -> None:
        """Begin one, or with `resume` go on with what the folder has of the same study.

        Raises ModelError where that is of another study.
        """
        self.path = folder / JOURNAL
        self._lines = [json.dumps({"study": identity})]
        if resume and self.path.exists():
            self._read()

    def add(self, line: str) -> str:
        """Keep a finished group, as its worker wrote it."""
        self._lines.append(line)
        write_file(self.path, "\n".join(self._lines) + "\n")
        return line

    def replay(self, take: Callable[[str], None]) -> None:
        """Hand over each group of an earlier sitting.  `take` raises ValueError for no such one."""
        for number, line in enumerate(self._lines[1:], 2):
            try:
                take(line)
            except ValueError:
                what = f"line {number} is damaged"
                raise ModelError(Problem("BP-S003", str(self.path), what, _AGAIN)) from None

    def _read(self) -> None:
        text = self.path.read_text(encoding="utf-8", errors="replace")
        head, *lines = text.splitlines() or [""]
        if head != self._lines[0]:
            what = "is of another config, other data or other versions"
            raise ModelError(Problem("BP-S002", str(self.path), what, _AGAIN))
        self._lines += lines
