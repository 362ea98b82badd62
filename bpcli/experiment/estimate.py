"""How long training will take, from a few timed updates on copies of the start values."""

from __future__ import annotations

import time

from bpcli.experiment.problem import LearningProblem
from bpcli.nn.training import Rows, State, train

TIMED_SECONDS = 0.5  # of updates, after one that warms up
MOST_UPDATES = 200


def seconds_estimated(problem: LearningProblem) -> float:
    """Seconds for all iterations without validation; the run itself is not touched."""
    rows: Rows = problem.training_rows()
    method = problem.method()._replace(iterations=1)
    state = State.start(problem.network, method, problem.config.dtype)
    list(train(problem.network, method, state, rows))
    start, done = time.perf_counter(), state.iteration
    while time.perf_counter() - start < TIMED_SECONDS and state.iteration < MOST_UPDATES:
        method = method._replace(iterations=state.iteration + 10)
        list(train(problem.network, method, state, rows))
    updates = state.iteration - done
    return (time.perf_counter() - start) / updates * problem.method().iterations
