"""Work shared out over the cores of this machine: each process has one, with one thread."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any


def on_each_core(work: Sequence[Any], do: Callable[[Any, int], object]) -> None:
    """`do(one, core)` for all work, so many at once as there are cores."""
    free: Queue[int] = Queue()
    for core in os.sched_getaffinity(0):
        free.put(core)

    def on_a_core(one: Any) -> None:
        core = free.get()
        try:
            do(one, core)
        finally:
            free.put(core)

    with ThreadPoolExecutor(free.qsize()) as pool:
        list(pool.map(on_a_core, work))


def output_of(core: int, *command: object) -> str:
    """What a Python process prints that has a core for itself."""
    words = ["taskset", "--cpu-list", str(core), sys.executable, *map(str, command)]
    own = {**os.environ, "OMP_NUM_THREADS": "1"}  # or a peer's threads wait for each other
    done = subprocess.run(words, capture_output=True, text=True, env=own)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stderr[-2000:]}")
    return done.stdout
