"""One run at a time in a folder; a dead owner is known for dead."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

import pytest
from resuming import INT, KILL, end, flowers, state
from resuming import wait_for as wait
from running import begin, bpcli, train

from bpcli.config.errors import BusyError
from bpcli.runs.lock import FolderLock, Owner
from bpcli.runs.processes import birth, is_alive

LONG = "epochs: 100000"


def test_the_second_run_is_refused_and_the_first_unharmed(tmp_path: Path) -> None:  # row 60
    config = flowers(tmp_path)
    first = begin("train", config, "-o", "run", "--set", "epochs=100000", cwd=tmp_path)
    wait(tmp_path / "run" / "checkpoint.safetensors", first)
    for option in ((), ("--force",), ("--resume",)):
        said = bpcli("train", config, "-o", "run", *option, cwd=tmp_path, code=10).stderr
        assert f"process {first.pid} on {platform.node()} is using it since 20" in said
    assert "training" in bpcli("train", config, cwd=tmp_path).stderr  # a folder of its own
    assert first.poll() is None
    end(first, INT)
    assert state(tmp_path / "run") == "interrupted"


@pytest.mark.parametrize("owner", ["gone", "a later process", "another host"])
def test_a_stale_lock(tmp_path: Path, owner: str) -> None:  # row 61
    config = flowers(tmp_path, "data: {path: flowers.csv, target: species}\nepochs: 2\n")
    process = begin("train", config, "-o", "run", "--set", "epochs=100000", cwd=tmp_path)
    wait(tmp_path / "run" / "run.json", process)
    end(process, KILL)
    lock = tmp_path / "run" / ".lock"
    facts = json.loads(lock.read_text())
    assert facts["pid"] == process.pid
    if owner == "another host":
        lock.write_text(json.dumps({**facts, "host": "elsewhere"}))
        said = bpcli("train", config, "-o", "run", "--force", cwd=tmp_path, code=10).stderr
        assert f"process {process.pid} on elsewhere" in said
        assert "remove run/.lock" in said
        lock.unlink()
    elif owner == "a later process":
        lock.write_text(json.dumps({**facts, "pid": os.getpid()}))
    assert "--resume" in bpcli("train", config, "-o", "run", cwd=tmp_path, code=6).stderr
    train(config, "-o", "run", "--force", cwd=tmp_path)
    assert not lock.exists()


def test_a_live_owner_counts_even_without_the_systems_lock(tmp_path: Path) -> None:
    owner = Owner(os.getppid(), platform.node(), "2026-01-01T00:00:00+00:00", birth(os.getppid()))
    (tmp_path / ".lock").write_text(json.dumps(owner._asdict()))
    started = time.monotonic()
    with pytest.raises(BusyError, match=f"process {os.getppid()}"):
        FolderLock(tmp_path)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', "{}"])
def test_a_damaged_name_of_the_owner_is_no_owner(tmp_path: Path, text: str) -> None:
    (tmp_path / ".lock").write_text(text)
    FolderLock(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


def test_processes_know_their_birth() -> None:
    assert is_alive(os.getpid())
    assert birth(os.getpid()).isdigit()
    assert not is_alive(2**22 + 1)
    assert birth(2**22 + 1) == ""
