"""Numeric embeddings from a CSV to a prediction: a linear model then bends with each number."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from running import bpcli, table, train, write_csv

CONFIG = """\
data: {path: waves.csv, target: y}
network: []
optimizer: adam
learning_rate: 0.02
epochs: 100
batch_size: 32
"""
EMBEDDINGS = ["{periodic: {sigma: 1}}", "{piecewise: 16}"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 rows of y = sin(3 x) + a number for each kind; some x are missing."""
    folder = tmp_path_factory.mktemp("waves")
    rng = random.Random(0)
    rows = []
    for _ in range(400):
        x, kind = rng.uniform(-2, 2), rng.choice("abc")
        y = math.sin(3 * x) + "abc".index(kind) + rng.gauss(0, 0.05)
        rows.append(
            {"x": "" if rng.random() < 0.05 else x, "kind": kind, "steps": rng.randrange(3), "y": y}
        )
    write_csv(folder / "waves.csv", rows)
    (folder / "waves.yaml").write_text(CONFIG)
    return folder


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_linear_model_of_embedded_numbers_is_a_curve(folder: Path, embedding: str) -> None:
    arguments = ("--set", f"preprocess.numeric_embedding={embedding}", "--force")
    run = train(folder / "waves.yaml", *arguments, "-o", "run", cwd=folder)
    train(folder / "waves.yaml", *arguments, "-o", "again", cwd=folder)
    assert run["metrics"]["test"]["rmse"] < 0.4 < run["linear_baseline"]["test"]["rmse"]
    model, same = ((folder / name / "model.safetensors").read_bytes() for name in ("run", "again"))
    assert model == same
    write_csv(
        folder / "new.csv", [{"x": x, "kind": k, "steps": 1} for x in (-0.5, "", 9) for k in "ad"]
    )
    together = table(bpcli("predict", "run", "new.csv", "-o", "-", cwd=folder).stdout)
    write_csv(folder / "one.csv", [{"x": "", "kind": "d", "steps": 1}])
    (alone,) = table(bpcli("predict", "run", "one.csv", "-o", "-", cwd=folder).stdout)
    assert alone["prediction"] == together[3]["prediction"]
    assert float(together[0]["prediction"]) == pytest.approx(math.sin(-1.5), abs=0.4)


@pytest.mark.parametrize(
    ("embedding", "width"), [(EMBEDDINGS[0], 7 + 2 * 3), ("piecewise", 5 + 2 * 8)]
)
def test_the_layer_is_fitted_to_the_columns(folder: Path, embedding: str, width: int) -> None:
    """Seven inputs: x and steps, which are embedded, x is missing, and four of kind."""
    setting = f"preprocess.numeric_embedding={embedding}"
    done = bpcli("plan", "waves.yaml", "--set", setting, "--json", cwd=folder)
    assert json.loads(done.stdout)["layers"][1]["output"] == [width]


def test_a_dense_layer_is_no_numeric_embedding(folder: Path) -> None:
    setting = "preprocess.numeric_embedding={dense: 3}"
    said = bpcli("plan", "waves.yaml", "--set", setting, cwd=folder, code=3).stderr
    assert "'dense'" in said
