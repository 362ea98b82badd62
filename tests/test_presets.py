"""What a preset makes of the size of the table, of its task and of its own settings."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bpcli.experiment.distributions import Choice, Distribution
from bpcli.experiment.presets import MOST_UPDATES, Preset, Tabular, epochs

TABULAR = [name for name, one in Preset.members().items() if not one.images]


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("rows", [1, 150, 10_000, 1_000_000, 100_000_000])
def test_training_ends_in_sensible_time_however_many_rows_there_are(name: str, rows: int) -> None:
    recipe = Preset.parse(name).recipe(rows, "regression")
    assert recipe.epochs >= 1
    small = name.startswith("realmlp")  # which keep to their paper's length
    updates = recipe.epochs * math.ceil(rows / recipe.batch_size)
    assert small or updates <= max(MOST_UPDATES, math.ceil(rows / recipe.batch_size))


LENGTHS = [
    (100, 32, 2000, 500),
    (100, 100, 2000, 1000),  # no more than that
    (10_000, 64, 1000, 20),  # no fewer
    (2_000_000, 1024, 1000, 15),  # but for so many updates
    (100_000_000, 1024, 1000, 1),
]


@pytest.mark.parametrize("rows, batch, updates, expected", LENGTHS)
def test_the_length_follows_the_rows(rows: int, batch: int, updates: int, expected: int) -> None:
    assert epochs(rows, batch, updates) == expected


@pytest.mark.parametrize("rows, passes, window", [(1000, 128, 6), (200, 128, 2), (10**8, 1, 1526)])
def test_tabular_predicts_with_the_mean_of_a_share_of_its_updates(
    rows: int, passes: int, window: int
) -> None:
    recipe = Tabular().recipe(rows, "regression")
    assert recipe.epochs == passes
    assert recipe.ema == pytest.approx(1 - 1 / window, abs=1e-4)


FIELDS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({}, "regression", ["scale", *["dense", "mish"] * 3]),
    ({}, "binary", ["scale", *["dense", "selu"] * 3]),
    ({"depth": 1, "activation": "relu"}, "binary", ["scale", "dense", "relu"]),
    (
        {"depth": 2, "normalization": "layer_norm", "dropout": 0.1},
        "regression",
        ["scale", *["dense", "layer_norm", "mish", "dropout"] * 2],
    ),
]


@pytest.mark.parametrize("fields, task, layers", FIELDS)
def test_tabular_by_its_settings(fields: dict[str, Any], task: str, layers: list[str]) -> None:
    recipe = Tabular.model_validate({**fields, "width": 9}).recipe(500, task)
    assert [layer.name for layer in recipe.layers] == layers
    assert {layer.units for layer in recipe.layers if layer.name == "dense"} == {9}  # type: ignore[attr-defined]


SEARCHED = [
    (one, path, distribution)
    for one in Preset.members().values()
    for path, distribution in one.searched.items()
    if path.startswith("network.")
]


def ends(distribution: Distribution) -> list[Any]:
    """The values that are furthest out."""
    if isinstance(distribution, Choice):
        return list(distribution.values)
    return list(distribution.range)  # type: ignore[attr-defined]


@pytest.mark.parametrize("preset, path, distribution", SEARCHED, ids=lambda one: str(one)[:40])
def test_what_is_searched_is_a_setting_of_the_preset(
    preset: type[Preset], path: str, distribution: Distribution
) -> None:
    _, name, field = path.split(".")
    assert name == preset.name
    for value in ends(distribution):
        preset.model_validate({field: value})
    assert distribution.proposal(preset().written()[name][field]) is not None
