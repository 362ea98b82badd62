"""Where a model is: a run folder or a file."""

from __future__ import annotations

from pathlib import Path

from bpcli.config.errors import ModelError, Problem

MODEL = "model.safetensors"


def read_model_bytes(path: Path) -> tuple[bytes, str]:
    """The bytes of a model and its file's name.  Raises ModelError where there is none."""
    file = path / MODEL if path.is_dir() else path
    try:
        return file.read_bytes(), str(file)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        fix = "give the folder of a completed run, or a model file"
        raise ModelError(Problem("BP-M001", str(file), what, fix)) from None
