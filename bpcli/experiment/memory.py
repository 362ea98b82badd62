"""How much memory training takes, and whether this machine has it: asked before anything big."""

from __future__ import annotations

from math import prod

import numpy as np

from bpcli.config.errors import Problem, ResourceError
from bpcli.config.memory import require_memory
from bpcli.config.threads import usable_cores
from bpcli.experiment.config import Config
from bpcli.experiment.problem import LearningProblem
from bpcli.nn import room
from bpcli.nn.layer import Plan

MOST_TOGETHER = 64
SHARED_CACHE = 8 << 20  # bytes: a core's share of what all cores have together


def bytes_needed(problem: LearningProblem) -> int:
    """What training holds, and the data: of an ensemble the networks that train at once, the best
    parameters of all, and what each predicts; over folds each member has the data as it sees it."""
    config, prepared = problem.config, problem.prepared
    networks, item = config.networks, np.dtype(config.dtype).itemsize
    at_once = min(networks, most_at_once(problem, SHARED_CACHE)) * bytes_of_network(problem)
    beside = (networks - 1) * (item * problem.network.size + 2 * prepared.t.nbytes)
    data = 0 if room.is_open() else 2 * (prepared.x.nbytes + prepared.t.nbytes)
    return at_once + beside + data * (1 + networks if config.over_folds else 1)


def most_at_once(problem: LearningProblem, cache: int) -> int:
    """The networks that train at once: their parameters and work arrays stay in so many bytes."""
    return max(1, min(MOST_TOGETHER, cache // bytes_of_network(problem)))


def bytes_of_network(problem: LearningProblem) -> int:
    """Parameters with gradient and optimizer slots, and the work arrays of a batch."""
    method, network = problem.method(), problem.network
    item = np.dtype(problem.config.dtype).itemsize
    # Local steps have θ and slots of their own, and the mean of these is made beside both.
    sets = 3 if method.sync_every > 1 else 1
    # θ, the best θ, that of the last epoch, each part's gradient, and what the optimizer works with
    copies = sets + 2 + method.gradients + len(method.optimizer.work)
    kept = sum(map(prod, method.optimizer.memory(1, network.size).values()))
    row = sum(map(row_numbers, network.plans)) + prod(network.in_shape)
    lent = method.parts * max([plan.most_lent for plan in network.plans], default=0)
    return item * (copies * network.size + sets * kept + method.batch_size * row + lent)


def row_numbers(plan: Plan) -> int:
    """Numbers that one row of a batch needs in a layer, inner layers included."""
    own = sum(prod(shape) for shape in plan.scratch.values())
    return own + sum(row_numbers(one) for branch in plan.inner for one in branch)


def require_training_memory(problem: LearningProblem) -> None:
    """Raises ResourceError, with the numbers and the keys to change, where it does not fit."""
    fix = "use fewer units (network), smaller batches (batch_size), or dtype: float32"
    require_memory(bytes_needed(problem), "BP-R001", "network", "training", fix)


def require_cores(config: Config) -> None:
    """Raises ResourceError for more threads than cores: BLAS would quietly use fewer."""
    asked, cores = config.threads, usable_cores()
    if isinstance(asked, int) and asked > cores:
        what = f"{asked} threads are asked for, {cores} cores are available"
        fix = f"use --threads {cores}; other threads give other last bits"
        raise ResourceError(Problem("BP-R022", "threads", what, fix))
