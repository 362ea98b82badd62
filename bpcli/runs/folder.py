"""The run folder: its name, its files, and the record that says what state the run is in."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

from bpcli import __version__
from bpcli.config.errors import OutputError, Problem
from bpcli.config.threads import threads_in_use, usable_cores
from bpcli.runs.files import make_folder, write_file
from bpcli.runs.source import MODEL

RECORD = "run.json"
HISTORY = "history.csv"
METRICS = "metrics.json"
SPLIT = "split.csv"
PREDICTIONS = "predictions_test.csv"
GIVEN = "config.yaml"
RESOLVED = "config.resolved.yaml"
FILES = (MODEL, RECORD, HISTORY, METRICS, SPLIT, PREDICTIONS, GIVEN, RESOLVED)


def new_folder(config: Path, output: Path | None, *, force: bool) -> Path:
    """The folder of a new run: `output`, or `runs/<config name>-<n>` with the next free n.

    Raises OutputError where another run or foreign files would be in the way.
    """
    folder = output if output is not None else _next_free(Path("runs"), config.stem)
    if folder.is_dir() and not force:
        _refuse_occupied(folder)
    make_folder(folder)
    for name in FILES:
        if (folder / name).is_symlink():
            what = "is a symbolic link; bpcli does not write through links"
            raise OutputError(Problem("BP-O004", str(folder / name), what, "remove the link"))
        if force:
            (folder / name).unlink(missing_ok=True)
    return folder


def study_folder(
    config: Path, command: str, output: Path | None, *, force: bool, resume: bool
) -> Path:
    """The folder of a study: as `new_folder`, or with `resume` the one that is there."""
    if resume and output is not None and output.is_dir():
        return output
    name = config.with_name(f"{config.stem}-{command}")
    return new_folder(name, output, force=force)


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


def _next_free(parent: Path, name: str) -> Path:
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def _refuse_occupied(folder: Path) -> None:
    if (folder / RECORD).exists():
        what = "already holds a run"
        fix = "choose another folder with -o, or replace the run with --force"
        raise OutputError(Problem("BP-O002", str(folder), what, fix))
    if any(folder.iterdir()):
        what = "is not empty and not a run folder"
        raise OutputError(Problem("BP-O003", str(folder), what, "choose another folder with -o"))
