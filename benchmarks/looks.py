"""What the looks at the layers cost, within one training and beside it.

    benchmarks/looks.py [REPEATS]

Prints for several networks the median of the processor's seconds without the looks, the ratio of
all its seconds to these (median and quartiles), and how many looks there were. Two trainings one
after the other differ by more than that where other processes are at work.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median, quantiles

from bpcli.experiment.load import load

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
LONG = ("stop={}",)
NETS = {
    "line, full batch": ("linear_regression", ("iterations=8000", *LONG)),
    "iris, 16-16, batch 16": ("iris", ("iterations=4000", *LONG)),
    "iris, batch 1": ("iris", ("iterations=4000", "batch_size=1", *LONG)),
    "wine, 64, batch 16": ("wine", ("epochs=300", *LONG)),
    "breast cancer, 32": ("breast_cancer", ("epochs=300", *LONG)),
    "diabetes, mlp": ("diabetes", ("network=mlp", "learning_rate=0.003", "epochs=100", *LONG)),
    "digits, 256-128": ("digits", ("epochs=30", *LONG)),
    "digits, realmlp": ("digits", ("network=realmlp", "learning_rate=0.04", "epochs=20", *LONG)),
    "iris, 5 members": ("iris", ("iterations=2500", "ensemble=5", *LONG)),
}


def main() -> None:
    """One table, a network a line."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"{'network':24}{'seconds':>9}{'ratio':>8}{'quartiles':>16}{'looks':>7}")
    for name, (config, sets) in NETS.items():
        loaded = load(CONFIGS / f"{config}.yaml", ["threads=1", *sets])
        times = [measured(loaded) for _ in range(repeats)]
        ratios = [with_looks / without for without, with_looks, _ in times]
        low, _, high = quantiles(ratios, n=4)
        plain, looks = median(without for without, *_ in times), times[0][2]
        print(
            f"{name:24}{plain:9.3f}{median(ratios):8.3f}{low:9.3f}–{high:.3f}{looks:7}", flush=True
        )


def measured(loaded: object) -> tuple[float, float, int]:
    """(seconds without looks, with them, how many)."""
    from bpcli.experiment.load import Loaded
    from bpcli.experiment.members import Members
    from bpcli.experiment.problem import LearningProblem
    from bpcli.insight.watch import Watch
    from bpcli.runs.resolved import prepare_and_resolve

    assert isinstance(loaded, Loaded)
    prepared, config = prepare_and_resolve(loaded)
    members = Members.of(LearningProblem.of(config, prepared))
    fit = members.fit()
    watch = Watch(fit, config.output.diagnostics_every)
    start, looking = time.process_time(), 0.0
    watch.begin()
    looking += time.process_time() - start
    for record in fit:
        before = time.process_time()
        watch.follow(record)
        looking += time.process_time() - before
    without = time.process_time() - start - looking
    looks = sum(one.layer == "loss" and one.member == 1 for one in watch.readings)
    return without, without + looking, looks


if __name__ == "__main__":
    main()
