"""A user's mistakes: the right exit code, one screen, no traceback, a way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import ROOT, bpcli

IRIS = (ROOT / "data" / "iris.csv").read_text()
GOOD = "data: {path: iris.csv, target: species}\nnetwork: [{dense: 4}]\nepochs: 2\n"

CASES = {
    "mistyped key": (GOOD.replace("network", "netwrok"), IRIS, 3, ["netwrok", "network", ":2:1"]),
    "mistyped layer": (GOOD.replace("dense", "dnese"), IRIS, 3, ["dnese", "dense"]),
    "wrong type": (GOOD.replace("epochs: 2", "epochs: two"), IRIS, 3, ["epochs", "two", ":3:"]),
    "out of range": (GOOD + "learning_rate: -1\n", IRIS, 3, ["learning_rate", "-1"]),
    "two lengths": (GOOD + "iterations: 5\n", IRIS, 3, ["iterations", "epochs"]),
    "no data key": ("epochs: 2\n", IRIS, 3, ["data"]),
    "syntax": ("data: {path: iris.csv\nepochs: 2\n", IRIS, 3, [":1:7", "not closed"]),
    "loss for another task": (GOOD + "loss: mse\n", IRIS, 3, ["mse", "cross_entropy"]),
    "no such target": (GOOD.replace("species", "specis"), IRIS, 4, ["specis", "species"]),
    "no such file": (GOOD.replace("iris.csv", "irs.csv"), IRIS, 4, ["irs.csv"]),
    "text among numbers": (GOOD, IRIS.replace("5.1,", "five,", 1), 4, ["line 2", "five"]),
    "ragged row": (GOOD, IRIS.replace("5.1,", "5.1,9,", 1), 4, ["line 2", "6", "5"]),
    "one class": (GOOD, "a,species\n1,x\n2,x\n3,x\n", 4, ["species", "x"]),
    "header only": (GOOD, "a,species\n", 4, ["no rows"]),
    "empty file": (GOOD, "", 4, ["empty"]),
}


@pytest.mark.parametrize("name", CASES)
def test_mistake(tmp_path: Path, name: str) -> None:
    config, data, code, said = CASES[name]
    (tmp_path / "c.yaml").write_text(config)
    (tmp_path / "iris.csv").write_text(data)
    done = bpcli("train", "c.yaml", cwd=tmp_path, code=code)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 24
    assert max(map(len, done.stderr.splitlines())) <= 2000
    for words in said:
        assert words in done.stderr
    assert "nothing was written" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_ten_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "data: {pth: iris.csv, target: 3}\nnetwork: [{dense: 0}, rleu, {dropout: 2}]\n"
        "loss: msee\noptimizer: {adam: {beta1: 1.5}}\nepochs: -3\nseed: x\nthreads: 0\n"
    )
    done = bpcli("validate", "c.yaml", cwd=tmp_path, code=3)
    for path in (
        *("pth", "data.target", "network.0.dense", "rleu", "network.2.dropout", "msee"),
        *("optimizer.adam.beta1", "epochs", "seed", "threads"),
    ):
        assert path in done.stderr
    assert "10 errors" in done.stderr


def test_json_errors_are_json(tmp_path: Path) -> None:
    import json

    (tmp_path / "c.yaml").write_text(GOOD.replace("epochs", "epoch"))
    done = bpcli("train", "c.yaml", "--json", cwd=tmp_path, code=3)
    record = json.loads(done.stdout)
    assert record["exit_code"] == 3
    assert record["problems"][0]["id"].startswith("BP-C")


@pytest.mark.parametrize(
    "arguments", [["trian"], ["train"], ["train", "a", "--nope"], ["list", "x"]]
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    bpcli(*arguments, cwd=tmp_path, code=2)


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    import subprocess
    import sys

    command = f"'{sys.executable}' -m bpcli list all | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
