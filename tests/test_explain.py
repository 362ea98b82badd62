"""`bpcli explain` and `predict --explain`: what they say of real runs of every kind."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs.case import command
from running import ROOT, bpcli, table, train, write_csv

ANSWERS = ("y", "v", "pass", "kind", "p", "q")
KINDS = {
    "number": ("y", "network: [{dense: 4}, tanh]\n"),
    "numbers": ("[y, v]", "network: [{dense: 4}, tanh]\n"),
    "quantiles": (
        "y",
        "network: [{dense: 4}, tanh]\nloss: {quantile: {levels: [0.1, 0.5, 0.9]}}\n",
    ),
    "two classes": ("pass", "network: [{dense: 4}, tanh]\ndecision: {threshold: 0.3}\n"),
    "classes": ("kind", "network: [{dense: 4}, {dropout: 0.2}, batch_norm, tanh]\n"),
    "labels": ("[p, q]", "network: [{dense: 4}, tanh]\n"),
    "ensemble": ("kind", "network: [{dense: 4}, tanh]\nensemble: {folds: 3}\n"),
    "embeddings": (
        "y",
        "preprocess: {numeric_embedding: piecewise, numeric: {bins: 8}, "
        "categorical: {one_hot: 2}}\nnetwork: [{dense: 4}, tanh]\n",
    ),
    "linear": ("y", "network: linear\n"),
}


def rows(count: int = 80) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        {
            "day": f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}",
            "size": "" if i % 11 == 0 else f"{b:.3f}",
            "open": "yes" if c > 0.5 else "no",
            "town": ["Ulm", "Bonn", "Köln"][i % 3],
            "y": f"{a + b - c + (i % 3):.4f}",
            "v": f"{np.exp(a - b):.4f}",
            "pass": "yes" if b > c else "no",
            "kind": "abc"[int(3 * b)],
            "p": int(b > 0.5),
            "q": int(b > c),
        }
        for i, (a, b, c) in enumerate(rng.random((count, 3)).tolist())
    ]


INPUTS = {"day", "size", "open", "town"}


def trained(folder: Path, kind: str) -> Path:
    target, rest = KINDS[kind]
    write_csv(folder / "d.csv", rows())
    drop = ", ".join(
        f"{name}: drop" for name in ANSWERS if name not in target.strip("[]").split(", ")
    )
    config = f"data: {{path: d.csv, target: {target}, columns: {{{drop}}}}}\nepochs: 3\n{rest}"
    (folder / "c.yaml").write_text(config)
    inside(folder, "train", "c.yaml", "-o", "run", "-q")
    return folder


def inside(folder: Path, *arguments: object) -> str:
    """What a command prints that runs in this process."""
    with chdir(folder):
        code, out, err = command([str(word) for word in arguments])
    assert code == 0, err
    return out


@pytest.fixture(scope="module", params=KINDS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("explain"), request.param)


def explain(folder: Path, *arguments: object) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(
        inside(folder, "explain", "run", "d.csv", "--json", *arguments)
    )
    return facts


def test_every_kind_of_model_is_explained_by_raw_columns(run: Path) -> None:
    facts = explain(run, "--pdp", "size", "--pdp", "town", "-o", "why", "--repeats", 3)
    alone = [one for one in facts["columns"] if " + " not in one["column"]]
    assert {one["column"] for one in alone} == INPUTS
    assert all(one["standard_error"] is not None for one in alone)
    assert any(one["importance"] > 0 for one in alone)
    assert facts["of"] == "test rows" and facts["rows"] == 16
    size, town = facts["effects"]
    assert town["accumulated_local_effects"] is None and size["accumulated_local_effects"]

    found = table((run / "why" / "attributions.csv").read_text(encoding="utf-8"))
    for row in found:
        total = float(row["baseline"]) + sum(float(row[name]) for name in INPUTS)
        assert total + float(row["gap"]) == pytest.approx(float(row["prediction"]), abs=1e-9)
    assert {row["answer"] for row in found} == set(facts["attributions"]["mean_abs"])
    summary = table((run / "why" / "explain.csv").read_text(encoding="utf-8"))
    assert [row["column"] for row in summary] == [one["column"] for one in facts["columns"]]
    assert json.loads((run / "why" / "explain.json").read_text(encoding="utf-8")) == facts
    curves = table((run / "why" / "curves.csv").read_text(encoding="utf-8"))
    assert {row["column"] for row in curves} == {"size", "town"}


def test_reasons_of_a_row_are_its_own(run: Path) -> None:
    whole = inside(run, "predict", "run", "d.csv", "--explain", 2)
    header, *lines = (run / "d.csv").read_text(encoding="utf-8").splitlines()
    some = [lines[40], lines[7]]
    (run / "some.csv").write_text("\n".join([header, *some, ""]), encoding="utf-8")
    part = inside(run, "predict", "run", "some.csv", "--explain", 2)
    told, own = table(whole), table(part)
    for row, line in zip(own, (40, 7), strict=True):
        assert {**row, "row": told[line]["row"]} == told[line]
    reasons = [name for name in told[0] if name.startswith("reason_")]
    assert reasons and {row[name] for row in told for name in reasons} <= INPUTS
    for row in told:
        for first in (name for name in reasons if name.startswith("reason_1")):
            values = [
                abs(float(row[first.replace("reason_1", f"attribution_{k}")])) for k in (1, 2)
            ]
            assert values == sorted(values, reverse=True)


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flowers")
    train(ROOT / "configs" / "iris.yaml", "-o", "run", cwd=folder)
    (folder / "d.csv").write_text((ROOT / "data" / "iris.csv").read_text())
    return folder


def test_the_terminal_has_bars_the_largest_first(flowers: Path) -> None:
    done = bpcli("explain", "run", "d.csv", cwd=flowers, COLUMNS="90")
    lines = [line for line in done.stdout.splitlines() if "±" in line]
    bars = [line.count("█") for line in lines]
    assert bars == sorted(bars, reverse=True) and bars[0] > 10
    assert "log_loss" in done.stdout and "30 test rows" in done.stdout
    assert "BP-E001" in done.stderr and "'petal_length', 'petal_width'" in done.stderr


def test_shapley_values(flowers: Path) -> None:
    facts = explain(flowers, "--shapley", "--rows", 5, "--background", 6)
    assert facts["attributions"]["method"] == "Shapley values, exact" and facts["rows"] == 5
    assert facts["attributions"]["largest_gap"] < 1e-12


def test_the_same_seed_says_the_same(flowers: Path) -> None:
    assert explain(flowers) == explain(flowers)
    assert explain(flowers, "--seed", 5) != explain(flowers)


def test_a_picture(flowers: Path) -> None:
    inside(
        flowers,
        *["explain", "run", "d.csv", "-o", "seen", "--picture", "--pdp", "petal_width", "-q"],
    )
    svg = (flowers / "seen" / "explain.svg").read_text(encoding="utf-8")
    assert "permutation importance" in svg and "petal_width" in svg
    assert (flowers / "seen" / "explain.png").read_bytes().startswith(b"\x89PNG")


def test_a_file_of_its_own_is_taken_whole(flowers: Path) -> None:
    header, *lines = (flowers / "d.csv").read_text().splitlines()
    (flowers / "new.csv").write_text("\n".join([header, *lines[:20], ""]))
    facts = json.loads(inside(flowers, "explain", "run", "new.csv", "--json", "-q"))
    assert (facts["of"], facts["rows"], facts["file"]) == ("rows", 20, "new.csv")


def test_other_metrics(flowers: Path) -> None:
    assert explain(flowers, "--metric", "accuracy")["score"]["metric"] == "accuracy"
    done = bpcli("explain", "run", "d.csv", "--metric", "rmse", cwd=flowers, code=2)
    assert "log_loss" in done.stderr and "'rmse'" in done.stderr
    done = bpcli("explain", "run", "d.csv", "--pdp", "petal", cwd=flowers, code=2)
    assert "petal_width" in done.stderr
