"""Which trainings share a process, where they are replicas of one network.

No result depends on it, for each replica ends as it would alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from bpcli.config.errors import ConfigError, DataError
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.memory import most_at_once
from bpcli.experiment.problem import LearningProblem
from bpcli.nn.team import cut

CACHE = 1 << 20  # bytes of a group: a core's own cache, and little to lose where one is killed

Item = TypeVar("Item")


def dealt(items: Sequence[Item], most: int, jobs: int) -> list[Sequence[Item]]:
    """Runs of at most so many items; few items are also dealt out evenly over the jobs."""
    parts = max(-(-len(items) // most), min(jobs, len(items)))
    return [items[own] for own in cut(len(items), parts, 1)]


def in_common(config: Config) -> str:
    """What the configs of replicas have in common: all but the learning rate and how strong those
    penalties are that they have."""
    assert config.regularization is not None
    penalties = config.regularization
    which = [penalties.l1 > 0, penalties.l2 > 0, penalties.weight_decay > 0]
    rest = config.model_dump_json(exclude={"learning_rate", "regularization"})
    return f"{which} {penalties.schedule.model_dump_json()} {rest}"


def most_alike(prepared: Prepared, config: Config) -> int:
    """How many networks of a config train together."""
    try:
        return most_at_once(LearningProblem.of(config, prepared), CACHE)
    except (ConfigError, DataError):
        return 1  # it will fail in training, which tells why
