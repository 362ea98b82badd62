"""One table in several files: a name with * or ? stands for all files that it fits."""

from __future__ import annotations

from glob import has_magic
from pathlib import Path


def files_of(path: Path) -> list[Path]:
    """The file itself; else those whose names fit the last part of the path, in their order.

    The path as it is where none does, so that opening it says so.
    """
    if not has_magic(path.name) or path.exists():
        return [path]
    return sorted(path.parent.glob(path.name)) or [path]
