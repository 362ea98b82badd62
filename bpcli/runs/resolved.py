"""A config with nothing left open, in memory and as plain values."""

from __future__ import annotations

from os.path import relpath
from pathlib import Path
from typing import Any

from bpcli.data.prepare import Prepared, prepare
from bpcli.experiment.config import Config
from bpcli.experiment.load import Loaded
from bpcli.experiment.resolve import resolve, split_of, with_network, with_scalers


def prepare_and_resolve(loaded: Loaded) -> tuple[Prepared, Config]:
    """The table of a config, and the config with nothing left open."""
    given = with_scalers(loaded.config)
    prepared = prepare(
        given.data,
        split_of(given),
        given.preprocess,
        given.task,
        given.seed,
        loaded.folder,
        numbers=given.learns_numbers,
    )
    named = with_scalers(with_network(loaded.config, prepared))
    if named.preprocess != given.preprocess:
        prepared = prepared.refitted(named.preprocess)
    return prepared, resolve(named, prepared)


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
