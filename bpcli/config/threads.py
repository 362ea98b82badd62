"""Threads: their number decides the last bits of a result, so it is fixed before numpy is imported.

Where the rows of a batch can be shared out, `threads` processes compute an update together, each
with one BLAS thread: faster than one process with as many, since all that stands between two
matrix products is shared out too. Elsewhere the BLAS has the threads.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
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
WIDE_PRESETS = {"realmlp", "realmlp_small"}  # whose layers are that wide
CONVOLUTION = "conv2d"  # pays where rows are shared out; its many products are small for the BLAS
MOST = 8  # threads that `auto` takes; more would have too few rows of a batch each
FORKS = sys.platform == "linux"  # where a process can be doubled, with memory that both see
WHOLE_BATCH = {"batch_norm", "noise"}  # layers that need all rows of a batch in one process
WHOLE_BATCH_PRESETS = {"resnet", "inception", "tabular_resnet"}  # presets with such layers
WHOLE_VECTOR = {"lbfgs", "lloyd"}  # optimizers that need all parameters in one process


def threads_of(config: Any, auto: int | None = None) -> int:
    """The threads that a config (plain YAML values) asks for: `threads`, or by its widest layer.

    `auto` is a number to take in place of the latter.
    """
    asked = config.get("threads", "auto") if isinstance(config, dict) else "auto"
    if isinstance(asked, int) and not isinstance(asked, bool) and asked >= 1:
        return asked
    if auto is not None:
        return auto
    network = list(_scalars(_part(config, "network")))
    wide = any(one in WIDE_PRESETS or (isinstance(one, int) and one >= WIDE) for one in network)
    wide = wide or (CONVOLUTION in network and _shares_rows(network))
    return min(physical_cores(), MOST) if wide else 1


def blas_threads_of(config: Any, auto: int | None = None) -> int:
    """Of these, the threads of the BLAS: one where processes share the rows of a batch."""
    layers, optimizer = _scalars(_part(config, "network")), _scalars(_part(config, "optimizer"))
    if _shares_rows(layers) and WHOLE_VECTOR.isdisjoint(optimizer):
        return 1
    return threads_of(config, auto)


def _shares_rows(names: Iterable[Any]) -> bool:
    """Whether processes can share the rows of a batch, by the names of layers and presets."""
    return FORKS and (WHOLE_BATCH | WHOLE_BATCH_PRESETS).isdisjoint(names)


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


def _part(config: Any, key: str) -> Any:
    return config.get(key) if isinstance(config, dict) else None


def _scalars(value: Any) -> Iterator[Any]:
    """Every name and value in a tree of plain YAML values."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif not isinstance(value, bool):
        yield value
