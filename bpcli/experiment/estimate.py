"""How long training will take, from a few timed updates on copies of the start values."""

from __future__ import annotations

import time

from bpcli.experiment.problem import LearningProblem
from bpcli.nn.state import State
from bpcli.nn.training import train

TIMED_SECONDS = 0.3  # of updates: enough for their pace to show
MOST_UPDATES = 512


def seconds_estimated(problem: LearningProblem) -> float:
    """Seconds for all iterations without validation; the run itself is not touched."""
    rows, method = problem.training_rows(), problem.method()
    state = State.start(problem.network, method, problem.config.dtype, rows)
    updates, seconds = 1, 0.0
    while seconds < TIMED_SECONDS and updates < MOST_UPDATES:  # the rounds before warm up
        updates *= 2
        start = time.perf_counter()
        timed = method._replace(iterations=state.iteration + updates)
        list(train(problem.network, timed, state, rows))
        seconds = time.perf_counter() - start
    return seconds / updates * method.iterations
