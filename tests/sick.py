"""Networks that are ill, each in one way, and tables to make them with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from running import ROOT, write_csv


def layers(count: int, activation: str, units: int = 16, init: str = "glorot") -> str:
    """So many dense layers with an activation each, as `--set` takes them."""
    one = f"{{dense: {{units: {units}, init: {init}}}}}, {activation}"
    return f"network=[{', '.join([one] * count)}]"


class Sick(NamedTuple):
    """A config, what makes it ill, and what that is called."""

    config: str  # in configs/, or a table made here
    sets: tuple[str, ...]
    name: str


NO_STOP = "stop={}"
UNSCALED = "preprocess={numeric: none}"
SICK = [
    Sick("breast_cancer", (layers(20, "sigmoid"),), "vanishing gradient"),
    Sick("iris", (layers(20, "sigmoid"), "iterations=600"), "vanishing gradient"),
    Sick("diabetes", (layers(16, "sigmoid"),), "vanishing gradient"),
    Sick("iris", ("learning_rate=10",), "learning rate too high"),
    Sick("breast_cancer", ("learning_rate=10",), "learning rate too high"),
    Sick("diabetes", ("learning_rate=10",), "learning rate too high"),
    Sick("iris", ("learning_rate=10", "optimizer=sgd"), "learning rate too high"),
    Sick("diabetes", ("learning_rate=10", "optimizer=sgd"), "learning rate too high"),
    Sick("breast_cancer", ("learning_rate=1",), "learning rate too high"),
    Sick("iris", ("learning_rate=1e-7",), "learning rate too low"),
    Sick("breast_cancer", ("learning_rate=1e-7",), "learning rate too low"),
    Sick("diabetes", ("learning_rate=1e-7", "optimizer=sgd"), "learning rate too low"),
    Sick("huge", ("preprocess={target: none}",), "unscaled target"),
    Sick("huge", ("preprocess={target: none}", "optimizer=sgd"), "unscaled target"),
    Sick("breast_cancer", (UNSCALED,), "unscaled inputs"),
    Sick("breast_cancer", (UNSCALED, "optimizer=sgd"), "unscaled inputs"),
    Sick("breast_cancer", (UNSCALED, layers(2, "tanh")), "unscaled inputs"),
    Sick("iris", (layers(1, "relu", init="zeros"), NO_STOP), "dead units"),
    Sick("diabetes", ("network=[{dense: 16}, relu, {dense: {units: 8, init: zeros}}, relu]",),
         "dead units"),
    Sick("constant", (), "constant target"),
    Sick("noise", (layers(2, "relu", 64), "epochs=300"), "overfitting"),
    Sick("breast_cancer", (layers(6, "relu", 64, "{normal: 1}"),), "exploding activations"),
    Sick("iris", (layers(2, "tanh", 16, "{normal: 20}"), NO_STOP), "saturated units"),
]  # fmt: skip


def config_of(name: str, folder: Path) -> Path:
    """A shipped config, or one with a table of its own in the folder."""
    if name not in TABLES:
        return ROOT / "configs" / f"{name}.yaml"
    table, text = TABLES[name]
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 6))
    y = {"huge": 1e9 * (x[:, 0] + 2), "noise": rng.normal(size=120)}.get(
        name, np.where(np.arange(120) < 100, 3.0, x[:, 0])
    )
    columns = {f"x{i}": x[:, i] for i in range(6)} | {"t": np.arange(120), "y": y}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    write_csv(folder / f"{table}.csv", rows)
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


TABLES = {
    "huge": (
        "huge",
        "data: {path: huge.csv, target: y, columns: {t: drop}}\n"
        "network: [{dense: 16}, tanh]\nepochs: 60\n",
    ),
    "noise": (
        "noise",
        "data: {path: noise.csv, target: y, columns: {t: drop}}\nbatch_size: 16\n"
        "learning_rate: 0.003\nepochs: 100\n",
    ),
    "constant": (
        "constant",
        "data: {path: constant.csv, target: y, time: t}\nnetwork: [{dense: 8}, tanh]\nepochs: 60\n"
        "split: {method: time}\n",
    ),
}
