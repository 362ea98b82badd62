"""A sweep, a cross-validation, or the sweep within a training, asked to end and gone on with."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT, bpcli

CONFIG = """\
data: {path: iris.csv, target: species}
network: [{dense: 8}, tanh]
optimizer: adam
learning_rate: 0.02
batch_size: 16
epochs: 12
stop: {patience: 3}
lr_sweep: {lowest: 1e-3, highest: 0.1, rates: 3, extend: 0}
"""

# The signal comes after the second group, when its results are on disk.
PROGRAM = """
import os, signal, sys
import bpcli.runs.journal as module
add, kept = module.Journal.add, []
def interrupted(self, line):
    kept.append(add(self, line))
    if len(kept) == 2:
        os.kill(os.getpid(), signal.{name})
    return kept[-1]
module.Journal.add = interrupted
from bpcli.__main__ import main
main()
"""
AUTO = ("--set", "learning_rate=auto")
CASES = {
    "a sweep": (("lr-sweep", "c.yaml", "-o", "s"), "s", "SIGINT", 30),
    "a sweep into no named folder": (
        ("lr-sweep", "c.yaml", "--also", "batch_size=8,32", "--write", "new.yaml"),
        "runs/c-lr-sweep-1",
        "SIGTERM",
        60,
    ),
    "an estimate": (("cv", "c.yaml", "-o", "s", "--refit", "r"), "s", "SIGTERM", 10),
    "a training": (("train", "c.yaml", "-o", "t", *AUTO), "t-lr-sweep", "SIGINT", 30),
    "a training, unnamed": (("train", "c.yaml", *AUTO), "runs/c-lr-sweep-1", "SIGHUP", 30),
    "an estimate of a swept rate": (("cv", "c.yaml", "-o", "s", *AUTO), "s-lr-sweep", "SIGINT", 30),
}  # fmt: skip
LEFT = ("journal.jsonl", "run.json", "checkpoint.safetensors", "history.csv", "model.safetensors")


@pytest.mark.parametrize("case", CASES)
def test_the_words_on_the_terminal_go_on(case: str, tmp_path: Path) -> None:
    words, study, name, trainings = CASES[case]
    whole, cut = (tmp_path / which for which in ("whole", "cut"))
    for folder in (whole, cut):
        folder.mkdir()
        lines = (ROOT / "data" / "iris.csv").read_text().splitlines(keepends=True)
        (folder / "iris.csv").write_text("".join([lines[0], *lines[1::3]]))
        (folder / "c.yaml").write_text(CONFIG)
    bpcli(*words, cwd=whole)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.replace("{name}", name), *words],
        cwd=cut,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    assert done.returncode == 128 + getattr(signal, name), done.stderr
    assert "Traceback" not in done.stderr
    record = json.loads((cut / study / "run.json").read_text())
    assert record["state"] == "interrupted"
    told, command = done.stderr.splitlines()[-2:]
    assert told == f"{name}: {study} keeps {record['trainings']} of {trainings} trainings"
    assert 0 < record["trainings"] < trainings
    assert command.startswith("go on with: bpcli ")
    bpcli(*shlex.split(command.removeprefix("go on with: bpcli ")), cwd=cut)
    assert contents(cut) == contents(whole)


def contents(folder: Path) -> dict[str, bytes]:
    """Of every file but those that tell of time."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in LEFT)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
