"""Categories from a CSV to a prediction: vectors for many, one-hot for few, and the unseen one."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from running import bpcli, table, train, write_csv

from bpcli.runs.model import read_model

CITIES = [f"city{i:02d}" for i in range(30)]
COLOURS = {"red": -3.0, "green": 0.0, "blue": 3.0}
CONFIG = """\
data: {path: homes.csv, target: price}
preprocess: {categorical: {width: 3}}
network: [{dense: 16}, tanh]
optimizer: adam
learning_rate: 0.01
epochs: 60
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 600 homes whose price is the city's, from −5 to 5, the colour's, and noise."""
    folder = tmp_path_factory.mktemp("homes")
    rng = random.Random(0)
    rows = []
    for _ in range(600):
        city, colour = rng.choice(CITIES), rng.choice([*COLOURS, ""])
        price = (CITIES.index(city) - 14.5) / 3 + COLOURS.get(colour, 9) + rng.gauss(0, 0.3)
        rows.append({"city": city, "colour": colour, "price": f"{price:.3f}"})
    write_csv(folder / "homes.csv", rows)
    (folder / "homes.yaml").write_text(CONFIG)
    train(folder / "homes.yaml", "-o", "run", cwd=folder)
    return folder


def predictions(folder: Path, *rows: tuple[str, str]) -> list[float]:
    write_csv(folder / "new.csv", [{"city": city, "colour": colour} for city, colour in rows])
    done = bpcli("predict", "run", "new.csv", "-o", "-", cwd=folder)
    return [float(row["prediction"]) for row in table(done.stdout)]


def test_the_plan_shows_the_layers_that_follow_from_the_columns(folder: Path) -> None:
    facts = json.loads(bpcli("plan", "homes.yaml", "--json", cwd=folder).stdout)
    layers = [(layer["layer"], layer["output"]) for layer in facts["layers"]]
    # Three colours, missing, unseen; one code, then its vector of three.
    assert layers == [
        *(("category_dropout", [6]), ("embedding", [8]), ("dense", [16]), ("tanh", [16])),
        ("dense", [1]),
    ]
    assert facts["layers"][1]["parameters"] == 31 * 3


def test_the_config_keeps_the_network_that_was_written_and_the_model_holds_it_whole(
    folder: Path,
) -> None:
    resolved = (folder / "run" / "config.resolved.yaml").read_text()
    assert "embedding" not in resolved
    _, ensemble = read_model(folder / "run")
    assert ensemble.parts[0].network.layers[1].name == "embedding"
    again = folder / "run" / "config.resolved.yaml"
    train(again, "-o", "again", cwd=folder)
    model = (folder / "run" / "model.safetensors").read_bytes()
    assert (folder / "again" / "model.safetensors").read_bytes() == model


def test_known_categories_are_predicted(folder: Path) -> None:
    low, high = predictions(folder, ("city01", "green"), ("city28", "green"))
    assert low == pytest.approx(-4.5, abs=1) and high == pytest.approx(4.5, abs=1)


def test_an_unseen_category_is_predicted_near_the_mean_over_all(folder: Path) -> None:
    (city,) = predictions(folder, ("atlantis", "green"))
    known = predictions(folder, *((city, "green") for city in CITIES))
    assert abs(city - np.mean(known)) < 1 < np.std(known)
    (colour,) = predictions(folder, ("city14", "ultraviolet"))
    known = predictions(folder, *(("city14", colour) for colour in (*COLOURS, "")))
    assert abs(colour - np.mean(known)) < 2.5 < np.std(known)


def test_a_missing_cell_has_its_own_slot_where_training_had_one_and_else_is_unseen(
    folder: Path,
) -> None:
    colour, city, atlantis = predictions(
        folder, ("city14", ""), ("", "green"), ("atlantis", "green")
    )
    assert colour == pytest.approx(9, abs=1)
    assert city == atlantis


def test_a_row_is_predicted_alone_as_in_a_file(folder: Path) -> None:
    rows = [("city03", "red"), ("atlantis", ""), ("", "pink"), ("city29", "blue")]
    assert predictions(folder, *rows) == [predictions(folder, row)[0] for row in rows]


@pytest.mark.parametrize("preset", ["mlp", "linear"])
def test_presets_embed_too(folder: Path, preset: str) -> None:
    facts = json.loads(
        bpcli("plan", "homes.yaml", "--set", f"network={preset}", "--json", cwd=folder).stdout
    )
    assert [layer["layer"] for layer in facts["layers"]][:2] == ["category_dropout", "embedding"]
