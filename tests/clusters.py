"""A Dask cluster as a user starts it by hand, in processes that a test may kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from resuming import wait_for
from running import ROOT

ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class ByHand(NamedTuple):
    """A scheduler and its workers."""

    file: Path  # that says where the scheduler is
    scheduler: subprocess.Popen[str]
    workers: list[subprocess.Popen[str]]


@contextmanager
def by_hand(folder: Path, workers: int = 1) -> Iterator[ByHand]:
    """A cluster that ends with the block, whatever is left of it then."""
    file = folder / "scheduler.json"
    here = ("--host", "127.0.0.1", "--scheduler-file", str(file))
    nowhere = ("--port", "0", "--dashboard-address", "127.0.0.1:0", "--no-dashboard")
    started = [_start("dask_scheduler", *here, *nowhere, folder=folder)]
    try:
        wait_for(file, started[0])
        alone = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        started += [_start("dask_worker", *here, *alone, folder=folder) for _ in range(workers)]
        yield ByHand(file, started[0], started[1:])
    finally:
        for process in started:
            process.kill()
            process.communicate(timeout=60)
        file.unlink(missing_ok=True)


def _start(program: str, *arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{program}", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **ONE, "PYTHONPATH": str(ROOT)},
    )


def children(pid: int) -> list[int]:
    """The Dask workers that a process has started on this machine."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return [
        child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
