"""bpcli train: the run folder, its bytes, and when training stops."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import bpcli, table, train, write_csv

from bpcli.runs.tensorfile import unpack

CONFIG = """\
data: {{path: {data}, target: kind}}
network: [{{dense: 8}}, tanh, {{dropout: 0.1}}]
loss: cross_entropy
learning_rate: 0.01
{rest}
"""


def flowers(n: int = 90, seed: int = 0) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    kinds = {"rose": (1.0, "red"), "lily": (2.5, "white"), "iris": (4.0, "blue")}
    rows = []
    for number in range(n):
        kind = list(kinds)[number % 3]
        size, colour = kinds[kind]
        rows.append(
            {
                "plant_id": f"P{number:04d}",
                "size": f"{rng.gauss(size, 0.4):.4f}",
                "width": "" if rng.random() < 0.1 else f"{rng.gauss(2, 1):.3f}",
                "colour": colour if rng.random() < 0.8 else "green",
                "planet": "earth",
                "kind": kind,
            }
        )
    return rows


def setup(
    tmp_path: Path, rest: str = "iterations: 60", rows: list[dict[str, Any]] | None = None
) -> Path:
    write_csv(tmp_path / "flowers.csv", rows or flowers())
    config = tmp_path / "flowers.yaml"
    config.write_text(CONFIG.format(data="flowers.csv", rest=rest))
    return config


def weights(run: Path) -> dict[str, bytes]:
    _, tensors = unpack((run / "model.safetensors").read_bytes(), "model")
    return {name: tensor.tobytes() for name, tensor in tensors.items()}


def without_seconds(history: str) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table(history)]


def test_the_run_folder(tmp_path: Path) -> None:
    facts = train(setup(tmp_path), cwd=tmp_path)
    assert facts["run"] == "runs/flowers-1"
    run = tmp_path / facts["run"]
    assert {path.name for path in run.iterdir()} == {
        *("model.safetensors", "history.csv", "metrics.json", "run.json", "split.csv"),
        *("config.yaml", "config.resolved.yaml", "predictions_test.csv"),
        *("checkpoint.safetensors", "diagnostics.csv"),
    }
    record = json.loads((run / "run.json").read_text())
    assert record["state"] == "completed"
    assert record["stop_reason"] == "all 60 iterations done"
    roles = {column["name"]: column["role"] for column in record["columns"]}
    assert roles == {
        "plant_id": "id",
        "size": "numeric",
        "width": "numeric",
        "colour": "categorical",
        "planet": "constant",
        "kind": "target",
    }
    assert record["data"]["account"]["rows"] == {
        "read": 90,
        "train": 54,
        "validation": 18,
        "test": 18,
        "calibration": 0,
        "excluded": {"the target is missing": 0},
    }
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] > metrics["baseline"]["test"]["accuracy"]
    assert metrics == {**metrics, **facts["metrics"]}
    split = table((run / "split.csv").read_text())
    assert [row["row"] for row in split] == [str(number) for number in range(1, 91)]
    predictions = table((run / "predictions_test.csv").read_text())
    assert list(predictions[0]) == [
        *("row", "plant_id", "kind", "prediction", "p_iris", "p_lily", "p_rose")
    ]
    tested = [row["row"] for row in split if row["set"] == "test"]
    assert [row["row"] for row in predictions] == tested
    history = table((run / "history.csv").read_text())
    assert len(history) == 30
    assert history[-1]["iteration"] == "60"
    assert (run / "config.yaml").read_text() == (tmp_path / "flowers.yaml").read_text()


def test_the_same_config_gives_the_same_bytes(tmp_path: Path) -> None:
    config = setup(tmp_path)
    first = tmp_path / train(config, cwd=tmp_path)["run"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    changes = {
        "OPENBLAS_NUM_THREADS": "2",
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
        "TZ": "Asia/Tokyo",
    }
    bpcli("train", config, "-o", "second", "-q", cwd=elsewhere, **changes)
    second = elsewhere / "second"
    same = "model.safetensors", "predictions_test.csv", "split.csv", "metrics.json"
    for name in (*same, "diagnostics.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    histories = [without_seconds((run / "history.csv").read_text()) for run in (first, second)]
    assert histories[0] == histories[1]


def test_the_resolved_config_trains_to_the_same_bytes(tmp_path: Path) -> None:
    first = tmp_path / train(setup(tmp_path, rest=""), cwd=tmp_path)["run"]
    resolved = first / "config.resolved.yaml"
    again = tmp_path / train(resolved, "-o", "again", cwd=tmp_path)["run"]
    assert (first / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()
    assert (
        resolved.read_text().replace("../../", "../")
        == (again / "config.resolved.yaml").read_text()
    )


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    config = setup(tmp_path)
    runs = [tmp_path / train(config, "--seed", seed, cwd=tmp_path)["run"] for seed in (0, 1)]
    assert weights(runs[0]) != weights(runs[1])


@pytest.mark.parametrize("changed", ["validation", "test"])
def test_held_out_rows_never_touch_the_weights(tmp_path: Path, changed: str) -> None:
    config = setup(tmp_path)
    before = tmp_path / train(config, cwd=tmp_path)["run"]
    rows = flowers()
    for row, which in zip(rows, table((before / "split.csv").read_text()), strict=True):
        if which["set"] == changed:
            row |= {"size": "999", "width": "", "colour": "ultraviolet"}
    write_csv(tmp_path / "flowers.csv", rows)
    after = tmp_path / train(config, cwd=tmp_path)["run"]
    trained = [
        {k: v for k, v in weights(run).items() if not k.startswith(("calibration", "conformal"))}
        for run in (before, after)
    ]
    assert trained[0] == trained[1]
    assert (weights(before) == weights(after)) == (changed == "test")
    assert before.joinpath("split.csv").read_bytes() == after.joinpath("split.csv").read_bytes()


def test_threshold_stops_and_says_so(tmp_path: Path) -> None:
    facts = train(setup(tmp_path, "epochs: 500\nstop: {threshold: 0.3}"), cwd=tmp_path)
    assert "below the threshold 0.3" in facts["stop_reason"]
    assert facts["epochs"] < 500
    history = table((tmp_path / facts["run"] / "history.csv").read_text())
    losses = [float(row["train_loss"]) for row in history]
    assert losses[-1] < 0.3 <= min(losses[:-1])


def test_patience_stops_and_restores_the_best_weights(tmp_path: Path) -> None:
    rest = "epochs: 400\noptimizer: {sgd: {momentum: 0.9}}\nstop: {patience: 7}"
    rows = flowers()
    rng = random.Random(1)
    for row in rows:
        row["kind"] = rng.choice(["rose", "lily", "iris"])  # noise: validation soon gets worse
    config = setup(tmp_path, rest, rows)
    fast = ("--set", "learning_rate=0.5")
    facts = train(config, *fast, cwd=tmp_path)
    best = facts["best_epoch"]
    assert facts["stop_reason"] == "no better validation loss for 7 epochs (patience)"
    assert facts["epochs"] == best + 7
    history = table((tmp_path / facts["run"] / "history.csv").read_text())
    losses = [float(row["validation_loss"]) for row in history]
    assert losses.index(min(losses)) == best - 1
    changes = ("--set", f"epochs={best}", "--set", "stop.patience=400")
    shorter = train(config, *fast, *changes, cwd=tmp_path)
    assert weights(tmp_path / facts["run"]) == weights(tmp_path / shorter["run"])


@pytest.mark.parametrize(
    ("batch", "updates"), [("full", 1), ("1", 54), ("16", 4), ("54", 1), ("1000", 1)]
)
def test_batch_size_decides_updates_per_epoch(tmp_path: Path, batch: str, updates: int) -> None:
    facts = train(setup(tmp_path, f"epochs: 3\nbatch_size: {batch}"), cwd=tmp_path)
    assert facts["iterations"] == 3 * updates


def test_iterations_need_not_fill_an_epoch(tmp_path: Path) -> None:
    facts = train(setup(tmp_path, "iterations: 7\nbatch_size: 16"), cwd=tmp_path)
    assert (facts["epochs"], facts["iterations"]) == (2, 7)


def test_regression_is_predicted_in_its_own_units(tmp_path: Path) -> None:
    rows = [{"t": day, "temperature": f"{1e6 + 5e4 * (day / 100)}"} for day in range(100)]
    write_csv(tmp_path / "year.csv", rows)
    config = tmp_path / "year.yaml"
    config.write_text("data: {path: year.csv, target: temperature}\nnetwork: linear\n")
    facts = train(config, cwd=tmp_path)
    assert facts["metrics"]["test"]["rmse"] < 50
    assert facts["baseline"]["test"]["rmse"] > 10_000
    assert facts["equations"]["terms"]["temperature"]["t"] == pytest.approx(500, rel=1e-2)
    assert facts["equations"]["terms"]["temperature"]["intercept"] == pytest.approx(1e6, rel=1e-3)


def test_plain_output_off_a_terminal(tmp_path: Path) -> None:
    done = bpcli("train", setup(tmp_path), cwd=tmp_path)
    assert "\x1b" not in done.stdout + done.stderr
    assert "accuracy" in done.stdout
    assert "bpcli predict runs/flowers-1" in done.stdout
    for said in ("plant_id", "planet", "multiclass", "loss"):
        assert said in done.stderr


def test_an_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    config = setup(tmp_path)
    train(config, "-o", "here", cwd=tmp_path)
    before = (tmp_path / "here" / "model.safetensors").read_bytes()
    refused = bpcli("train", config, "-o", "here", "--seed", 3, cwd=tmp_path, code=6)
    assert "--force" in refused.stderr
    assert (tmp_path / "here" / "model.safetensors").read_bytes() == before
    train(config, "-o", "here", "--seed", 3, "--force", cwd=tmp_path)
    assert (tmp_path / "here" / "model.safetensors").read_bytes() != before


def test_divergence_ends_with_exit_code_7(tmp_path: Path) -> None:
    rows = [{"x": f"{1e3 * i}", "y": f"{2e3 * i}"} for i in range(20)]
    write_csv(tmp_path / "line.csv", rows)
    config = tmp_path / "line.yaml"
    config.write_text(
        "data: {path: line.csv, target: y}\nnetwork: []\noptimizer: sgd\nlearning_rate: 10\n"
        "batch_size: full\nepochs: 500\npreprocess: {numeric: none, target: none}\n"
    )
    done = bpcli("train", config, "-o", "run", cwd=tmp_path, code=7)
    said = " ".join(done.stderr.split())
    assert "learning rate 10" in said
    assert "likely cause: column 'x' is not scaled, its numbers reach 1.8e+04" in said
    assert "preprocess: {numeric: standard}" in said
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "diverged"
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_history_is_a_plain_csv(tmp_path: Path) -> None:
    facts = train(setup(tmp_path), cwd=tmp_path)
    with (tmp_path / facts["run"] / "history.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == [
        *("epoch", "iteration", "learning_rate", "train_loss", "validation_loss"),
        *("validation_accuracy", "gradient_norm", "seconds"),
    ]
    assert all(len(row) == len(header) for row in rows)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("gradient_norm: 0.5", "gradient norm"),
        ("max_time: 1e-6", "time limit"),
        ("target_metric: 0.6", "validation accuracy"),
        ("threshold: 0.5", "training loss"),
    ],
)
def test_each_stop_rule_is_named_when_it_fires(tmp_path: Path, rule: str, said: str) -> None:
    facts = train(setup(tmp_path, f"epochs: 2000\nstop: {{{rule}}}"), cwd=tmp_path)
    assert said in facts["stop_reason"]
    assert facts["epochs"] < 2000


def test_a_target_metric_needs_validation_rows(tmp_path: Path) -> None:
    config = setup(tmp_path, "epochs: 5\nstop: {target_metric: 0.6}\nsplit: {validation: 0}")
    assert "stop.target_metric" in bpcli("train", config, cwd=tmp_path, code=3).stderr


def test_averaging_clipping_and_decay_change_the_weights(tmp_path: Path) -> None:
    config = setup(tmp_path)
    runs = [weights(tmp_path / train(config, cwd=tmp_path)["run"])]
    for change in ("ema=0.9", "clip.norm=0.01", "regularization.weight_decay=0.1"):
        facts = train(config, "--set", change, cwd=tmp_path)
        runs.append(weights(tmp_path / facts["run"]))
    assert len({tuple(sorted(run.items())) for run in runs}) == len(runs)


def test_backoff_halves_the_rate_until_training_goes_on(tmp_path: Path) -> None:
    rows = [{"x": f"{i}", "y": f"{2 * i}"} for i in range(20)]
    write_csv(tmp_path / "line.csv", rows)
    config = tmp_path / "line.yaml"
    config.write_text(
        "data: {path: line.csv, target: y}\nnetwork: []\noptimizer: sgd\nlearning_rate: 0.1\n"
        "batch_size: full\nepochs: 4000\npreprocess: {numeric: none, target: none}\n"
        "on_divergence: backoff\n"
    )
    facts = train(config, "-o", "run", cwd=tmp_path)
    halved = json.loads((tmp_path / "run" / "run.json").read_text())["rate_halved_at"]
    assert 1 <= len(halved) <= 10
    assert facts["metrics"]["test"]["r2"] > 0.99
    history = table((tmp_path / "run" / "history.csv").read_text())
    assert float(history[-1]["learning_rate"]) == 0.1 / 2 ** len(halved)
    assert history[-1]["epoch"] == "4000"
    assert len(history) > 4000  # what was undone stays on record


def test_class_weights_by_name_equal_repeated_rows(tmp_path: Path) -> None:
    rows = [row for row in flowers(60) if row["kind"] != "iris"]
    rest = "epochs: 30\nbatch_size: full\ndtype: float64\nsplit: {validation: 0, test: 0}"
    network = (
        "--set",
        "network=[]",
        "--set",
        "data.columns={colour: drop, plant_id: drop, width: drop}",
    )
    weighted = setup(tmp_path, f"{rest}\nclass_weight: {{lily: 3}}", rows)
    first = train(weighted, *network, cwd=tmp_path)
    other = tmp_path / "repeated"
    other.mkdir()
    repeated = [row for row in rows for _ in range(3 if row["kind"] == "lily" else 1)]
    plain = setup(other, f"{rest}\npreprocess: {{numeric: none}}", repeated)
    second = train(plain, *network, cwd=other)
    unscaled = train(weighted, *network, "--set", "preprocess.numeric=none", cwd=tmp_path)
    assert first["metrics"] != unscaled["metrics"]
    ours = weights(tmp_path / unscaled["run"])["layers.0.b"]
    theirs = weights(other / second["run"])["layers.0.b"]
    assert np.frombuffer(ours) == pytest.approx(np.frombuffer(theirs), rel=1e-6)


def test_a_class_weight_of_no_class_is_named(tmp_path: Path) -> None:
    config = setup(tmp_path, "epochs: 3\nclass_weight: {lilly: 3}")
    said = bpcli("train", config, cwd=tmp_path, code=3).stderr
    assert "'lilly'" in said
    assert "'lily'" in said


def test_a_linear_model_stands_beside_a_network_and_not_beside_itself(tmp_path: Path) -> None:
    config = setup(tmp_path)
    assert train(config, cwd=tmp_path)["linear_baseline"]["test"]["accuracy"] > 0.5
    assert train(config, "--set", "network=[]", cwd=tmp_path)["linear_baseline"] is None


def test_a_row_of_weight_two_equals_the_row_twice(tmp_path: Path) -> None:
    rows = [{"x": i % 7, "w": 1 + i % 2, "y": 3 * (i % 7) + i % 3} for i in range(30)]
    rest = (
        "network: []\nepochs: 40\nbatch_size: full\ndtype: float64\n"
        "split: {validation: 0, test: 0}\npreprocess: {numeric: none, target: none}\n"
        "optimizer: sgd\nlearning_rate: 0.01\n"
    )
    write_csv(tmp_path / "w.csv", rows)
    (tmp_path / "w.yaml").write_text(f"data: {{path: w.csv, target: y, weight: w}}\n{rest}")
    write_csv(tmp_path / "d.csv", [row for row in rows for _ in range(row["w"])])
    (tmp_path / "d.yaml").write_text(
        f"data: {{path: d.csv, target: y, columns: {{w: drop}}}}\n{rest}"
    )
    found = [train(tmp_path / f"{name}.yaml", cwd=tmp_path)["equations"] for name in "wd"]
    assert found[0]["terms"]["y"] == pytest.approx(found[1]["terms"]["y"], rel=1e-9)


def test_sets_from_files_of_their_own(tmp_path: Path) -> None:
    rows = flowers()
    for name, part in (("train", rows[:60]), ("test", rows[60:])):
        write_csv(tmp_path / f"{name}.csv", part)
    config = tmp_path / "c.yaml"
    config.write_text("data: {train: train.csv, test: test.csv, target: kind}\nepochs: 2\n")
    first = tmp_path / train(config, cwd=tmp_path)["run"]
    again = tmp_path / train(first / "config.resolved.yaml", "-o", "again", cwd=tmp_path)["run"]
    assert (first / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()
    sets = json.loads((first / "run.json").read_text())["data"]["account"]["rows"]
    assert sets["test"] == 30
