"""A config with nothing left open, in memory and as plain values."""

from __future__ import annotations

from os.path import relpath
from pathlib import Path
from typing import Any

from bpcli.config.errors import ConfigError, DataError, Notice, Problem
from bpcli.data.prepare import Prepared, prepare
from bpcli.experiment.config import Config
from bpcli.experiment.load import Loaded
from bpcli.experiment.presets import Preset
from bpcli.experiment.resolve import default_presets, resolve, rows_of, split_of, with_scalers
from bpcli.selection.preset import preferred


def prepare_and_resolve(loaded: Loaded) -> tuple[Prepared, Config]:
    """The table of a config, and the config with nothing left open."""
    config, given = loaded.config, with_scalers(loaded.config)
    prepared = prepare(
        given.data,
        split_of(given),
        given.preprocess,
        given.task,
        given.seed,
        loaded.folder,
        learns=given.learns,
        input=given.input,
    )
    if config.takes_default_network:
        preset, notices = _default(config, prepared)
        config = config.model_copy(update={"network": preset})
        prepared = prepared._replace(notices=(*prepared.notices, *notices))
    return _resolved(config, prepared)


def _resolved(config: Config, prepared: Prepared) -> tuple[Prepared, Config]:
    """The inputs that the network of a config wants, and all that is to be said of it."""
    named = with_scalers(config)
    prepared = prepared.refitted(named.preprocess)
    return prepared, resolve(named, prepared)


def _default(config: Config, prepared: Prepared) -> tuple[Preset, tuple[Notice, ...]]:
    """The preset for a config that names no network; where there are two, with the reason."""
    usual_ones = default_presets(rows_of(config, prepared), images=config.input is not None)
    presets = {one.name: one for one in usual_ones}
    usual = next(iter(presets.values()))
    if len(presets) == 1 or prepared.split_method(config.split) == "time":
        return usual, ()
    own_rate = None if config.learning_rate == "auto" else config.learning_rate
    settings = {
        name: config.model_copy(update={"network": preset, "learning_rate": own_rate})
        for name, preset in presets.items()
    }
    try:
        choice = preferred({name: _resolved(one, prepared) for name, one in settings.items()})
    except DataError:  # too few rows for folds
        return usual, ()
    if not choice.ranked:
        return usual, ()
    return presets[choice.ranked[0].name], (Notice("", "network", choice.reason),)


def prepare_with_target(loaded: Loaded) -> tuple[Prepared, Config]:
    """The same for a command that is about predictions.  Raises ConfigError without a target."""
    prepared, config = prepare_and_resolve(loaded)
    if config.is_unsupervised:
        what = f"{prepared.task} has no target, and this command is about predicting one"
        fix = "bpcli train says how good clusters are, and chooses their number by k: auto"
        raise ConfigError(Problem("BP-S020", "task", what, fix))
    return prepared, config


def expanded(loaded: Loaded) -> dict[str, Any]:
    """The resolved config as plain values, as it would be written beside the given one."""
    _, config = prepare_and_resolve(loaded)
    return written_from(config, loaded.folder, loaded.folder)


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
