"""How much memory training takes, and whether this machine has it: asked before anything big."""

from __future__ import annotations

import resource
from math import prod
from pathlib import Path

import numpy as np

from bpcli.config.errors import Problem, ResourceError
from bpcli.experiment.problem import LearningProblem
from bpcli.nn.layer import Plan

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def bytes_needed(problem: LearningProblem) -> int:
    """Parameters with gradient and optimizer slots, work arrays of a batch, and the data."""
    method, network = problem.method(), problem.network
    item = np.dtype(problem.config.dtype).itemsize
    # θ, the best θ, that of the last epoch, each part's gradient, and what the optimizer works with
    copies = 3 + method.parts + len(method.optimizer.work)
    kept = sum(map(prod, method.optimizer.memory(1, network.size).values()))
    row = sum(map(_row_numbers, network.plans)) + prod(network.in_shape)
    data = problem.prepared.x.nbytes + problem.prepared.t.nbytes
    return item * (copies * network.size + kept + method.batch_size * row) + 2 * data


def _row_numbers(plan: Plan) -> int:
    """Numbers that one row of a batch needs in a layer, inner layers included."""
    own = sum(prod(shape) for shape in plan.scratch.values())
    return own + sum(_row_numbers(one) for branch in plan.inner for one in branch)


def bytes_available() -> int:
    """Free memory of the machine, or what a container or `ulimit -v` leaves, if that is less."""
    limits = [_machine_bytes(), *map(_file_bytes, CGROUP_LIMITS)]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    limits.append(soft if soft != resource.RLIM_INFINITY else None)
    return min(limit for limit in limits if limit is not None)


def require_memory(problem: LearningProblem) -> None:
    """Raises ResourceError, with the numbers and the keys to change, where it does not fit."""
    needed, available = bytes_needed(problem), bytes_available()
    if needed > available:
        what = f"training needs about {_gigabytes(needed)}, {_gigabytes(available)} are available"
        fix = "use fewer units (network), smaller batches (batch_size), or dtype: float32"
        raise ResourceError(Problem("BP-R001", "network", what, fix))


def _machine_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 1 << 62  # unknown, so it is not what refuses
    fields = dict(line.split(":") for line in lines)
    return 1024 * int(fields["MemAvailable"].split()[0])


def _file_bytes(path: str) -> int | None:
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
