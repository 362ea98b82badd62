"""K-means by gradient descent and by Lloyd beside scikit-learn's; writes docs/clusters.md.

    .bench/env/bin/python benchmarks/clusters.py

The same scaled inputs on both sides, ten starts each: bpcli as it is by default, in float32, and
scikit-learn's KMeans(n_init=10) in float64. Times are of training alone, in turn, on one thread.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from bpcli.runs.files import write_file

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "clusters.md"
SHIPPED = {"iris": 3, "wine": 3, "digits": 10}
GROUPS, SYNTHETIC = 12, (100_000, 20)
Floats = np.ndarray[Any, Any]

HEAD = """\
# Clusters

Written by `benchmarks/clusters.py`. Inertia is the sum of squared distances to the nearest centre,
of columns scaled to mean 0 and standard deviation 1; both sides start ten times and keep the best.
`gradient` is bpcli's default, Adam on mini-batches in float32; `lloyd` is `optimizer: lloyd`.
Seconds are those of training alone, in turn, on one thread of a machine that may have been busy:
worth a ratio at most.

| table | rows × columns, k | scikit-learn | gradient | ratio | lloyd | ratio | seconds of each |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def shipped(name: str) -> Floats:
    """The numeric columns of a table in data/."""
    with (ROOT / "data" / f"{name}.csv").open(newline="") as file:
        return np.array([row[:-1] for row in list(csv.reader(file))[1:]], dtype=float)


def synthetic() -> Floats:
    """Normal groups that overlap somewhat."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 2, (GROUPS, SYNTHETIC[1]))
    return centres[rng.integers(0, GROUPS, SYNTHETIC[0])] + rng.normal(size=SYNTHETIC)


def scaled(x: Floats) -> Floats:
    """To mean 0 and standard deviation 1; a constant column to 0."""
    deviation = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def ours(x: Floats, k: int, optimizer: str) -> tuple[float, float]:
    """Inertia of bpcli train, and the seconds it trained."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        head = ",".join(f"x{i}" for i in range(x.shape[1]))
        np.savetxt(folder / "t.csv", x, fmt="%.17g", delimiter=",", header=head, comments="")
        columns = ", ".join(f"x{i}: numeric" for i in range(x.shape[1]))
        text = f"data: {{path: t.csv, columns: {{{columns}}}}}\nloss: {{kmeans: {k}}}\n"
        (folder / "c.yaml").write_text(text)
        command = [sys.executable, "-m", "bpcli", "train", "c.yaml", "--json", "-q"]
        command += ["--set", f"optimizer={optimizer}", "--threads", "1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    facts = json.loads(done.stdout)
    return facts["metrics"]["train"]["inertia"], facts["seconds"]


def row(name: str, x: Floats, k: int) -> str:
    """A line of the table."""
    x = scaled(x)
    began = time.perf_counter()
    theirs = KMeans(k, n_init=10, random_state=0).fit(x).inertia_
    seconds = [time.perf_counter() - began]
    cells = [name, f"{len(x):,} × {x.shape[1]}, {k}", f"{theirs:.2f}"]
    for optimizer in ("adam", "lloyd"):
        inertia, took = ours(x, k, optimizer)
        cells += [f"{inertia:.2f}", f"{inertia / theirs:.5f}"]
        seconds.append(took)
    line = f"| {' | '.join(cells)} | {', '.join(f'{one:.1f}' for one in seconds)} |"
    print(line, flush=True)
    return line


def main() -> None:
    """Measure and write the page."""
    lines = [row(name, shipped(name), k) for name, k in SHIPPED.items()]
    lines.append(row("synthetic", synthetic(), GROUPS))
    write_file(PAGE, HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
