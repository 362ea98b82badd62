"""The run folder: its name, its files, and the record that says what state the run is in."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any, NamedTuple

from bpcli import __version__
from bpcli.config.threads import threads_in_use, usable_cores
from bpcli.runs.files import write_file
from bpcli.runs.lock import owner_of

MODEL = "model.safetensors"
RECORD = "run.json"
HISTORY = "history.csv"
DIAGNOSTICS = "diagnostics.csv"
METRICS = "metrics.json"
SPLIT = "split.csv"
PREDICTIONS = "predictions_test.csv"
CLUSTERS = "clusters.csv"
CENTRES = "centres.csv"
LATENT = "latent.csv"
RECONSTRUCTION = "reconstruction.csv"
NUMBERS = "k.csv"
PICTURES = {kind: f"clusters.{kind}" for kind in ("svg", "png")}
REPORT = "report.html"  # by bpcli report
GIVEN = "config.yaml"
RESOLVED = "config.resolved.yaml"
CHECKPOINT = "checkpoint.safetensors"
PLAN = (GIVEN, RESOLVED, SPLIT)  # known before the first update
RESULTS = (
    MODEL,
    CHECKPOINT,
    RECORD,
    HISTORY,
    DIAGNOSTICS,
    METRICS,
    PREDICTIONS,
    CLUSTERS,
    CENTRES,
    LATENT,
    RECONSTRUCTION,
    NUMBERS,
    *PICTURES.values(),
    REPORT,
)


class Kind(NamedTuple):
    """What a command keeps in its folder."""

    command: str
    going_on: str  # the file that `--resume` goes on from; empty where there is none
    results: tuple[str, ...]
    plan: tuple[str, ...]  # written first, and what a run may go on with

    @property
    def files(self) -> tuple[str, ...]:
        """All of its files."""
        return (*self.results, *self.plan)


TRAINING = Kind("train", CHECKPOINT, RESULTS, PLAN)


def write_json(path: Path, value: Any) -> None:
    """A JSON file for people and programs: indented, strict, one line at the end."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_file(path, text + "\n")


def environment() -> dict[str, Any]:
    """What else a result depends on: versions, BLAS and the processor's abilities."""
    import numpy as np
    import pandas as pd

    build = np.show_config(mode="dicts")
    blas = build["Build Dependencies"]["blas"]
    return {
        "bpcli": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        "cpu_features": " ".join(build.get("SIMD Extensions", {}).get("found", [])),
        "blas_threads": threads_in_use(),
        "cores": usable_cores(),
        "platform": f"{sys.platform} {platform.machine()}",
    }


def state_of(folder: Path) -> str | None:
    """What `run.json` says: running, interrupted, failed, diverged, completed; None without one.

    A run that nobody works on any more was interrupted, whatever it could still write down.
    """
    record = _record(folder)
    if record is None:
        return None
    owner = owner_of(folder)
    alive = owner is not None and owner.may_live() and not owner.is_this()
    state = str(record.get("state", "damaged"))
    return "interrupted" if state == "running" and not alive else state


def command_of(folder: Path) -> str:
    """The command that the folder's `run.json` is of."""
    return str((_record(folder) or {}).get("command", TRAINING.command))


def run_of(folder: Path) -> str | None:
    """The id of the run that a folder holds, as `run.json` says it."""
    record = _record(folder) or {}
    return str(record["run"]) if "run" in record else None


def _record(folder: Path) -> dict[str, Any] | None:
    """What `run.json` says; nothing where it is damaged, None where there is none."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
