"""Where a model is: a run folder or a file."""

from __future__ import annotations

from pathlib import Path

from bpcli.config.errors import ModelError, Notice, Problem, listing
from bpcli.runs.folder import MODEL, TRAINING, state_of


def read_model_bytes(path: Path) -> tuple[bytes, str]:
    """The bytes of a model and its file's name.  Raises ModelError where there is none.

    A run folder's model counts once the run is complete; whoever names the file itself gets it.
    """
    if path.is_dir():
        _require_complete(path)
    file = path / MODEL if path.is_dir() else path
    try:
        return file.read_bytes(), str(file)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        fix = "give the folder of a completed run, or a model file"
        raise ModelError(Problem("BP-M001", str(file), what, fix)) from None


def foreign_files(path: Path) -> list[Notice]:
    """What else lies in a run folder; nothing of it is read."""
    if not path.is_dir():
        return []
    names = sorted(one.name for one in path.iterdir() if not one.name.startswith("."))
    others = [name for name in names if name not in TRAINING.files]
    return [Notice("", str(path), f"ignored: {listing(others)}")] if others else []


def _require_complete(folder: Path) -> None:
    state = state_of(folder)
    if state not in (None, "completed"):
        what = f"holds no finished model: its run is {state}"
        fix = "finish it with bpcli train … --resume, or name a model file itself"
        raise ModelError(Problem("BP-M015", str(folder), what, fix))
