"""Time bpcli and its peers in turn and write docs/benchmarks.md.  `make bench` runs this.

python benchmarks/run.py [--rounds 5] [--only toy,tiny] [--output docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from convolution import table as convolution_lines
from sweep_seeds import SEEDS, seeds_lines
from sweeps import QUALITY, quality_lines, time_lines
from workloads import WORKLOADS, Workload

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
THREADS = (1, 2)  # a peer runs with both, and the better median counts
LOSS_TOLERANCE = 0.02  # relative: rounding, and scikit-learn's place of epsilon
STARTS = 7  # whole processes, of each
EPOCHS = 100  # of the iris example


@dataclass
class Competitor:
    """A script, the threads it may have, and what it reported round by round."""

    label: str
    command: tuple[str, ...]
    threads: tuple[int, ...] = THREADS  # 0: it decides itself
    reports: dict[int, list[dict]] = field(default_factory=dict)  # by threads

    def run(self, workload: Workload) -> None:
        """One round, with each number of threads."""
        for threads in self.threads:
            report = self._process(workload, threads)
            if report is None:
                continue
            used = threads or report["threads"]
            self.reports.setdefault(used, []).append(report)
            time_of_step = f"{1e6 * report['seconds']:10.1f} µs"
            say(f"{workload.name:5} {self.label:16} {time_of_step}  threads {used}")

    @property
    def best(self) -> tuple[float, int]:
        """The median time of a step with the better number of threads, and that number."""
        medians = (
            (statistics.median(report["seconds"] for report in reports), threads)
            for threads, reports in self.reports.items()
        )
        return min(medians)

    @property
    def losses(self) -> list[float]:
        every = (report["loss"] for reports in self.reports.values() for report in reports)
        return [loss for loss in every if loss is not None]

    def _process(self, workload: Workload, threads: int) -> dict | None:
        script, *arguments = self.command
        command = [sys.executable, str(HERE / script), workload.name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(threads))
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1])
        lines = done.stderr.strip().splitlines() or ["no message"]
        named = [line for line in lines if "Error" in line]
        say(f"{workload.name:5} {self.label} failed: {(named or lines)[-1]}")
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Time bpcli and its peers in turn.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(WORKLOADS), help="workloads, with commas")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    asked = parser.parse_args()

    results = [
        (WORKLOADS[name], race(WORKLOADS[name], asked.rounds)) for name in asked.only.split(",")
    ]
    images = list(convolution_lines(asked.rounds))
    starts = start_up()
    sweeps = [*time_lines(asked.rounds), "", *quality_lines(QUALITY.split(",")), ""]
    sweeps += seeds_lines(SEEDS)
    asked.output.write_text(page(results, images, starts, sweeps, asked.rounds), encoding="utf-8")
    strange = [line for workload, entered in results for line in disagreements(workload, entered)]
    if strange:
        sys.exit("The losses do not agree, so these times compare nothing:\n" + "\n".join(strange))
    say(f"Wrote {asked.output.name}")


# ---- one step -----------------------------------------------------------------------------------


def race(workload: Workload, rounds: int) -> list[Competitor]:
    """A B C …, A B C …: what else the machine does hits all alike."""
    entered = [
        Competitor("bpcli", ("ours.py",), threads=(0,)),
        Competitor("scikit-learn", ("peer_sklearn.py",)),
        Competitor("PyTorch eager", ("peer_torch.py", "eager")),
        Competitor("PyTorch compile", ("peer_torch.py", "compile")),
        Competitor("bare products", ("floor.py",), threads=(0,)),
    ]
    for _ in range(rounds):
        for competitor in entered:
            competitor.run(workload)
    return entered


def disagreements(workload: Workload, entered: list[Competitor]) -> Iterable[str]:
    ours = entered[0].losses[0]
    for competitor in entered:
        strange = [x for x in competitor.losses if not abs(x - ours) <= LOSS_TOLERANCE * ours]
        if strange:
            yield f"{workload.name}: {competitor.label} {strange[0]:.6g}, bpcli {ours:.6g}"


def environment(threads: int = 0) -> dict[str, str]:
    """The caller's, without its thread settings; 0 leaves the threads to the process."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    kept["TORCHINDUCTOR_CACHE_DIR"] = str(ROOT / ".bench" / "inductor")
    return kept | ({name: str(threads) for name in names} if threads else {})


# ---- whole processes ----------------------------------------------------------------------------


def start_up() -> dict[str, float]:
    """Median seconds of whole processes, run in turn."""
    bpcli = str(Path(sys.executable).with_name("bpcli"))
    iris = str(ROOT / "data" / "iris.csv")
    same_work = ["stop.threshold=null", "iterations=null", f"epochs={EPOCHS}"]
    settings = [part for setting in same_work for part in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        train = [bpcli, "train", str(ROOT / "configs" / "iris.yaml"), "-o", f"{folder}/run"]
        commands = {
            "bpcli train": [*train, "--force", *settings],
            "scikit-learn script": [
                sys.executable,
                str(HERE / "iris_sklearn.py"),
                iris,
                str(EPOCHS),
            ],
            "bpcli --help": [bpcli, "--help"],
            "import typer, rich": [sys.executable, "-c", "import typer, rich"],
        }
        times: dict[str, list[float]] = {label: [] for label in commands}
        for turn in range(STARTS + 1):  # the first warms the disk's cache
            for label, command in commands.items():
                begin = time.perf_counter()
                subprocess.run(command, capture_output=True, check=True, env=environment())
                if turn:
                    times[label].append(time.perf_counter() - begin)
    medians = {label: statistics.median(each) for label, each in times.items()}
    for label, seconds in medians.items():
        say(f"{label:22} {seconds:.3f} s")
    return medians


# ---- the page -----------------------------------------------------------------------------------


def page(
    results: list, images: list[str], starts: dict[str, float], sweeps: list[str], rounds: int
) -> str:
    labels = [competitor.label for competitor in results[0][1]]
    head = ["workload", "net", "batch", *labels]
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}. {machine()}",
        "",
        "## One parameter update",
        "",
        "Time of one step: forward pass, softmax cross-entropy, backward pass, Adam; in brackets",
        "how many times bpcli's that is, and the threads used. `bare products` are the matrix",
        "products alone, in NumPy: the floor under any such trainer.",
        "",
        "| " + " | ".join(head) + " |",
        "| --- | --- | ---: |" + " ---: |" * len(labels),
    ]
    for workload, entered in results:
        cells = [cell(competitor, entered[0]) for competitor in entered]
        lines.append(
            "| " + " | ".join([workload.name, workload.net, str(workload.batch), *cells]) + " |"
        )
    lines += ["", *HOW.format(rounds=rounds, tolerance=LOSS_TOLERANCE).splitlines()]
    lines += ["", "## One parameter update of convolutions", "", *IMAGES.splitlines(), "", *images]
    lines += ["", "## Whole processes", "", *start_lines(starts)]
    lines += ["", "## Sweeps of 12 learning rates × 5 folds", "", *sweeps]
    return "\n".join(lines) + "\n"


HOW = """\
- All train the same float32 net from the same start values on the same batches in the same
  order, and end with the same loss to {tolerance:.0%}; where losses disagree the run fails. Of two
  classes scikit-learn makes one logistic output, a slightly smaller net.
- Each time is the median of {rounds} rounds, the competitors in turn. A round is a process of its
  own that repeats the same block of steps for 2 s, after one for warming up, and takes the median.
- Each peer runs with 1 and with 2 threads in every round, and the better median counts. bpcli
  decides by the width of the net, as always.
- bpcli's time includes shuffling and gathering the rows and its checks for a diverging loss. The
  peers read their batches in order, from memory.
- PyTorch eager uses the fused Adam; PyTorch compile compiles forward pass and loss, and takes the
  faster of the fused and a compiled Adam. Compiling is not timed."""


IMAGES = """\
Three times conv2d 3×3 of 32 channels and relu on 64 images of 28×28×32, the mean over each image,
a dense layer; otherwise as above. Each round is a process of its own, of which the fastest block
of 8 updates counts; both end with the same loss."""


def cell(competitor: Competitor, ours: Competitor) -> str:
    if not competitor.reports:
        return "failed"
    seconds, threads = competitor.best
    ratio = "" if competitor is ours else f"{seconds / ours.best[0]:.2f}×, "
    return f"{duration(seconds)} ({ratio}{threads})"


def start_lines(starts: dict[str, float]) -> list[str]:
    meaning = {
        "bpcli train": f"`bpcli train configs/iris.yaml`, {EPOCHS} epochs, with its run folder",
        "scikit-learn script": "the same work as a scikit-learn script, nothing written",
        "bpcli --help": "`bpcli --help`",
        "import typer, rich": '`python -c "import typer, rich"`, for comparison',
    }
    rows = [f"| {meaning[label]} | {seconds:.2f} s |" for label, seconds in starts.items()]
    return [
        f"Median wall time of {STARTS} runs, in turn.",
        "",
        "| command | time |",
        "| --- | ---: |",
        *rows,
    ]


def duration(seconds: float) -> str:
    return f"{1e6 * seconds:.0f} µs" if seconds < 1e-3 else f"{1e3 * seconds:.2f} ms"


def machine() -> str:
    import numpy as np

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    packages = {"bpcli": "bpcli", "scikit-learn": "scikit-learn", "PyTorch": "torch"}
    versions = [f"{name} {version(package).split('+')[0]}" for name, package in packages.items()]
    numpy = f"NumPy {np.__version__} with {blas['name']} {blas['version']}"
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{processor()}, {os.cpu_count()} cores, {system}, {numpy}; {', '.join(versions)}."


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "processor unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return " ".join((names or [platform.machine()])[0].split())


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
