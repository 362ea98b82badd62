"""bpcli verify: a run trained again from its folder, and what it says where the two part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, bpcli, train

from bpcli.runs.verify import TOLERANCE, first_parting

CONFIG = """\
data: {path: iris.csv, target: species}
network: [{dense: 8}, tanh]
epochs: 4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "data" / "iris.csv", tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    train(tmp_path / "c.yaml", "-o", "run", "--seed", 3, "--threads", 2, cwd=tmp_path)
    return tmp_path


def content(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir()}


def verdict(folder: Path, *arguments: object, code: int = 0, **environment: str) -> dict[str, Any]:
    done = bpcli("verify", "run", "--json", "-q", *arguments, cwd=folder, code=code, **environment)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_run_is_reproduced_and_left_alone(folder: Path) -> None:
    before = content(folder / "run")
    done = bpcli("verify", "run", "--exact", cwd=folder, OPENBLAS_NUM_THREADS="7")
    assert done.stdout.startswith("byte-equal: ")
    assert content(folder / "run") == before
    assert sorted(path.name for path in folder.iterdir()) == ["c.yaml", "iris.csv", "run"]


def test_moved_data_is_asked_for_and_changed_data_refused(folder: Path) -> None:
    (folder / "iris.csv").rename(folder / "moved.csv")
    missing = bpcli("verify", "run", cwd=folder, code=4)
    assert "error[BP-D161] run/../iris.csv" in missing.stderr and "--data" in missing.stderr
    assert verdict(folder, "--data", "moved.csv")["outcome"] == "byte-equal"
    with (folder / "moved.csv").open("a") as file:
        file.write("1,2,3,4,setosa\n")
    changed = bpcli("verify", "run", "--data", "moved.csv", cwd=folder, code=4)
    assert "150 rows with SHA-256" in changed.stderr and "151 rows with" in changed.stderr


def test_the_first_difference_is_named(folder: Path) -> None:
    change(folder / "run" / "config.resolved.yaml", "learning_rate: 0.001", "learning_rate: 0.002")
    facts = verdict(folder, code=9)
    assert (facts["reproduced"], facts["outcome"]) == (False, "different")
    assert facts["difference"] > TOLERANCE["float32"]
    assert (facts["parting"]["epoch"], facts["parting"]["quantity"]) == (1, "learning_rate")
    shown = bpcli("verify", "run", "-q", cwd=folder, code=9)
    assert "first difference: epoch 1, learning_rate was 0.001, is 0.002" in shown.stdout


def test_a_small_difference_is_within_tolerance_but_not_exact(folder: Path) -> None:
    """Row 77 of the fault matrix: what is different around the run is named."""
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    metrics["test"]["log_loss"] += 1e-6
    (folder / "run" / "metrics.json").write_text(json.dumps(metrics))
    change(folder / "run" / "run.json", '"numpy": "', '"numpy": "0.')
    facts = verdict(folder)
    assert facts["outcome"] == "equal within tolerance"
    assert facts["files"] == {
        "split.csv": True,
        "metrics.json": False,
        "predictions_test.csv": True,
        "diagnostics.csv": True,
    }
    assert list(facts["environment"]) == ["numpy"]
    assert verdict(folder, "--exact", code=9)["reproduced"] is False
    metrics["test"]["log_loss"] += 1
    (folder / "run" / "metrics.json").write_text(json.dumps(metrics))
    assert verdict(folder, code=9)["outcome"] == "different"


@pytest.mark.parametrize(
    "state, said", [('"failed"', "the run is failed"), ("{", "it is not valid JSON")]
)
def test_only_a_completed_run_can_be_verified(folder: Path, state: str, said: str) -> None:
    change(folder / "run" / "run.json", '"completed"', state)
    done = bpcli("verify", "run", cwd=folder, code=5)
    assert "error[BP-M020] run" in done.stderr and said in done.stderr


def test_histories_part_at_the_first_other_number_but_time() -> None:
    then = [{"epoch": str(i), "loss": "1", "seconds": "3"} for i in (1, 2, 3)]
    assert first_parting(then, [{**row, "seconds": "4"} for row in then]) is None
    assert first_parting(then, [then[0], {**then[1], "loss": "2"}, then[2]]) == (
        *(2, "loss", "1", "2"),
    )
    assert first_parting(then, then[:2]) == (3, "epochs", "3", "2")
