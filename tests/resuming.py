"""Runs in several sittings: start one, stop it somehow, and look at what it came to."""

from __future__ import annotations

import csv
import hashlib
import json
import signal
import subprocess
import time
from pathlib import Path

from running import ROOT
from warm import Double

from bpcli.runs.tensorfile import unpack

CONFIG = """\
data: {path: flowers.csv, target: species}
network: [{dense: 8}, tanh, {dropout: 0.1}]
learning_rate: 0.01
batch_size: 16
epochs: 60
output: {checkpoint_every: 0.01}
"""
SAME = (
    *("model.safetensors", "predictions_test.csv", "metrics.json", "split.csv"),
    "diagnostics.csv",
)


Process = Double | subprocess.Popen[str]


def flowers(folder: Path, text: str = CONFIG) -> Path:
    """A folder with iris as flowers.csv, and the config of a short run."""
    (folder / "flowers.csv").write_bytes((ROOT / "data" / "iris.csv").read_bytes())
    (folder / "flowers.yaml").write_text(text)
    return folder / "flowers.yaml"


def end(process: Process, *signals: int) -> tuple[int, str]:
    """Send the signals in turn and wait: (exit code, stderr)."""
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)
    try:
        _, said = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()  # no test leaves a process behind
        raise
    assert "Traceback" not in said, said
    return process.returncode, said


def wait_for(path: Path, process: Process) -> None:
    """Until the file is there and the process still runs."""
    limit = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, f"{path} has not come"
        time.sleep(0.002)


def essence(run: Path) -> dict[str, str]:
    """SHA-256 of all that must not depend on how often a run was stopped."""
    record, tensors = unpack((run / "checkpoint.safetensors").read_bytes(), "checkpoint")
    del tensors["history"]  # it has seconds; history.csv is looked at below
    del record["progress"]["seconds"]
    parts: dict[str, bytes] = {
        "position": json.dumps(record, sort_keys=True).encode(),
        **{name: tensor.tobytes() for name, tensor in tensors.items()},
        "history": "\n".join(_without_seconds(run / "history.csv")).encode(),
    }
    for name in SAME:
        parts[name] = (run / name).read_bytes()
    return {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}


def _without_seconds(history: Path) -> list[str]:
    with history.open(newline="") as file:
        rows = list(csv.DictReader(file))
    seconds = [float(row.pop("seconds")) for row in rows]
    assert seconds == sorted(seconds)
    return [str(row) for row in rows]


def state(run: Path) -> str:
    """What run.json says."""
    return str(json.loads((run / "run.json").read_text())["state"])


def leftovers(folder: Path) -> list[str]:
    """Files that should not outlive a command."""
    return [path.name for path in folder.rglob("*") if path.name.startswith((".bpcli", ".lock"))]


KILL, INT, TERM, HUP = signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP
