"""The network of a small table that names none: the simplest that its folds find good enough.

It costs some trainings, so only a training asks for it; other commands look at the default.
"""

from __future__ import annotations

from typing import Any

from bpcli.config.errors import DataError
from bpcli.data.prepare import Prepared
from bpcli.experiment.config import Config
from bpcli.experiment.load import Loaded
from bpcli.experiment.presets import MLP, Linear
from bpcli.experiment.resolve import FEW, rows_of
from bpcli.runs.resolved import prepare_and_resolve, written_from
from bpcli.selection.preset import PresetChoice, preferred

PRESETS = {one.name: one for one in (Linear(), MLP())}  # the simplest first
UPDATES = {Linear.name: None, MLP.name: 500}  # for the choice; None: as many as usual


def prepare_and_decide(loaded: Loaded) -> tuple[Prepared, Config, PresetChoice | None]:
    """The table, the resolved config, and how its network was chosen where there was a choice."""
    prepared, config = prepare_and_resolve(loaded)
    if not _is_open(loaded.config, prepared):
        return prepared, config, None
    named = {
        name: loaded.with_values(network=preset, iterations=UPDATES[name])
        for name, preset in PRESETS.items()
    }
    try:
        choice = preferred({name: prepare_and_resolve(one) for name, one in named.items()})
    except DataError:  # too few rows for folds
        return prepared, config, None
    if choice is None:
        return prepared, config, None
    best = loaded.with_values(network=PRESETS[choice.winner.name])
    return *prepare_and_resolve(best), choice


def expanded(loaded: Loaded) -> dict[str, Any]:
    """The resolved config as plain values, as a training would write it beside the given one."""
    _, config, _ = prepare_and_decide(loaded)
    return written_from(config, loaded.folder, loaded.folder)


def _is_open(config: Config, prepared: Prepared) -> bool:
    """Whether folds can be asked: of one network for few rows that have no order in time.

    A rate or a length of training is that of a network, as `cv` and `lr-sweep` have found it.
    """
    one = config.takes_default_network and config.networks == 1 and config.shards is None
    bare = config.learning_rate is None and config.epochs is None and config.iterations is None
    supervised = not config.is_unsupervised and config.input is None
    ordered = prepared.split_method(config.split) == "time"
    return one and bare and supervised and not ordered and rows_of(config, prepared) < FEW
