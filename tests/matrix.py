"""Reference configs trained under many environments: the hash of each result must not move.

python tests/matrix.py           every environment; `make matrix`
python tests/matrix.py --hashes  the hashes under this one, as JSON
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stdout
from io import StringIO
from itertools import product
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[1]
TASKS = {
    "regression": ("diabetes.csv", "progression", "mse"),
    "binary": ("breast_cancer.csv", "diagnosis", "binary_cross_entropy"),
    "softmax": ("iris.csv", "species", "cross_entropy"),
}
OPTIMIZERS = ("sgd", "adam")
THREADS = (1, 2)
VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
AXES = {
    "threads": ("", "1", "2", "7"),
    "PYTHONHASHSEED": ("0", "random"),
    "LC_ALL": ("C", "de_DE.UTF-8", "tr_TR.UTF-8"),
    "TZ": ("UTC", "Asia/Kathmandu"),
    "optimize": ("", "-O"),
}
Result = TypeVar("Result")
SAME = ("model.safetensors", "metrics.json", "predictions_test.csv", "split.csv")


def hashes() -> dict[str, str]:
    """SHA-256 of the results of every config and number of threads, trained in this process."""
    return {
        f"{task} {optimizer} threads {threads}": trained(task, optimizer, _hash, threads=threads)
        for task, optimizer, threads in product(TASKS, OPTIMIZERS, THREADS)
    }


def trained(
    task: str, optimizer: str, look: Callable[[Path], Result], **settings: object
) -> Result:
    """What `look` makes of the run folder of a reference config."""
    from bpcli.cli.app import run

    table, target, loss = TASKS[task]
    config = {
        "data": {"path": table, "target": target},
        "network": [{"dense": 12}, "tanh", {"dense": 6}, "relu"],
        "loss": loss,
        "optimizer": optimizer,
        "learning_rate": 0.01,
        "epochs": 2,
        "batch_size": 32,
        **settings,
    }
    with tempfile.TemporaryDirectory() as name, chdir(name):
        Path(table).write_bytes((ROOT / "data" / table).read_bytes())
        Path("c.yaml").write_text(json.dumps(config))  # JSON is YAML
        sys.argv = ["bpcli", "train", "c.yaml", "-o", "run"]
        with redirect_stdout(StringIO()):
            code = run()
        if code:
            raise SystemExit(code)
        return look(Path("run"))


def _hash(run: Path) -> str:
    digest = hashlib.sha256()
    for name in SAME:
        digest.update((run / name).read_bytes())
    with (run / "history.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            del row["seconds"]
            digest.update(repr(row).encode())
    return digest.hexdigest()


def environment(
    threads: str = "", optimize: str = "", **variables: str
) -> tuple[list[str], dict[str, str]]:
    """The command that prints the hashes, and the variables that it finds."""
    plain = {key: value for key, value in os.environ.items() if key not in (*VARIABLES, *AXES)}
    asked = dict.fromkeys(VARIABLES, threads) if threads else {}
    command = [sys.executable, *([optimize] if optimize else []), __file__, "--hashes"]
    return command, {**plain, **asked, **variables, "PYTHONPATH": str(ROOT)}


def everywhere() -> Iterator[tuple[str, dict[str, str]]]:
    """The hashes under every combination of the axes."""
    for values in product(*AXES.values()):
        settings = dict(zip(AXES, values, strict=True))
        command, variables = environment(**settings)
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        yield str(settings), json.loads(done.stdout)


def main() -> int:
    """The number of environments in which a hash moved."""
    found = list(everywhere())
    moved = [name for name, hashes in found if hashes != found[0][1]]
    print("\n".join([*moved, f"{len(found)} environments, {len(moved)} with other bytes"]))
    return len(moved)


if __name__ == "__main__":
    if sys.argv[1:] == ["--hashes"]:
        print(json.dumps(hashes()))
    else:
        sys.exit(bool(main()))
