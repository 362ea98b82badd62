"""Train a stored run again, elsewhere, and say how far the two agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Problem
from bpcli.data.shards import files_of
from bpcli.experiment.load import Loaded
from bpcli.experiment.stopping import Record
from bpcli.runs.cache import beside
from bpcli.runs.folder import (
    CENTRES,
    CLUSTERS,
    DIAGNOSTICS,
    HISTORY,
    LATENT,
    METRICS,
    PREDICTIONS,
    RECONSTRUCTION,
    SPLIT,
    environment,
)
from bpcli.runs.source import read_model_bytes
from bpcli.runs.stored import StoredRun
from bpcli.runs.tensorfile import Tensors, unpack
from bpcli.runs.train import TrainingRun

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}  # of weights and results, relative, by dtype
FILES = (
    SPLIT,
    METRICS,
    PREDICTIONS,
    CLUSTERS,
    CENTRES,
    LATENT,
    RECONSTRUCTION,
    DIAGNOSTICS,
)
_TIMING = "seconds"  # the one column that no two runs share


class Parting(NamedTuple):
    """Where the history of the two runs first differs."""

    epoch: int
    quantity: str
    then: str
    now: str


class Verdict(NamedTuple):
    """What the comparison came to."""

    outcome: str  # "byte-equal", "equal within tolerance" or "different"
    difference: float  # the largest of a weight, relative to the largest of its tensor
    tolerance: float
    parting: Parting | None
    files: dict[str, bool]  # whether the bytes of each file are the same
    environment: dict[str, tuple[Any, Any]]  # what differs: then, now

    def holds(self, *, exact: bool) -> bool:
        """Whether the run is reproduced."""
        return self.outcome == "byte-equal" or (not exact and self.outcome != "different")


def verify(run: StoredRun, loaded: Loaded, watch: Callable[[Iterator[Record]], None]) -> Verdict:
    """Train again in a temporary folder; nothing is written into that of the run.

    `watch` takes the epochs as they come. Raises DataError where the data is not what it was.
    """
    _require_files(loaded)
    loaded = beside(loaded, run.folder.parent)
    with tempfile.TemporaryDirectory(prefix="bpcli-verify-") as name:
        with TrainingRun(loaded, Path(name) / "run") as again:
            _require_same_data(run, again)
            watch(iter(again))
            again.finish()
        return compare(run, StoredRun.read(again.folder))


def compare(then: StoredRun, now: StoredRun) -> Verdict:
    """Two runs of one config, file by file."""
    (old, dtype), (new, _) = _weights(then.folder), _weights(now.folder)
    difference = _largest_difference(old, new)
    files = {
        name: _bytes(then.folder / name) == _bytes(now.folder / name)
        for name in FILES
        if (then.folder / name).exists() or (name != DIAGNOSTICS and (now.folder / name).exists())
    }  # a run of an earlier version has no diagnostics, and may be reproduced all the same
    parting = first_parting(then.table(HISTORY), now.table(HISTORY))
    tolerance = TOLERANCE[dtype]
    if difference == 0 and parting is None and all(files.values()):
        outcome = "byte-equal"
    else:
        close = difference <= tolerance and _close(_results(then), _results(now), tolerance)
        outcome = "equal within tolerance" if close else "different"
    before, after = then.record["environment"], environment()
    changed = {
        key: (before.get(key), after.get(key))
        for key in (*after, *before)
        if before.get(key) != after.get(key)
    }
    return Verdict(outcome, difference, tolerance, parting, files, changed)


def first_parting(then: list[dict[str, str]], now: list[dict[str, str]]) -> Parting | None:
    """The first epoch, and its first column, in which two histories differ."""
    for epoch, (old, new) in enumerate(zip(then, now, strict=False), 1):
        for name in old:
            if name != _TIMING and old[name] != new.get(name):
                return Parting(epoch, name, old[name], str(new.get(name)))
    if len(then) != len(now):
        return Parting(min(len(then), len(now)) + 1, "epochs", str(len(then)), str(len(now)))
    return None


def _results(run: StoredRun) -> list[Any]:
    return [run.metrics(), *(run.table(name) for name in FILES if name != METRICS)]


def _close(old: Any, new: Any, tolerance: float) -> bool:
    """Numbers differ by at most `tolerance`, relative to those above 1; all else is the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        same = old.keys() == new.keys()
        return same and all(_close(old[key], new[key], tolerance) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_close, old, new, [tolerance] * len(old)))
    if old == new:
        return True
    try:
        return abs(float(old) - float(new)) <= tolerance * max(1.0, abs(float(old)))
    except (TypeError, ValueError):
        return False


def _weights(folder: Path) -> tuple[Tensors, str]:
    record, tensors = unpack(*read_model_bytes(folder))
    return tensors, record["dtype"]


def _largest_difference(old: Tensors, new: Tensors) -> float:
    """Over all tensors the largest |old − new| / max |old|; infinite where shapes differ."""
    if {k: v.shape for k, v in old.items()} != {k: v.shape for k, v in new.items()}:
        return float("inf")
    return max((_difference(old[name], new[name]) for name in old), default=0.0)


def _difference(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> float:
    if old.tobytes() == new.tobytes():
        return 0.0
    scale = np.abs(old).max()
    gap = np.abs(old.astype(np.float64) - new).max()
    return float(gap / scale) if scale else float("inf")


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _require_files(loaded: Loaded) -> None:
    problems = [
        Problem("BP-D161", str(path), "the data of the run is not there any more", _SAY_WHERE)
        for path in (loaded.folder / name for name in loaded.config.data.files.values())
        if not files_of(path)[0].exists()
    ]
    if problems:
        raise DataError(*problems)


def _require_same_data(run: StoredRun, again: TrainingRun) -> None:
    then, table = run.record["data"], again.prepared.table
    if then["sha256"] != table.sha256:
        rows = then["account"]["rows"]["read"]
        what = (
            f"the data is not what the run was trained on: {rows} rows with SHA-256 "
            f"{then['sha256']} then, {table.n_rows} rows with {table.sha256} now"
        )
        raise DataError(Problem("BP-D162", str(table.path), what, _SAY_WHERE))


_SAY_WHERE = "say where it is with --data PATH"
