"""The networks of a small table that names none: those of the preset that its folds prefer.

As many as there are folds, each without one of them: of few rows none is to be lost to validation.
The choice costs some trainings, half as long each, so only a training asks for it; other commands
look at the default.
"""

from __future__ import annotations

from typing import Any

from bpcli.config.errors import DataError
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config, FoldsSpec
from bpcli.experiment.load import Loaded
from bpcli.experiment.presets import MLP, Linear
from bpcli.experiment.resolve import FEW, rows_of
from bpcli.runs.resolved import prepare_and_resolve, written_from
from bpcli.selection.preset import PresetChoice, preferred

CANDIDATES: dict[str, dict[str, Any]] = {  # by name the keys that make it
    Linear.name: {"network": Linear(), "iterations": 1000},
    MLP.name: {"network": MLP(), "learning_rate": 0.01, "iterations": 500},  # five need no more
}


def prepare_and_decide(loaded: Loaded) -> tuple[Prepared, Config, PresetChoice | None]:
    """The table, the resolved config, and how its network was chosen where there was a choice."""
    prepared, config = prepare_and_resolve(loaded)
    if not _is_open(loaded.config, prepared):
        return prepared, config, None
    try:
        shorter = {n: {**one, "iterations": one["iterations"] // 2} for n, one in CANDIDATES.items()}
        choice = preferred({name: _with(loaded, values) for name, values in shorter.items()})
    except DataError:  # too few rows for folds
        return prepared, config, None
    if choice is None:
        return prepared, config, None
    folds = {"ensemble": FoldsSpec(folds=config.split.folds)}
    return *_with(loaded, {**CANDIDATES[choice.winner.name], **folds}), choice


def folds_kept(loaded: Loaded, prepared: Prepared) -> list[str]:
    """That the folds stay which scored a network, as PATH=VALUE; none where a training has none."""
    keeps = _is_open(loaded.config, prepared)
    return [f"ensemble={{folds: {loaded.config.split.folds}}}"] if keeps else []


def _with(loaded: Loaded, values: dict[str, Any]) -> tuple[Prepared, Config]:
    return prepare_and_resolve(loaded.with_values(**values))


def expanded(loaded: Loaded) -> dict[str, Any]:
    """The resolved config as plain values, as a training would write it beside the given one."""
    _, config, _ = prepare_and_decide(loaded)
    return written_from(config, loaded.folder, loaded.folder)


def _is_open(config: Config, prepared: Prepared) -> bool:
    """Whether folds can be asked: of one network for few rows that have no order in time.

    An optimizer, a rate or a length of training is that of a network, as `cv` and `lr-sweep` have
    found it.
    """
    one = config.takes_default_network and config.networks == 1 and config.shards is None
    method = config.optimizer, config.learning_rate
    length = config.epochs, config.iterations, config.stop.max_time
    bare = all(one is None for one in (*method, *length))
    supervised = not config.is_unsupervised and config.input is None
    ordered = prepared.split_method(config.split) == "time"
    return one and bare and supervised and not ordered and rows_of(config, prepared) < FEW
