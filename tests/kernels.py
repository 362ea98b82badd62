"""The reference configs with the arithmetic of other processors: how far predictions are apart.

python tests/kernels.py                      the table of docs/reliability.md
python tests/kernels.py --predictions DTYPE  the predictions under this environment, as JSON

BLAS and NumPy choose their arithmetic by the processor. bpcli clears the variables that would make
them take another; where NumPy is imported before it, as here, they count.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
from matrix import OPTIMIZERS, ROOT, TASKS, trained

DTYPES = ("float64", "float32")
EPOCHS = 30


def features() -> str:
    """What NumPy has found in this processor beyond what every one has."""
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return " ".join(found)


KERNELS = {
    "BLAS without AVX": {"OPENBLAS_CORETYPE": "Prescott"},
    "BLAS with AVX2, Intel": {"OPENBLAS_CORETYPE": "Haswell"},
    "BLAS with AVX2, AMD": {"OPENBLAS_CORETYPE": "Zen"},
    "NumPy without AVX2": {"NPY_DISABLE_CPU_FEATURES": features()},
}
Predictions = dict[str, list[float]]


def predictions(dtype: str) -> Predictions:
    """Every number predicted for the test rows, by config."""
    return {
        f"{task} {optimizer}": trained(
            task, optimizer, _numbers, dtype=dtype, threads=1, epochs=EPOCHS
        )
        for task, optimizer in product(TASKS, OPTIMIZERS)
    }


def _numbers(run: Path) -> list[float]:
    with (run / "predictions_test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name.startswith("p_")] or ["prediction"]
    return [float(row[name]) for row in rows for name in names]


def under(dtype: str, **variables: str) -> Predictions:
    """The predictions of a process of its own with these variables."""
    settings = {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        [sys.executable, __file__, "--predictions", dtype],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    found: Predictions = json.loads(done.stdout)
    return found


def apart(one: Predictions, other: Predictions) -> float:
    """The largest difference, relative to the largest prediction of its config."""
    return max(
        max(abs(a - b) for a, b in zip(one[name], other[name], strict=True))
        / max(map(abs, one[name]))
        for name in one
    )


def main() -> None:
    """The table."""
    print(f"| arithmetic | {' | '.join(DTYPES)} |\n| --- | --- | --- |")
    usual = {dtype: under(dtype) for dtype in DTYPES}
    for name, variables in KERNELS.items():
        found = [apart(usual[dtype], under(dtype, **variables)) for dtype in DTYPES]
        print(f"| {name} | {' | '.join(f'{one:.1g}' for one in found)} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--predictions"]:
        print(json.dumps(predictions(sys.argv[2])))
    else:
        main()
