"""How long training will take, from a few timed updates on copies of the start values."""

from __future__ import annotations

import time

from bpcli.experiment.group import Group
from bpcli.experiment.members import Members
from bpcli.experiment.replicas import groups_of
from bpcli.nn.training import train

TIMED_SECONDS = 0.3  # of updates: enough for their pace to show
MOST_UPDATES = 512


def seconds_estimated(members: Members) -> float:
    """Seconds for all iterations without validation; the run itself is not touched."""
    replicas = members.replicas()
    group = Group(replicas, groups_of(replicas)[0])
    method, state, rows = group.method, group.state, group.rows
    updates, seconds = 1, 0.0
    while seconds < TIMED_SECONDS and updates < MOST_UPDATES:  # the rounds before warm up
        updates *= 2
        start = time.perf_counter()
        timed = method._replace(iterations=state.iteration + updates)
        list(train(group.network, timed, state, rows))
        seconds = time.perf_counter() - start
    groups = len(replicas) / len(group.replicas)
    return seconds / updates * method.iterations * groups
