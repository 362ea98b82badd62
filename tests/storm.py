"""The storm: small runs are killed at random moments and resumed until they end.

    tests/storm.py [--kills N] [--seed S] [--jobs J]

Each ends in the same bytes as a run that was never stopped: weights, optimizer state, history
without its seconds, predictions, metrics. Most kills are SIGKILL; some are Ctrl-C once or twice,
or SIGTERM.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from resuming import INT, KILL, TERM, essence, flowers, leftovers, state
from running import begin_afresh

from bpcli.runs.checkpoint import read_checkpoint

HEAD = "data: {path: flowers.csv, target: species}\noutput: {checkpoint_every: 0.02}\n"
CONFIGS = {
    "dropout and ema": "network: [{dense: 8}, tanh, {dropout: 0.1}]\nema: 0.99\nbatch_size: 8\n"
    "epochs: 500\n",
    "best epoch": "network: [{dense: 8}, batch_norm, tanh]\noptimizer: {sgd: {momentum: 0.9}}\n"
    "batch_size: 16\nepochs: 700\nstop: {restore_best: true}\nschedule: cosine\n",
    "backoff": "network: [{dense: 8}, relu, {dense: 8}, relu]\noptimizer: sgd\n"
    "learning_rate: 1000\non_divergence: backoff\nbatch_size: 16\nepochs: 700\n",
    "ensemble": "network: [{dense: 8}, tanh, {dropout: 0.1}]\nensemble: {folds: 4}\nepochs: 200\n"
    "batch_size: 16\nstop: {patience: 60}\n",
    "two processes": "network: [{dense: 256}, relu]\nthreads: 2\nbatch_size: 64\nepochs: 700\n",
}
SIGNALS = [(KILL,)] * 6 + [(INT,), (INT,), (TERM,), (INT, INT)]
MOST = 20  # kills of one run; then it is left to end
COMMAND = ("train", "flowers.yaml", "-o", "run", "-q", "--resume")


class Reference(NamedTuple):
    """A run never stopped, and the seconds it took."""

    essence: dict[str, str]
    seconds: float


def reference(config: str, folder: Path) -> Reference:
    """The run of a config in one sitting."""
    folder.mkdir()
    flowers(folder, HEAD + config)
    started = time.monotonic()
    process = begin_afresh(*COMMAND, cwd=folder)
    _, said = process.communicate()
    assert process.returncode == 0, said
    return Reference(essence(folder / "run"), time.monotonic() - started)


def stormy(config: str, calm: Reference, folder: Path, chance: random.Random, most: int) -> int:
    """One run, killed until it ends by itself; returns how often it was."""
    folder.mkdir()
    flowers(folder, HEAD + config)
    kills = 0
    while not sitting(folder, calm.seconds, chance if kills < most else None):
        kills += 1
        check(folder / "run")
    assert essence(folder / "run") == calm.essence
    assert state(folder / "run") == "completed"
    assert leftovers(folder) == []
    shutil.rmtree(folder)
    return kills


def sitting(folder: Path, seconds: float, chance: random.Random | None) -> bool:
    """Start or resume the run and kill it, unless `chance` is None; whether it ended first."""
    process = begin_afresh(*COMMAND, cwd=folder)
    sent: tuple[int, ...] = ()
    if chance is not None:
        time.sleep(chance.uniform(0, seconds))
        sent = chance.choice(SIGNALS)
        for number in sent:
            if process.poll() is None:
                process.send_signal(number)
                time.sleep(chance.uniform(0, 0.02))
    _, said = process.communicate(timeout=300)
    if process.returncode == 0:
        return True
    # A signal that comes before bpcli has begun to listen ends Python itself.
    assert process.returncode in {*(128 + n for n in sent), *(-n for n in sent)}, said
    return False


def check(run: Path) -> None:
    """Whatever has its name is whole, and says the truth."""
    if (run / "run.json").exists():
        assert state(run) in ("running", "interrupted", "completed")
    if (run / "checkpoint.safetensors").exists():
        read_checkpoint(run / "checkpoint.safetensors")


def storm(kills: int, seed: int, jobs: int, folder: Path, most: int = MOST) -> tuple[int, int]:
    """(kills, runs): runs of every config in turn until there were so many kills."""
    calm: dict[str, Reference] = {}

    def work(job: int) -> tuple[int, int]:
        done = runs = 0
        while done < kills / jobs:
            name = list(CONFIGS)[(runs + job) % len(CONFIGS)]
            if name not in calm:
                calm[name] = reference(CONFIGS[name], folder / f"calm {job} {name}")
            chance = random.Random(f"{seed} {job} {runs}")
            done += stormy(CONFIGS[name], calm[name], folder / f"{job}-{runs}", chance, most)
            runs += 1
        return done, runs

    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(work, range(jobs)))
    return sum(done for done, _ in results), sum(runs for _, runs in results)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        kills, runs = storm(chosen.kills, seed, chosen.jobs, Path(name))
    print(f"{kills} of {kills} kills survived: {runs} runs ended in the bytes of a calm one")


if __name__ == "__main__":
    main()
