"""Studies on a Dask cluster: the bytes of one process, whatever becomes of the workers."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from clusters import by_hand, children
from resuming import INT, KILL, TERM, end, flowers, leftovers, state, wait_for
from running import begin, begin_afresh, bpcli

CONFIG = """\
data: {path: flowers.csv, target: species}
network: [{dense: 8}, tanh]
batch_size: 8
epochs: 10
split: {folds: 3}
lr_sweep: {lowest: 1e-3, highest: 0.1, rates: 3, extend: 0}
tune: {trials: 5, pruner: median, batch: 2, space: {learning_rate: {log_uniform: [1e-3, 0.1]}}}
"""
COMMANDS = {"lr-sweep": (), "cv": (), "tune": ("--no-train",)}
TIMED = {"run.json", "journal.jsonl"}  # say how long it took, and in which order it was done
# Its rounds come one after the other, so something is finished long before all is.
ROUNDS = ("--set", "lr_sweep={lowest: 1e-6, highest: 1e-5, rates: 2, extend: 4}")
LONGER = (*ROUNDS, "--set", "epochs=300")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    flowers(folder, CONFIG)
    return folder


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    bpcli("lr-sweep", "flowers.yaml", "-o", "whole", "-j", 1, *LONGER, cwd=place)
    return place / "whole"


def results(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name not in TIMED}


def test_a_cluster_computes_what_one_process_does(place: Path) -> None:
    with by_hand(place, workers=2) as cluster:
        for command, flags in COMMANDS.items():
            words = (command, "flowers.yaml", *flags)
            bpcli(*words, "-o", f"{command}-1", "-j", 1, cwd=place)
            bpcli(*words, "-o", f"{command}-2", "--cluster", cluster.file.name, cwd=place)
            assert results(place / f"{command}-1") == results(place / f"{command}-2")


LONG_ENOUGH = {"lr-sweep": LONGER, "tune": ("--no-train", "--set", "epochs=100")}


@pytest.mark.parametrize("command", LONG_ENOUGH)
def test_a_killed_worker_costs_its_pieces_only(place: Path, command: str) -> None:
    killed, words = place / f"{command}-killed", (command, "flowers.yaml", *LONG_ENOUGH[command])
    bpcli(*words, "-o", f"{command}-whole", "-j", 1, cwd=place)
    process = begin(*words, "-o", killed, "--cluster", "local:2", cwd=place)
    wait_for(killed / "journal.jsonl", process)
    workers = children(process.pid)
    assert len(workers) == 2
    os.kill(workers[0], KILL)
    code, said = end(process)
    assert code == 0, said
    assert "distributed" not in said
    assert results(killed) == results(place / f"{command}-whole")
    assert children_left(workers) == []


def test_a_lost_scheduler_is_one_sentence_and_a_way_on(place: Path, whole: Path) -> None:
    lost = place / "lost"
    words = ("lr-sweep", "flowers.yaml", "-o", lost, *LONGER)
    with by_hand(place) as cluster:
        process = begin(*words, "--cluster", cluster.file.name, cwd=place)
        wait_for(lost / "journal.jsonl", process)
        cluster.scheduler.kill()
        code, said = end(process)
    assert code == 8, said
    error, fix, consequence = said.splitlines()[-3:]
    assert error.startswith("error[BP-R032] ") and "--resume" in fix
    assert "lost keeps " in consequence
    assert json.loads((lost / "run.json").read_text())["state"] == "failed"
    assert leftovers(place) == []
    bpcli(*words, "--resume", "-j", 1, cwd=place)
    assert results(lost) == results(whole)


@pytest.mark.parametrize(("number", "code"), [(INT, 130), (TERM, 143), (KILL, -9)])
def test_no_worker_outlives_its_command(place: Path, number: int, code: int) -> None:
    folder = place / f"ended-{code}"
    words = ("cv", "flowers.yaml", "-o", folder, "--cluster", "local:1", "--set", "epochs=100000")
    process = begin_afresh(*words, cwd=place, start_new_session=True)
    limit = time.monotonic() + 60
    while not (workers := children(process.pid)):
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.05)
    time.sleep(1.5)  # until the worker is at work
    os.killpg(process.pid, number) if number == INT else process.send_signal(number)
    ended, said = end(process)
    assert ended == code, said
    assert children_left(workers) == []
    if number != KILL:
        assert state(folder) == "interrupted"
        assert said.splitlines()[-1].startswith("go on with: bpcli cv ") and "local:1" in said
        assert "distributed" not in said


WRONG = {
    "a place of no kind": ("--cluster", "local"),
    "no workers": ("--cluster", "local:0"),
    "an address without a protocol": ("--cluster", "10.0.0.7:8786"),
    "both": ("--cluster", "local:2", "-j", "2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_use_is_said_at_once(name: str, place: Path) -> None:
    words = ("lr-sweep", "flowers.yaml", "-o", "never", *WRONG[name])
    assert "--cluster" in bpcli(*words, cwd=place, code=2).stderr
    assert not (place / "never").exists()


def test_the_environment_may_name_the_cluster(place: Path) -> None:
    words = ("cv", "flowers.yaml", "-o", "named")
    said = bpcli(*words, cwd=place, code=8, BPCLI_CLUSTER="none.json").stderr
    assert "error[BP-R031] none.json: " in said


def children_left(pids: list[int]) -> list[int]:
    """Those that still live after a moment."""
    limit = time.monotonic() + 20
    while left := [pid for pid in pids if lives(pid)]:
        if time.monotonic() > limit:
            return left
        time.sleep(0.02)
    return []


def lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split()[2] != "Z"
