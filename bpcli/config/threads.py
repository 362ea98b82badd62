"""BLAS threads, fixed before numpy is imported: their number decides the last bits of a result."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
KERNELS = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")  # would select other arithmetic
WIDE = 256  # units from which a second thread pays, measured


def threads_of(config: Any) -> int:
    """The threads that a config (plain YAML values) asks for: `threads`, or by its widest layer."""
    asked = config.get("threads", "auto") if isinstance(config, dict) else "auto"
    if isinstance(asked, int) and not isinstance(asked, bool) and asked >= 1:
        return asked
    network = config.get("network") if isinstance(config, dict) else None
    return physical_cores() if max(_integers(network), default=0) >= WIDE else 1


def fix_threads(count: int) -> None:
    """Make numpy compute with `count` threads, whatever the user's environment says.

    Without effect on a numpy that is already imported: then the variables stay as they are.
    """
    if "numpy" in sys.modules:
        return
    for name in VARIABLES:
        os.environ[name] = str(count)
    for name in KERNELS:
        os.environ.pop(name, None)


def threads_in_use() -> int:
    """The number that `fix_threads` set; 0 where bpcli does not know it."""
    value = os.environ.get(VARIABLES[0], "")
    return int(value) if value.isdigit() else 0


def usable_cores() -> int:
    """Cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def physical_cores() -> int:
    """Usable cores without hyper-threads, which share one core's arithmetic units."""
    try:
        blocks = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split("\n\n")
    except OSError:
        return usable_cores()
    cores = {tuple(_cpu_lines(block)) for block in blocks if "core id" in block}
    return min(len(cores) or usable_cores(), usable_cores())


def _cpu_lines(block: str) -> Iterator[str]:
    return (line for line in block.splitlines() if line.startswith(("physical id", "core id")))


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _integers(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value
