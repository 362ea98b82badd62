"""Predict files of several sizes, and print the time and the most memory that each takes.

    benchmarks/load.py [GB ...]

The files have 48 columns of numbers and a category; they are made, read and removed one by one.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

COLUMNS = 48
DIFFERENT = 2000  # rows; more would make the generator slower, not the task harder
CONFIG = """\
data: {path: train.csv, target: y}
network: [{dense: 32}, relu, {dense: 16}, relu]
epochs: 3
"""
# The peak is that of the process itself: what the system tells of a child includes its parent's.
RUN = """\
import sys
from bpcli.cli.app import run
code = run()
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
sys.exit(code)
"""


def main(sizes: list[float]) -> None:
    """Train a small network, then predict a file of each size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "c.yaml").write_text(CONFIG)
        write(folder / "train.csv", 1e6)
        bpcli(folder, "train", "c.yaml", "-o", "run", "-q")
        print("     GB   seconds   MB/s   CPU s   peak MB")
        for size in sizes:
            table = folder / "table.csv"
            write(table, size * 1e9)
            start, spent = time.monotonic(), cpu_seconds()
            peak = bpcli(folder, "predict", "run", table.name, "-o", "out.csv", "-f", "-q")
            seconds, spent = time.monotonic() - start, cpu_seconds() - spent
            rate = table.stat().st_size / 1e6 / seconds
            print(f"{size:7g}{seconds:10.1f}{rate:7.1f}{spent:8.1f}{peak / 1e3:10.0f}", flush=True)
            table.unlink()


def bpcli(folder: Path, *arguments: str) -> int:
    """Run a command and return the most kilobytes that it had in memory."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], cwd=folder, stdout=subprocess.PIPE, check=True
    )
    return int(done.stdout.split()[-1])


def cpu_seconds() -> float:
    """Of the children so far: on a busy machine the better measure."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def write(path: Path, size: float) -> None:
    """A CSV of about so many bytes, written in pieces."""
    rows = list(islice(lines(random.Random(0)), DIFFERENT))
    names = [*(f"x{i}" for i in range(COLUMNS)), "kind", "y"]
    piece = "\n".join([*rows, ""])
    with path.open("w") as file:
        file.write(",".join(names) + "\n")
        for _ in range(max(1, round(size / len(piece)))):
            file.write(piece)


def lines(rng: random.Random) -> Iterator[str]:
    """Rows of decimals, whole numbers and a category."""
    while True:
        decimals = [f"{rng.gauss(0, 1):.6f}" for _ in range(COLUMNS // 2)]
        whole = [str(rng.randrange(10_000)) for _ in range(COLUMNS // 2)]
        yield ",".join([*decimals, *whole, rng.choice("abcd"), f"{rng.gauss(10, 3):.3f}"])


if __name__ == "__main__":
    main([float(size) for size in sys.argv[1:]] or [0.1, 1])
