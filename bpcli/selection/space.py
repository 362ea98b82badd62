"""What `bpcli tune` tries where the config does not say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bpcli.experiment.config import Config
from bpcli.experiment.distributions import Choice, Distribution, LogUniform
from bpcli.experiment.presets import Preset

DOWN, UP = 10.0, 5.0  # how far from its own the learning rate may go


def space_of(config: Config, preset: Preset | None) -> dict[str, Distribution]:
    """The space of a resolved config: its own, else that of its preset and of the training."""
    if config.tune.space is not None:
        return config.tune.space
    own = preset.searched.items() if preset else ()
    # Of images nothing is scaled or embedded column by column.
    fitting = {
        path: one for path, one in own if not (config.input and path.startswith("preprocess."))
    }
    return {**fitting, **_training(config)}


def begin_of(
    space: Mapping[str, Distribution], config: Config, preset: Preset | None
) -> dict[str, Any]:
    """What a trial would propose to be the resolved config itself; empty where it lies outside."""
    values = config.model_dump(mode="json")
    if preset:
        values["network"] = preset.written()
    found = {path: _proposal(one, _value_at(values, path)) for path, one in space.items()}
    return {} if None in found.values() else found


def _proposal(one: Distribution, value: Any) -> Any:
    proposal = one.proposal(value)
    if proposal is None and isinstance(value, dict) and value:
        # {dense: {units: 6, …}}, for which a search may write {dense: 6}: the main field is first
        return one.proposal(next(iter(value.values())))
    return proposal


def _value_at(value: Any, path: str) -> Any:
    """The value at a path of plain values; None where there is none."""
    for key in path.split("."):
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def _training(config: Config) -> dict[str, Distribution]:
    rate, batch = config.learning_rate, config.batch_size
    penalty = "l2" if config.regularization and config.regularization.l2 else "weight_decay"
    space: dict[str, Distribution] = {f"regularization.{penalty}": LogUniform(range=(1e-6, 1e-1))}
    if isinstance(rate, float):
        ends = float(f"{rate / DOWN:.3g}"), float(f"{rate * UP:.3g}")
        space["learning_rate"] = LogUniform(range=ends)
    if isinstance(batch, int):
        sizes = dict.fromkeys((math.ceil(batch / 2), batch, 2 * batch))
        space["batch_size"] = Choice(values=tuple(sizes))
    return space
