"""What is noteworthy about a training that has ended, though nothing went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.config.errors import Notice
from bpcli.experiment.replicas import Replica


def remarks(replicas: Sequence[Replica]) -> list[Notice]:
    """Of each training a threshold that was not reached."""
    found = []
    for number, one in enumerate(replicas, 1):
        member = f"member {number}, " if len(replicas) > 1 else ""
        found += [notice._replace(where=member + notice.where) for notice in missed(one)]
    return found


def missed(one: Replica) -> list[Notice]:
    """That the training loss has not come below `stop.threshold`."""
    threshold, last = one.lesson.problem.config.stop.threshold, one.last
    if threshold is None or last is None or last.train_loss < threshold:
        return []
    what = f"the training loss is {last.train_loss:.4g} at the end, not below {threshold:g}"
    fix = "train longer, or with another learning_rate"
    return [Notice("BP-N003", "stop.threshold", what, fix)]
