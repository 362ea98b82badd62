"""The folders of lr-sweep and cv: one owner, a record that is true however they end, a way on."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from resuming import HUP, INT, KILL, TERM, end, flowers, leftovers, state, wait_for
from running import begin, bpcli

CONFIG = """\
data: {path: flowers.csv, target: species}
network: [{dense: 8}, tanh]
batch_size: 8
epochs: 40
split: {folds: 3}
lr_sweep: {lowest: 1e-3, highest: 0.1, rates: 3, extend: 0}
"""
LONG = ("--set", "epochs=200000")
SWEEP, CV = ("lr-sweep", "flowers.yaml", "-o", "s"), ("cv", "flowers.yaml", "-o", "s")
RESULTS = {"lr-sweep": ("lr_sweep.csv", "lr_sweep.json"), "cv": ("cv.csv", "cv.json")}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    flowers(tmp_path, CONFIG)
    return tmp_path


def record(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return facts


def command_in(said: str) -> list[str]:
    """The words behind `go on with:` or `start again with:`, without those of a long training."""
    line = next(line for line in said.splitlines() if "with: bpcli" in line)
    words = shlex.split(line.partition("with: bpcli ")[2])
    return [
        w for w, after in zip(words, [*words[1:], ""], strict=True) if LONG[1] not in (w, after)
    ]


@pytest.mark.parametrize("command", [SWEEP, CV], ids=lambda c: c[0])
def test_a_second_one_is_refused_while_one_is_at_work(place: Path, command: tuple[str]) -> None:
    first = begin(*command, *LONG, cwd=place)
    wait_for(place / "s" / "run.json", first)
    for other in (command, ("train", "flowers.yaml", "-o", "s")):
        said = bpcli(*other, "--force", cwd=place, code=10).stderr
        assert f"process {first.pid} on " in said
    assert first.poll() is None
    end(first, TERM)
    assert leftovers(place) == []


@pytest.mark.parametrize(
    ("command", "jobs", "number", "code"),
    [(SWEEP, 1, INT, 130), (SWEEP, 2, TERM, 143), (CV, 2, HUP, 129), (CV, 1, TERM, 143)],
)
def test_a_signal_is_told_truly_and_with_the_way_on(
    place: Path, command: tuple[str, ...], jobs: int, number: int, code: int
) -> None:  # rows 47, 49, 50
    process = begin(*command, "-j", jobs, *LONG, cwd=place)
    wait_for(place / "s" / "config.yaml", process)
    ended, said = end(process, number)
    assert ended == code, said
    facts = record(place / "s")
    assert (facts["state"], facts["stop_reason"]) == ("interrupted", number.name)
    assert leftovers(place) == []
    assert not (place / "s" / RESULTS[command[0]][0]).exists()
    bpcli(*command_in(said), "--set", "epochs=2", cwd=place)
    assert state(place / "s") == "completed"


def test_finished_trainings_are_kept(place: Path) -> None:  # row 47
    # The best rate is beyond the end again and again, so there are several rounds.
    grid = "lr_sweep={lowest: 1e-6, highest: 1e-5, rates: 2, extend: 4}"
    longer = ("--set", grid, "--set", "epochs=150")
    bpcli("lr-sweep", "flowers.yaml", "-o", "whole", *longer, cwd=place)
    process = begin(*SWEEP, *longer, cwd=place)
    wait_for(place / "s" / "journal.jsonl", process)
    code, said = end(process, TERM)
    assert code == 143
    assert "s keeps " in said and " 0 trainings" not in said
    bpcli(*command_in(said), cwd=place)
    for name in RESULTS["lr-sweep"]:
        assert (place / "s" / name).read_bytes() == (place / "whole" / name).read_bytes()


def test_a_killed_one_is_known_for_dead(place: Path) -> None:  # row 52
    process = begin(*SWEEP, *LONG, cwd=place)
    wait_for(place / "s" / "config.yaml", process)
    end(process, KILL)
    said = bpcli(*SWEEP, cwd=place, code=6).stderr
    assert "was interrupted" in said and "--resume" in said
    bpcli(*SWEEP, "--force", "--set", "epochs=1", cwd=place)
    assert state(place / "s") == "completed"


def test_training_with_a_swept_rate_goes_on_as_a_whole(place: Path) -> None:
    auto = ("--set", "learning_rate=auto")
    process = begin("train", "flowers.yaml", "-o", "r", *auto, *LONG, cwd=place)
    wait_for(place / "r-lr-sweep" / "config.yaml", process)
    code, said = end(process, TERM)
    assert code == 143
    words = command_in(said)
    assert words[0] == "train" and "--resume" in words
    (place / "r-lr-sweep" / "journal.jsonl").unlink(missing_ok=True)  # of other epochs
    bpcli(*words, "--set", "epochs=2", cwd=place)
    assert (state(place / "r"), state(place / "r-lr-sweep")) == ("completed", "completed")


def test_a_folder_is_gone_on_with_by_its_own_command(place: Path) -> None:
    bpcli("train", "flowers.yaml", "-o", "r", "--set", "epochs=1", cwd=place)
    bpcli(*SWEEP, "--set", "epochs=1", cwd=place)
    for command, folder in (("lr-sweep", "r"), ("train", "s")):
        before = (place / folder / "run.json").read_bytes()
        words = (command, "flowers.yaml", "-o", folder, "--resume", "--set", "epochs=1")
        assert "already holds a run" in bpcli(*words, cwd=place, code=6).stderr
        assert (place / folder / "run.json").read_bytes() == before


def test_with_force_no_result_of_before_is_left(place: Path) -> None:
    bpcli(*SWEEP, "--set", "epochs=1", cwd=place)
    (place / "s" / "config.yaml").unlink()  # to see when it is written anew
    process = begin(*SWEEP, "--force", *LONG, cwd=place)
    wait_for(place / "s" / "config.yaml", process)
    end(process, TERM)
    assert not {*RESULTS["lr-sweep"], "journal.jsonl"} & {p.name for p in (place / "s").iterdir()}


WRONG = {
    "the copy is there": (*SWEEP, "--write", "flowers.csv"),
    "the model's folder is taken": (*CV, "--refit", "."),
    "the folder is taken": ("lr-sweep", "flowers.yaml", "-o", "."),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_would_fail_at_the_end_is_said_at_the_start(place: Path, name: str) -> None:
    before = sorted(place.rglob("*"))
    bpcli(*WRONG[name], *LONG, cwd=place, code=6)
    assert sorted(place.rglob("*")) == before


def test_an_input_is_never_among_what_is_replaced(place: Path) -> None:  # row 27
    bpcli("train", "flowers.yaml", "-o", "r", "--set", "epochs=1", cwd=place)
    resolved = place / "r" / "config.resolved.yaml"
    bpcli("lr-sweep", resolved, "-o", "r", "--force", cwd=place, code=6)
    assert resolved.exists()
