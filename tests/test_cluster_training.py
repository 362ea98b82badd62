"""One training in shards, here or on a Dask cluster: whoever does the work, one model."""

from __future__ import annotations

import json
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from clusters import by_hand, children
from resuming import KILL, TERM, end, essence, flowers, wait_for
from running import begin, bpcli

from bpcli.execution import cluster
from bpcli.experiment.load import load
from bpcli.runs.train import TrainingRun

CONFIG = """\
data: {path: flowers.csv, target: species}
network: [{dense: 8}, tanh, {dropout: 0.1}]
optimizer: adam
batch_size: 16
epochs: 20
schedule: cosine
shards: 4
output: {checkpoint_every: 0.01}
"""


KINDS = {"gradients": 1, "local steps": 4}  # and their `sync_every`
gradients = pytest.mark.parametrize("place", ["gradients"], indirect=True)
local_steps = pytest.mark.parametrize("place", ["local steps"], indirect=True)


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    flowers(folder, f"{CONFIG}sync_every: {KINDS[request.param]}\n")
    bpcli("train", "flowers.yaml", "-o", "here", cwd=folder)
    return folder


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_trains_one_model(place: Path, workers: int) -> None:
    run = place / f"by-{workers}"
    bpcli("train", "flowers.yaml", "-o", run, "--cluster", f"local:{workers}", cwd=place)
    assert essence(run) == essence(place / "here")


def test_a_worker_killed_in_the_middle_is_replaced(place: Path) -> None:
    run = place / "killed"
    process = begin("train", "flowers.yaml", "-o", run, "--cluster", "local:2", cwd=place)
    wait_for(run / "checkpoint.safetensors", process)
    os.kill(children(process.pid)[0], KILL)
    code, said = end(process)
    assert code == 0, said
    assert "distributed" not in said
    assert essence(run) == essence(place / "here")


@gradients
def test_a_lost_scheduler_leaves_a_checkpoint_to_go_on_from(place: Path) -> None:
    words = ("train", "flowers.yaml", "-o", "lost")
    with by_hand(place) as hands:
        process = begin(*words, "--cluster", hands.file.name, cwd=place)
        wait_for(place / "lost" / "checkpoint.safetensors", process)
        hands.scheduler.kill()
        code, said = end(process)
    assert code == 8, said
    error, fix, consequence = said.splitlines()[-3:]
    assert error.startswith("error[BP-R032] ") and "--resume" in fix
    assert "has a checkpoint at iteration " in consequence
    bpcli(*words, "--resume", cwd=place)
    assert essence(place / "lost") == essence(place / "here")


def test_a_signal_keeps_a_checkpoint_and_tells_the_way_on(place: Path) -> None:
    words = ("train", "flowers.yaml", "-o", "asked", "--cluster", "local:1")
    process = begin(*words, cwd=place)
    wait_for(place / "asked" / "checkpoint.safetensors", process)
    workers = children(process.pid)
    code, said = end(process, TERM)
    assert code == 143, said
    assert "--cluster local:1" in said.splitlines()[-1]
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    bpcli("train", "flowers.yaml", "-o", "asked", "--resume", cwd=place)
    assert essence(place / "asked") == essence(place / "here")


@local_steps
def test_a_process_that_is_killed_goes_on_from_its_last_average(place: Path) -> None:
    words = ("train", "flowers.yaml", "-o", "alone")
    process = begin(*words, cwd=place)
    wait_for(place / "alone" / "checkpoint.safetensors", process)
    assert end(process, KILL)[0] == -KILL
    bpcli(*words, "--resume", cwd=place)
    assert essence(place / "alone") == essence(place / "here")


def test_a_run_in_shards_is_verified_without_a_cluster(place: Path) -> None:
    assert "byte-equal" in bpcli("verify", "here", "--exact", cwd=place).stdout


@local_steps
def test_local_steps_are_told_as_another_algorithm(place: Path) -> None:
    record = json.loads((place / "here" / "run.json").read_text())
    assert (record["shards"], record["sync_every"]) == (4, 4)
    assert any("local SGD" in notice["what"] for notice in record["notices"])
    bpcli("train", "flowers.yaml", "-o", "exact", "--set", "sync_every=1", cwd=place)
    other = json.loads((place / "exact" / "run.json").read_text())
    assert not any("local SGD" in notice["what"] for notice in other["notices"])
    models = [essence(place / name)["model.safetensors"] for name in ("exact", "here")]
    assert models[0] != models[1]


@gradients
def test_without_shards_a_cluster_has_nothing_to_do(place: Path) -> None:
    words = ("train", "flowers.yaml", "--set", "shards=null", "--cluster", "local:2")
    assert "shards=16" in bpcli(*words, cwd=place, code=2).stderr


def in_files(place: Path, name: str) -> Path:
    """A folder with the same table in three files."""
    folder = place / name
    folder.mkdir()
    head, *rows = (place / "flowers.csv").read_text().splitlines(keepends=True)
    for i in range(3):
        (folder / f"part-{i}.csv").write_text(head + "".join(rows[i * 50 : (i + 1) * 50]))
    (folder / "c.yaml").write_text(CONFIG.replace("flowers.csv", "part-*.csv, cache: auto"))
    return folder


@gradients
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_convert_the_files_of_a_table(place: Path, workers: int) -> None:
    folder = in_files(place, f"converted-{workers}")
    bpcli("train", "c.yaml", "-o", "runs/here", cwd=folder)
    cached = ("--set", "data.cache=true")
    bpcli(
        *("train", "c.yaml", "-o", "runs/there", "--cluster", f"local:{workers}", *cached),
        cwd=folder,
    )
    assert essence(folder / "runs" / "there") == essence(folder / "runs" / "here")
    assert len(list((folder / "runs" / ".bpcli-cache").iterdir())) == 3


@gradients
def test_one_cluster_serves_a_whole_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = in_files(place, "served")
    started = list[int]()
    workers_here = cluster._workers_here

    def counted(count: int) -> AbstractContextManager[Any]:
        started.append(count)
        return workers_here(count)

    monkeypatch.setattr(cluster, "_workers_here", counted)
    loaded = load(folder / "c.yaml", ["data.cache=true"])
    with TrainingRun(loaded, folder / "runs" / "a", cluster="local:2") as run:
        assert started == [2]
        assert [record.epoch for record in run][-1] == 20
    assert started == [2]
