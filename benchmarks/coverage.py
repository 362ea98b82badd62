"""How often intervals and sets hold the truth of new rows; writes docs/coverage.md.

python benchmarks/coverage.py [--splits 100] [--output docs/coverage.md]

Each split divides a table anew, trains a small network that keeps its best epoch, and makes
intervals twice: by calibration rows, which chose nothing, and by the validation rows, which chose
the epoch and the temperature. Both are asked about the same test rows.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.data.split import CALIBRATION, TEST, VALIDATION
from bpcli.data.targets.numbers import point
from bpcli.experiment.conformal import (
    Conformal,
    ConformalSpec,
    as_level,
    covered,
    members,
    scores_of,
)
from bpcli.experiment.finish import Finished, finish
from bpcli.experiment.load import load
from bpcli.experiment.members import Members
from bpcli.experiment.problem import LearningProblem
from bpcli.runs.resolved import prepare_and_resolve

ROOT = Path(__file__).parents[1]
LEVELS = (0.8, 0.9, 0.95)
TABLES = {
    "diabetes": ("progression", "epochs: 60"),
    "breast_cancer": ("diagnosis", "epochs: 40"),
    "wine": ("cultivar", "epochs: 40"),
    "digits": ("digit", "epochs: 20"),
}
CONFIG = """\
data: {{path: {path}, target: {target}}}
split: {{validation: 0.2, calibration: 0.2, test: 0.2}}
network: [{{dense: 24}}, relu]
learning_rate: 0.01
stop: {{restore_best: true}}
threads: 1
{length}
"""


class Found(NamedTuple):
    """One split, by one set of rows, at one level."""

    by: str
    level: float
    rows: int
    held: float  # share of the test rows
    size: float  # half the width over the test rows' standard deviation, or classes in a set


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "coverage.md")
    options = parser.parse_args()
    found = {name: list(measured(name, options.splits)) for name in TABLES}
    options.output.write_text(page(found, options.splits), encoding="utf-8")


def measured(name: str, splits: int) -> Iterator[Found]:
    """Every split of a table."""
    target, length = TABLES[name]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "c.yaml"
        path = ROOT / "data" / f"{name}.csv"
        config.write_text(CONFIG.format(path=path, target=target, length=length))
        for seed in range(splits):
            prepared, resolved = prepare_and_resolve(load(config, [f"seed={seed}"]))
            network = Members.of(LearningProblem.of(resolved, prepared))
            for _ in (fit := network.fit()):
                pass
            each = network.ensemble([one.weights for one in fit.replicas]).each(prepared.table)
            yield from of_split(network.problem, finish(network.problem, network.by_set(each)))
            print(f"\r{name} {seed + 1}/{splits}", end="", flush=True)
    print()


def of_split(problem: LearningProblem, done: Finished) -> Iterator[Found]:
    """By calibration and by validation rows, at every level, on the same test rows."""
    prepared, kind = problem.prepared, problem.loss.predicts
    truth = prepared.target.truth(prepared.table)
    found = {
        which: (rows, point(prediction, problem.loss.quantiles()))
        for which, (rows, prediction) in done.seen.items()
    }
    test, p = found[TEST]
    for by, which in {"calibration": CALIBRATION, "validation": VALIDATION}.items():
        rows, own = found[which]
        spec = ConformalSpec(rows=len(rows), set=by, chose=())
        conformal = Conformal.of(spec, scores_of(kind, own, truth[rows]))
        for level in LEVELS:
            radius = conformal.radius(as_level(level))
            held = float(covered(kind, p, truth[test], radius).mean())
            if kind == "classes":
                size = float(members(p, radius).sum(axis=1).mean())
            else:
                size = float(radius[0] / truth[test].std())
            yield Found(by, level, len(rows), held, size)


PAGE = """\
<!-- Written by benchmarks/coverage.py; do not edit. -->
# Coverage of intervals and sets

What `predict --interval LEVEL` promises, measured: {splits} random splits of each table of `data/`,
for each a network of 24 relu units that keeps its best epoch. "By calibration rows":
`split.calibration: 0.2`, rows that chose nothing. "By validation rows": without it, where the
validation rows chose the epoch and, of classes, the temperature. Both are asked about the same test
rows.

n rows promise ⌈(n + 1) level⌉ / (n + 1), which is a little more than the level. ± is the standard
error over the splits. The size is half an interval's width in standard deviations of the target, or
the classes in a set: below 1 where some sets are empty.

| {head} |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

At 90 % the largest distance from the level is {at_90[calibration]:.1f} points by calibration rows
and {at_90[validation]:.1f} points by validation rows; at all levels the largest distance from what
is promised is {gap[calibration]:.1f} and {gap[validation]:.1f} points.
"""
HEAD = ("table", "n", "level", "promised", "calibration rows", "validation rows")


def page(found: dict[str, list[Found]], splits: int) -> str:
    """The table of all measurements."""
    lines = []
    at_90 = {"calibration": 0.0, "validation": 0.0}
    gap = dict(at_90)
    for name, every in found.items():
        for level in LEVELS:
            own = {by: [f for f in every if (f.by, f.level) == (by, level)] for by in gap}
            n = own["calibration"][0].rows
            promised = 100 * float(np.ceil((n + 1) * as_level(level)) / (n + 1))
            cells = [f"`{name}`", str(n), f"{100 * level:g} %", f"{promised:.1f} %"]
            for by, some in own.items():
                held = 100 * np.array([f.held for f in some])
                error = held.std(ddof=1) / np.sqrt(len(held))
                cells.append(f"{held.mean():.1f} ± {error:.1f} %")
                gap[by] = max(gap[by], abs(held.mean() - promised))
                if level == 0.9:
                    at_90[by] = max(at_90[by], abs(held.mean() - 90))
            cells += [f"{np.mean([f.size for f in some]):.2f}" for some in own.values()]
            lines.append(f"| {' | '.join(cells)} |")
    head = " | ".join((*HEAD, "size", "size by validation rows"))
    return PAGE.format(splits=splits, head=head, rows="\n".join(lines), at_90=at_90, gap=gap)


if __name__ == "__main__":
    main()
