"""bpcli compare: what differs between runs, and whether one is better by more than chance."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, bpcli, train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    for name, target in (("iris", "species"), ("diabetes", "progression")):
        shutil.copy(ROOT / "data" / f"{name}.csv", folder)
        config = f"data: {{path: {name}.csv, target: {target}}}\nnetwork: [{{dense: 8}}, tanh]\n"
        (folder / f"{name}.yaml").write_text(config + "learning_rate: 0.01\nepochs: 60\n")
    runs = {
        "good": ("iris.yaml",),
        "same": ("iris.yaml", "--set", "learning_rate=0.012"),
        "bad": ("iris.yaml", "--set", "epochs=1", "--set", "learning_rate=1e-6"),
        "split": ("iris.yaml", "--set", "split.test=0.3"),
        "numbers": ("diabetes.yaml",),
        "constant": ("diabetes.yaml", "--set", "epochs=1", "--set", "learning_rate=1e-9"),
    }
    for name, arguments in runs.items():
        train(folder / arguments[0], *arguments[1:], "-o", name, cwd=folder)
    return folder


def compare(folder: Path, *runs: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(bpcli("compare", *runs, "--json", cwd=folder).stdout)
    return facts


def test_classes_by_mcnemar(folder: Path) -> None:
    facts = compare(folder, "bad", "good", "same")
    assert facts["config"]["epochs"] == [1, 60, 60]
    assert facts["config"]["learning_rate"] == [1e-6, 0.01, 0.012]
    assert facts["data"] == {}
    assert facts["best"] in ("good", "same")
    told = {test["run"]: test["distinguishable"] for test in facts["tests"]}
    assert told.pop("bad") is True
    assert list(told.values()) == [False]
    for run in ("bad", "good"):
        metrics = json.loads((folder / run / "metrics.json").read_text())["test"]
        assert facts["metrics"][run] == metrics


def test_numbers_by_paired_bootstrap(folder: Path) -> None:
    (test,) = compare(folder, "constant", "numbers")["tests"]
    assert (test["run"], test["distinguishable"]) == ("constant", True)
    low, high = test["interval"]
    assert 0 < low < test["difference"] < high
    expected = [
        json.loads((folder / run / "metrics.json").read_text())["test"]["rmse"] ** 2
        for run in ("constant", "numbers")
    ]
    assert test["difference"] == pytest.approx(expected[0] - expected[1])


@pytest.mark.parametrize(
    "other, why", [("split", "tested on different rows"), ("numbers", "have different data")]
)
def test_other_rows_are_not_compared(folder: Path, other: str, why: str) -> None:
    facts = compare(folder, "good", other)
    assert (facts["best"], facts["tests"]) == (None, [])
    assert why in facts["why_not"]
    assert "test rows" in facts["data"]
    assert (
        f"no paired test: {facts['why_not']}" in bpcli("compare", "good", other, cwd=folder).stdout
    )


def test_the_words_for_people(folder: Path) -> None:
    said = bpcli("compare", "good", "same", cwd=folder).stdout
    assert "data: no difference" in said
    assert ": indistinguishable; difference" in said
    assert "(exact McNemar test)" in said


def test_one_run_is_nothing_to_compare(folder: Path) -> None:
    bpcli("compare", "good", "good", cwd=folder, code=2)
    done = bpcli("compare", "good", "nowhere", cwd=folder, code=5)
    assert "error[BP-M020] nowhere: run.json cannot be read" in done.stderr
