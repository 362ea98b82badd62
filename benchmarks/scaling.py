"""Time a sweep and single trainings on clusters of this machine, and print three tables.

    benchmarks/scaling.py [sweep] [train] [local]

The tables of docs/scaling.md are from here. A sweep is timed as a whole, with the start of its
workers; a training by its update, from the end of the first epoch to that of the last one.
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLACES = ("", "local:1", "local:2", "local:4")
EXCHANGING = ("", "local:1", "local:2")
SWEEP = """\
data: {path: t.csv, target: y}
network: [{dense: 128}, relu, {dense: 128}, relu]
optimizer: adam
batch_size: 128
epochs: 150
split: {folds: 3}
lr_sweep: {lowest: 1e-4, highest: 1e-2, rates: 8, extend: 0}
"""
TRAIN = """\
data: {path: t.csv, target: y}
network: [{dense: UNITS}, relu, {dense: UNITS}, relu]
optimizer: adam
learning_rate: 1e-4
shards: 8
split: {validation: 0, test: 0.2}
"""
NETS = (64, 512)  # units of both hidden layers
BATCHES = {1024: 3, 16384: 11}  # rows, and epochs enough for an update's time


def main(parts: list[str]) -> None:
    """Print what was asked for; everything without a word."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not parts or "sweep" in parts:
            write(folder / "t.csv", 6000, 30)
            time_sweeps(folder)
        if not parts or "train" in parts:
            write(folder / "t.csv", 32768, 50)
            time_trainings(folder)
        if not parts or "local" in parts:
            write(folder / "t.csv", 32768, 50)
            time_local_steps(folder)


def time_sweeps(folder: Path) -> None:
    """24 trainings of a net 128 wide: by one process, and by workers."""
    (folder / "c.yaml").write_text(SWEEP)
    print("| sweep | seconds | of one process | CPU seconds |\n| --- | --- | --- | --- |")
    alone = 0.0
    for where in PLACES:
        start, spent = time.monotonic(), cpu_seconds()
        bpcli(folder, "lr-sweep", where or "-j 1")
        seconds, spent = time.monotonic() - start, cpu_seconds() - spent
        alone = alone or seconds
        cells = f"{seconds:.1f} | {seconds / alone:.2f} | {spent:.1f}"
        print(f"| {where or '-j 1'} | {cells} |", flush=True)


def time_trainings(folder: Path) -> None:
    """Milliseconds of an update, by the size of the net and of the batch."""
    print("\n| parameters | batch | " + " | ".join(where or "here" for where in PLACES) + " |")
    print("| --- | --- |" + " --- |" * len(PLACES))
    for units in NETS:
        for batch, epochs in BATCHES.items():
            text = TRAIN.replace("UNITS", str(units))
            (folder / "c.yaml").write_text(f"{text}batch_size: {batch}\nepochs: {epochs}\n")
            times = [update(folder, where) for where in PLACES]
            cells = " | ".join(f"{1000 * one:.0f}" for one in times)
            print(f"| {parameters(units):,} | {batch:,} | {cells} |", flush=True)


def time_local_steps(folder: Path) -> None:
    """Milliseconds of an update of a batch of 1,024 rows, by how often shards exchange."""
    print(
        "\n| parameters | sync_every | "
        + " | ".join(where or "here" for where in EXCHANGING)
        + " |"
    )
    print("| --- | --- |" + " --- |" * len(EXCHANGING))
    for units in NETS:
        for every in (1, 8):
            text = TRAIN.replace("UNITS", str(units))
            (folder / "c.yaml").write_text(
                f"{text}batch_size: 1024\nepochs: 4\nsync_every: {every}\n"
            )
            times = [update(folder, where) for where in EXCHANGING]
            cells = " | ".join(f"{1000 * one:.1f}" for one in times)
            print(f"| {parameters(units):,} | {every} | {cells} |", flush=True)


def parameters(units: int) -> int:
    """Of a net with 50 inputs and two hidden layers."""
    return 50 * units + units + units * units + units + units + 1


def update(folder: Path, where: str) -> float:
    """Seconds of an update."""
    bpcli(folder, "train", where)
    with (folder / "run" / "history.csv").open() as file:
        first, *_, last = csv.DictReader(file)
    seconds = float(last["seconds"]) - float(first["seconds"])
    return seconds / (int(last["iteration"]) - int(first["iteration"]))


def bpcli(folder: Path, command: str, where: str) -> None:
    """Run a command on `c.yaml`, by the cluster `local:n`, or with other words."""
    words = ["--cluster", where] if where.startswith("local") else where.split()
    line = [sys.executable, "-m", "bpcli", command, "c.yaml", "-o", "run", "-f", "-q", *words]
    subprocess.run(line, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def cpu_seconds() -> float:
    """Of all processes that have ended, workers included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write(path: Path, rows: int, columns: int) -> None:
    """A table of numbers whose target is a noisy function of them."""
    draw = random.Random(0)
    with path.open("w") as file:
        file.write(",".join(f"x{i}" for i in range(columns)) + ",y\n")
        for _ in range(rows):
            x = [draw.gauss(0, 1) for _ in range(columns)]
            y = x[0] * x[1] + abs(x[2]) - x[3] + draw.gauss(0, 0.1)
            file.write(",".join(f"{value:.4f}" for value in (*x, y)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
