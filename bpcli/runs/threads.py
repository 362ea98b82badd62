"""The threads a model was trained with, set again before numpy is imported."""

from __future__ import annotations

from pathlib import Path

from bpcli.config.threads import fix_threads
from bpcli.runs.folder import CHECKPOINT
from bpcli.runs.header import read_header
from bpcli.runs.source import read_model_bytes


def use_threads_of(model: Path) -> None:
    """Compute with the model's recorded number of threads.  Raises ModelError."""
    record, _ = read_header(*read_model_bytes(model))
    threads = record.get("threads")
    fix_threads(threads if isinstance(threads, int) and threads > 0 else 1)


def threads_of_checkpoint(folder: Path) -> int | None:
    """The threads that a run folder's checkpoint was computed with; None where there is none."""
    if not (folder / CHECKPOINT).is_file():
        return None
    record, _ = read_header(*read_model_bytes(folder / CHECKPOINT))
    threads = record.get("identity", {}).get("config", {}).get("threads")
    return threads if isinstance(threads, int) and threads > 0 else None
