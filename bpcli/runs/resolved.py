"""A config with nothing left open, in memory and as plain values."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from os.path import relpath
from pathlib import Path
from typing import Any

from bpcli.config.errors import ConfigError, Problem
from bpcli.data.arrays import Sets
from bpcli.data.each import Each, here
from bpcli.data.prepare import Prepared, divided, prepare
from bpcli.experiment.config import Config
from bpcli.experiment.load import Loaded
from bpcli.experiment.resolve import (
    default_preset,
    preset_of,
    resolve,
    rows_of,
    split_of,
    with_scalers,
)
from bpcli.runs.cache import reader

Preparing = Callable[[Config, Loaded, Sets | None], Prepared]
_PREPARES = {"data", "preprocess", "task", "seed", "input"}  # keys that it depends on, with `split`


def prepared_of(
    given: Config, loaded: Loaded, sets: Sets | None = None, each: Each = here
) -> Prepared:
    """The table of a config with its scalers, which follow from what was loaded.

    Where `sets` are given, its rows are divided by them, and all is fitted to these. `each` looks
    at the columns one by one.
    """
    prepared = prepare(
        given.data,
        split_of(given),
        given.preprocess,
        given.task,
        given.seed,
        loaded.folder,
        learns=given.learns,
        input=given.input,
        read=reader(loaded),
        each=each,
    )
    return prepared if sets is None else divided(prepared, given.preprocess, sets)


class Keeping:
    """`preparing`, which keeps the last tables: most trials of a search have the same one."""

    def __init__(self, most: int, preparing: Preparing = prepared_of) -> None:
        self.most, self.preparing = most, preparing
        self.tables: OrderedDict[tuple[str, bytes], Prepared] = OrderedDict()

    def __call__(self, given: Config, loaded: Loaded, sets: Sets | None = None) -> Prepared:
        """As above."""
        asked = given.model_dump(include=_PREPARES, mode="json")
        facts = [asked, split_of(given).model_dump(mode="json"), given.learns]
        key = json.dumps(facts), b"" if sets is None else sets.tobytes()
        if key not in self.tables:
            self.tables[key] = self.preparing(given, loaded, sets)
        self.tables.move_to_end(key)
        if len(self.tables) > self.most:
            self.tables.popitem(last=False)
        return self.tables[key]


def prepare_and_resolve(
    loaded: Loaded, sets: Sets | None = None, preparing: Preparing = prepared_of
) -> tuple[Prepared, Config]:
    """The table of a config, and the config with nothing left open; see `prepared_of`."""
    config, given = loaded.config, with_scalers(loaded.config)
    prepared = preparing(given, loaded, sets)
    named = with_scalers(with_network(config, prepared))
    if named.preprocess != given.preprocess:
        prepared = prepared.refitted(named.preprocess)
    return prepared, resolve(named, prepared)


def with_network(config: Config, prepared: Prepared) -> Config:
    """The config with the default network where it names none."""
    if not config.takes_default_network:
        return config
    preset = default_preset(rows_of(config, prepared), images=config.input is not None)
    return config.model_copy(update={"network": preset})


def default_network(loaded: Loaded, prepared: Prepared) -> list[str]:
    """The default network by its name, as PATH=VALUE; none where the config names one.

    For what is trained later: a training of few rows might choose another than was looked at.
    """
    usual = preset_of(with_network(loaded.config, prepared))
    return [f"network={usual.name}"] if usual and loaded.config.takes_default_network else []


def prepare_with_target(loaded: Loaded) -> tuple[Prepared, Config]:
    """The same for a command that is about predictions.  Raises ConfigError without a target."""
    prepared, config = prepare_and_resolve(loaded)
    if config.is_unsupervised:
        what = f"{prepared.task} has no target, and this command is about predicting one"
        fix = "bpcli train says how good the result is; of clusters k: auto chooses the number"
        raise ConfigError(Problem("BP-S020", "task", what, fix))
    return prepared, config


def written_from(config: Config, folder: Path, place: Path) -> dict[str, Any]:
    """The config's plain values; its data paths, relative to `folder`, start from `place`."""
    written: dict[str, Any] = _without_none(config.model_dump(mode="json"))
    for key, path in config.data.files.items():
        written["data"][key] = relpath((folder / path).resolve(), place.resolve())
    return written


def _without_none(value: Any) -> Any:
    """A mapping without the keys that say nothing: their default is to be absent."""
    if not isinstance(value, dict):
        return value
    return {key: _without_none(item) for key, item in value.items() if item is not None}
