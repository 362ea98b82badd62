"""Predictions by a Dask cluster: the bytes of one process, in the order of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import by_hand
from resuming import flowers
from running import bpcli

from bpcli.data.source import BLOCK

CONFIG = """\
data: {path: flowers.csv, target: species}
network: [{dense: 8}, tanh]
epochs: 3
ensemble: {folds: 3}
"""
EXTRAS = ("--interval", 0.9, "--doubt", "--spread", "--fail-on", "unseen>0.5", "-q")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, and a file of several parts."""
    folder = tmp_path_factory.mktemp("predict")
    flowers(folder, CONFIG)
    bpcli("train", "flowers.yaml", "-o", "run", cwd=folder)
    head, *rows = (folder / "flowers.csv").read_text().splitlines(keepends=True)
    times = 1 + 5 * BLOCK // 2 // len("".join(rows))
    (folder / "many.csv").write_text(head + "".join(rows) * times)
    return folder


def test_a_cluster_predicts_what_one_process_does(place: Path) -> None:
    bpcli("predict", "run", "many.csv", "-o", "here.csv", *EXTRAS, cwd=place)
    with by_hand(place, workers=2) as cluster:
        where = ("--cluster", cluster.file.name)
        bpcli("predict", "run", "many.csv", "-o", "there.csv", *EXTRAS, *where, cwd=place)
    assert (place / "there.csv").read_bytes() == (place / "here.csv").read_bytes()


def test_a_model_at_another_place_is_not_there(place: Path) -> None:
    words = ("predict", "none", "many.csv", "--cluster", "local:1")
    assert "error[BP-M" in bpcli(*words, cwd=place, code=5).stderr


@pytest.mark.parametrize("where", ["local", "local:0", "10.0.0.7:8786"])
def test_a_wrong_place_is_said_at_once(where: str, place: Path) -> None:
    words = ("predict", "run", "many.csv", "--cluster", where)
    assert "--cluster" in bpcli(*words, cwd=place, code=2).stderr
