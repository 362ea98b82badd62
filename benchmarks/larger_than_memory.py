"""How long a table larger than memory takes, and how much memory.

    python benchmarks/larger_than_memory.py [GB] [regression|binary]

Writes a CSV of that size (1 GB unless said otherwise) into a temporary folder, 20 columns: 16 of
numbers, one of them with gaps, two of categories, one of dates and the target. Trains a small
network on it from a cache, twice: the second run finds the cache. Each is a process of its own;
printed are its seconds and the most memory that it held (`ru_maxrss`).
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

BLOCK = 100_000  # rows written at once
NUMBERS = 16
FIRST_DAY = datetime.date(2015, 1, 1)
CONFIG = {
    "data": {"path": "table.csv", "target": "y", "cache": True},
    "split": {"validation": 0.02, "test": 0.02},
    "network": [{"dense": 64}, "relu", {"dense": 32}, "relu"],
    "optimizer": "adam",
    "batch_size": 1024,
    "iterations": 2000,
}


def main() -> None:
    """Write, train, train again, say how it went."""
    size = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    task = sys.argv[2] if len(sys.argv) > 2 else "regression"
    with tempfile.TemporaryDirectory(prefix="bpcli-bench-", dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        rows = write(folder / "table.csv", size * 1e9, task)
        (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
        megabytes = (folder / "table.csv").stat().st_size / 1e6
        print(f"{megabytes:,.0f} MB of CSV, {rows:,} rows, {task}")
        for which in ("first", "second"):
            seconds, memory, spent = train(folder, which)
            print(
                f"{which} run: {seconds:.1f} s ({megabytes / seconds:.1f} MB/s), "
                f"{memory:,.0f} MB resident at most; training itself {spent:.1f} s"
            )


def write(path: Path, size: float, task: str) -> int:
    """Rows until the file has the size; how many there are."""
    rows = 0
    with path.open("w", encoding="ascii") as file:
        names = [*(f"x{i}" for i in range(NUMBERS)), "city", "kind", "day", "y"]
        file.write(",".join(names) + "\n")
        while file.tell() < size:
            file.writelines(lines(rows, task))
            rows += BLOCK
    return rows


def lines(first: int, task: str) -> Iterator[str]:
    """The lines of a block, which follow from its first row."""
    rng = np.random.default_rng(first)
    numbers = rng.standard_normal((BLOCK, NUMBERS)).round(5)
    city, kind, day = (rng.integers(0, count, BLOCK) for count in (300, 5, 3000))
    y = numbers[:, 0] + np.abs(numbers[:, 1]) + kind / 5 + rng.standard_normal(BLOCK) / 10
    gaps = rng.random(BLOCK) < 0.05
    days = [str(FIRST_DAY + datetime.timedelta(days=i)) for i in range(3000)]
    told = zip(numbers.tolist(), gaps, city, kind, day, y.tolist(), strict=True)
    for row, gap, c, k, d, value in told:
        target = ("yes" if value > 1 else "no") if task == "binary" else f"{value:.4f}"
        cells = ["" if gap else str(row[0]), *map(str, row[1:])]
        yield ",".join([*cells, f"city{c}", f"kind{k}", days[d], target]) + "\n"


def train(folder: Path, which: str) -> tuple[float, float, float]:
    """Seconds of a run in a process of its own, the megabytes it held, and seconds of training."""
    began = time.monotonic()
    command = [sys.executable, "-m", "bpcli", "train", "config.yaml", "-o", f"runs/{which}"]
    process = subprocess.Popen([*command, "-q"], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        raise SystemExit(f"bpcli ended with {os.waitstatus_to_exitcode(status)}")
    record = (folder / "runs" / which / "run.json").read_text()
    spent = re.search(r'"seconds": ([\d.]+)', record)
    return seconds, usage.ru_maxrss / 1024, float(spent[1]) if spent else 0.0


if __name__ == "__main__":
    main()
