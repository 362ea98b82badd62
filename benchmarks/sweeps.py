"""Sweeps of 12 rates × 5 folds: their time beside one training's and scikit-learn's, and what
the chosen rate is worth on the test rows.  `make bench` runs this, as does

python benchmarks/sweeps.py [--rounds 3] [--quality iris,wine,…]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WITHOUT_TEST_ROWS = ("linear_regression",)
QUALITY = (
    "iris,wine,breast_cancer,logistic_regression,diabetes,softmax_regression,digits,"
    "linear_regression"
)


@dataclass(frozen=True)
class Sweep:
    """A shipped config, and what a scikit-learn script must know of it."""

    name: str
    target: str
    hidden: tuple[int, ...]
    activation: str
    epochs: int


SWEEPS = {
    "iris": Sweep("iris", "species", (16, 16), "tanh", 334),
    "wine": Sweep("wine", "cultivar", (64,), "relu", 100),
}


def bpcli(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bpcli", *arguments]


def timed(command: list[str]) -> float:
    """Seconds of a whole process."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'benchmarks'}"}
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return time.perf_counter() - begin


def race(sweep: Sweep, rounds: int) -> dict[str, float]:
    """Median seconds of whole processes, run in turn."""
    config = str(ROOT / "configs" / f"{sweep.name}.yaml")
    same = [f"epochs={sweep.epochs}", "iterations=null", "stop={}"]
    grid = ["--set", "lr_sweep.extend=0", "-q", "-f"]
    sets = [part for one in same for part in ("--set", one)]
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "train": bpcli("train", config, "-o", f"{folder}/t", "-q", "-f"),
            "sweep": bpcli("lr-sweep", config, "-o", f"{folder}/s", *grid),
            "sweep, all epochs": bpcli("lr-sweep", config, "-o", f"{folder}/a", *grid, *sets),
            "scikit-learn, all epochs": [
                sys.executable,
                str(ROOT / "benchmarks" / "sweep_sklearn.py"),
                sweep.name,
            ],
        }
        times: dict[str, list[float]] = {label: [] for label in commands}
        for _ in range(rounds):
            for label, command in commands.items():
                times[label].append(timed(command))
                print(f"{sweep.name:5} {label:26} {times[label][-1]:6.2f} s", file=sys.stderr)
    return {label: statistics.median(each) for label, each in times.items()}


def time_lines(rounds: int) -> list[str]:
    """The table of times."""
    lines = [
        f"Median wall time of {rounds} runs in turn; whole processes, with start and files.",
        "",
        "| config | one training | sweep | × training | sweep, all epochs | scikit-learn | share |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for sweep in SWEEPS.values():
        one, ours, whole, theirs = race(sweep, rounds).values()
        lines.append(
            f"| {sweep.name} | {one:.2f} s | {ours:.2f} s | {ours / one:.1f} | {whole:.2f} s "
            f"| {theirs:.2f} s | {whole / theirs:.2f} |"
        )
    return [
        *lines,
        "",
        "`sweep` stops as the config says. `all epochs` stops nowhere and does the work of",
        "`GridSearchCV(MLPClassifier, n_jobs=2)`: the same net, rates, folds, epochs and batches.",
    ]


def quality(name: str) -> str:
    """The test score of the swept rate beside the best test score of any rate."""
    config = str(ROOT / "configs" / f"{name}.yaml")
    with tempfile.TemporaryDirectory() as folder:
        timed(bpcli("lr-sweep", config, "-o", f"{folder}/s", "-q"))
        facts = json.loads(Path(folder, "s", "lr_sweep.json").read_text())
        chosen = f"| {name} | {facts['metric']} | {facts['choice']['learning_rate']:g}"
        if name in WITHOUT_TEST_ROWS:
            return f"{chosen} | – | – | no test rows |"
        scores = {}
        for one in facts["candidates"]:
            rate = one["learning_rate"]
            if not one["failed_folds"]:
                run = Path(folder, f"{rate:g}")
                timed(
                    bpcli("train", config, "-o", str(run), "-q", "--set", f"learning_rate={rate}")
                )
                metrics = json.loads((run / "metrics.json").read_text())
                scores[rate] = metrics["test"][facts["metric"]]
        rows = (run / "predictions_test.csv").read_text().count("\n") - 1
    better = max if facts["better"] == "higher" else min
    best, own = better(scores.values()), scores[facts["choice"]["learning_rate"]]
    # of a share p over N rows √(p (1 − p) / N); of an rmse about rmse / √(2 N)
    error = (best * (1 - best) / rows) ** 0.5 if better is max else best / (2 * rows) ** 0.5
    within = abs(own - best) <= error
    return f"{chosen} | {own:.4f} | {best:.4f} ± {error:.4f} | {'yes' if within else 'no'} |"


def quality_lines(names: Iterable[str]) -> list[str]:
    """The table of what the chosen rate is worth."""
    return [
        "The rate that `bpcli lr-sweep` chooses, and the rate that would have been the best on the",
        "test rows, which no sweep sees; ± is the standard error over the test rows.",
        "",
        "| config | metric | chosen rate | its test score | best test score | within |",
        "| --- | --- | ---: | ---: | ---: | --- |",
        *map(quality, names),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and judge learning-rate sweeps.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quality", default=QUALITY, help="configs, with commas")
    asked = parser.parse_args()
    print("\n".join([*time_lines(asked.rounds), "", *quality_lines(asked.quality.split(","))]))


if __name__ == "__main__":
    main()
